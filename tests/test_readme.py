"""The README: its commands, its output and its table are what the project does and has recorded."""

from __future__ import annotations

import re
from pathlib import Path

import zskt
from zskt.experiments.result import upgrade
from zskt.experiments.summary import summary
from zskt.results.headline import headline
from zskt.results.records import read_records
from zskt.storage.files import read_json

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
REFERENCE = ROOT / "runs" / "reference"


def test_the_two_commands_come_first() -> None:
    block = README.split("```")[1].strip().splitlines()
    assert block == [
        "pip install -r requirements.txt && python train.py --mode zero-shot",
        "pip install -r requirements-dev.txt && pytest",
    ]
    assert len(README.splitlines()) <= 120


def test_the_shown_output_is_that_of_a_recorded_run() -> None:
    result = upgrade(read_json(REFERENCE / "jets-embedded-shower-seed0" / "result.json"))
    shown = summary(result, Path("runs/zero-shot-jets-embedded-pfn-shower-seed0"))
    assert shown.strip() in README


def test_the_table_is_made_from_recorded_runs() -> None:
    assert headline(read_records(REFERENCE), zskt.catalog()) in README


def test_every_page_that_it_names_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
