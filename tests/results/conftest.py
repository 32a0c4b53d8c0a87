"""What tests of results share: the catalog, and results of imagined runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zskt.__main__ import catalog as shipped_catalog
from zskt.experiments.catalog import Catalog
from zskt.experiments.result import NetworkScores, Result, ScoredSamples
from zskt.results.records import Record

REFERENCE = Path(__file__).parent.parent.parent / "runs" / "reference"


@pytest.fixture
def catalog() -> Catalog:
    return shipped_catalog()


def result(**entries: Any) -> Result:
    """A result of a zero-shot run on five jets, with other entries where the test says so."""
    basic = Result(
        preset="p",
        mode="zero-shot",
        method="zskt",
        generator="mlp",
        seed=0,
        iterations=10,
        batch_size=100,
        steps=70,
        teacher_queries=1000,
        seconds=1.5,
        data=ScoredSamples(name="jets.root", sha256="ab", count=5, unit="jet"),
        teacher=NetworkScores(name="t", accuracy=0.7, auc=0.9),
        student=NetworkScores(name="s", agreement=0.5, auc=0.9, kl=1.0),
    )
    return replace(basic, **entries)


def record(**entries: Any) -> Record:
    """A record of `result`."""
    return Record(folder=Path("runs/a"), result=result(**entries))
