"""Which runs of an explanation are seeds of one student."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from torch import nn

from tests.results.conftest import result
from zskt.experiments.result import NetworkScores
from zskt.results.explain.explanation import groups_of


def finished(folder: str, seed: int, **entries: Any) -> Any:
    """A finished run of an additive student, as far as groups look at it."""
    left = result(student=NetworkScores(name="additive"), seed=seed, **entries)
    config = SimpleNamespace(mode=left.mode, view="observables", seed=seed)
    return SimpleNamespace(
        folder=Path(folder), config=config, student_name="additive", student=nn.Identity(), result=left.to_dict()
    )


def test_seeds_are_of_one_recipe() -> None:
    runs = [
        finished("a", 0),
        finished("b", 1),
        finished("long", 0, iterations=20),
        finished("copy", 0),
        finished("shower", 0, generator="shower", changes={"student_lr": 0.1}),
    ]
    assert {group.label: group.runs for group in groups_of(runs[:2])} == {"additive of observables": [0, 1]}
    assert {group.label: group.runs for group in groups_of(runs)} == {
        "additive of observables (10 iterations, generator mlp)": [0, 1],
        "additive of observables (20 iterations, generator mlp)": [2],
        "additive of observables (10 iterations, generator shower, student_lr = 0.1)": [4],
    }
