"""No figure in the README that a recorded result does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from generators import GENERATORS
from teachers import TEACHERS
from zskt.experiments.catalog import Catalog
from zskt.experiments.presets import PRESETS
from zskt.experiments.summary import summary
from zskt.files import read_json
from zskt.networks.students import STUDENTS
from zskt.results.headline import headline
from zskt.results.records import read_records

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
REFERENCE = ROOT / "runs" / "reference"


@pytest.mark.xfail(reason="the README is being written anew", strict=True)
def test_the_table_is_made_from_the_reference_runs() -> None:
    assert headline(read_records(REFERENCE), Catalog(TEACHERS, STUDENTS, GENERATORS, PRESETS)) in README


def test_the_shown_output_is_that_of_a_reference_run() -> None:
    run = REFERENCE / "jets-embedded-shower-seed0"
    shown = summary(read_json(run / "result.json"), Path("runs/zero-shot-jets-embedded-pfn-shower-seed0"))
    assert shown.strip() in README


def test_the_two_commands_come_first() -> None:
    block = README.split("```")[1].strip().splitlines()
    assert block == [
        "pip install -r requirements.txt && python train.py --mode zero-shot",
        "pip install -r requirements-dev.txt && pytest",
    ]
