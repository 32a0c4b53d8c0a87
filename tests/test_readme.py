"""No figure in the README that a committed result does not hold."""

from __future__ import annotations

import re
from pathlib import Path

from zskt.experiments.catalog import adopt_run
from zskt.experiments.config import Config
from zskt.experiments.finished import load_student
from zskt.experiments.summary import summary
from zskt.files import read_json
from zskt.results.tables import everything, render, write

from .refresh import refreshed, tables

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
REFERENCE = ROOT / "runs" / "reference"


def test_the_tables_are_made_from_the_reference_runs() -> None:
    found = dict(tables())
    assert len(found) == render(REFERENCE).count("\n\n**") + 1 > 10
    for table in found.values():
        assert README.count(table) == 1
    heads = [line for line in README.splitlines() if re.match(r"\*\*[\w-]+\*\*: ", line)]
    assert sorted(heads) == sorted(table.splitlines()[0] for table in found.values())  # and no other
    spoilt = re.sub(r"^(\||\*\*).*$", lambda line: re.sub(r"0\.\d{4}", "0.0000", line[0]), README, flags=re.MULTILINE)
    assert spoilt != README and refreshed(spoilt) == refreshed(README) == README


def test_the_papers_tables_are_made_from_the_reference_runs(tmp_path: Path) -> None:
    kept = REFERENCE / "tables"
    assert everything(REFERENCE) in (kept / "README.md").read_text()
    write(REFERENCE, tmp_path / "tables")
    assert {p.name for p in (tmp_path / "tables").iterdir()} == {p.name for p in kept.iterdir()}
    assert (tmp_path / "tables/README.md").read_text() == (kept / "README.md").read_text()


def test_the_shown_output_is_that_of_a_reference_run() -> None:
    run = REFERENCE / "jets-embedded-shower-seed0"
    shown = summary(read_json(run / "result.json"), Path("runs/zero-shot-jets-embedded-pfn-shower-seed0"))
    assert shown.strip() in README


def test_every_reference_run_can_be_evaluated_by_anyone() -> None:
    runs = [path.parent for path in REFERENCE.glob("*/result.json")]
    assert runs
    for run in runs:
        if read_json(run / "result.json")["mode"] == "toy":
            continue  # leaves no student
        adopt_run(run)
        recorded = read_json(run / "config.json")
        recorded.pop("files")
        load_student(run, Config.from_dict(recorded, str(run)))
        assert (run / "student.safetensors").stat().st_size <= 350_000, run


def test_the_two_commands_come_first() -> None:
    block = README.split("```")[1].strip().splitlines()
    assert block == [
        "pip install -r requirements.txt && python train.py --mode zero-shot",
        "pip install -r requirements-dev.txt && pytest",
    ]
