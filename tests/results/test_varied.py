"""Runs that are asked about changed jets, through the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from tests.conftest import Call
from zskt.jets.sample import SAMPLE

TINY = ("--iterations", 1, "--batch-size", 8, "--student-steps", 1)


def test_two_runs_and_their_teacher_are_asked_about_each_size(call: Call, few_jets: Path) -> None:
    for seed in (0, 1):
        assert call("--mode", "zero-shot", *TINY, "--data", few_jets, "--seed", seed, "--out", f"run{seed}")[0] == 0
    evaluate = ("--mode", "evaluate", "--run", "run0", "run1", "--data", few_jets)
    code, out, err = call(*evaluate, "--vary", "rotation:0,1.5", "boost", "--format", "csv")
    assert code == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["variation"], row["size"]) for row in rows[::3]] == [
        ("rotation", "0.0"), ("rotation", "1.5"), *(("boost", size) for size in ("0.0", "0.1", "0.2", "0.4", "0.8"))
    ]  # fmt: skip
    assert [row["network"] for row in rows[:3]] == ["teacher", "run0", "run1"]
    assert {row["keeps"] for row in rows if float(row["size"]) == 0} == {"1.0"}
    assert {row["agreement"] for row in rows if row["network"] == "teacher"} == {"1.0"}
    # At size 0 they are what evaluate finds.
    plain = call(*evaluate, "--format", "json")[1]
    for row in json.loads(plain)[1:]:
        as_they_are = next(each for each in rows if each["network"] == row["run"])
        assert float(as_they_are["agreement"]) == row["agreement"] and float(as_they_are["accuracy"]) == row["accuracy"]
    written = json.loads(Path(f"run1/robustness-{few_jets.stem}.json").read_text())
    assert {row["network"] for row in written["rows"]} == {"teacher", "student"} and len(written["rows"]) == 14
    text = call(*evaluate, "--vary", "smearing:0.1")[1]
    assert "resolution of each particle" in text and len(text.splitlines()) == 1 + 3 + 2
    for wrong, message in ((("turn",), "choose of rotation, boost, smearing"), (("boost:x",), "as numbers")):
        code, _, err = call(*evaluate, "--vary", *wrong)
        assert code == 2 and message in err and len(err.splitlines()) == 1


def test_a_run_in_a_folder_called_teacher_is_no_teacher_and_figures_on_other_jets_stay(
    call: Call, few_jets: Path, tmp_path: Path
) -> None:
    assert call("--mode", "zero-shot", *TINY, "--data", few_jets, "--out", "teacher")[0] == 0
    vary = ("--mode", "evaluate", "--run", "teacher", "--vary", "boost:0", "--format", "json")
    code, out, err = call(*vary, "--data", few_jets)
    assert code == 0, err
    teacher, student = json.loads(out)
    assert teacher["agreement"] == 1 and student["agreement"] < 1
    other = tmp_path / "elsewhere" / few_jets.name
    other.parent.mkdir()
    other.write_bytes(Path(SAMPLE).read_bytes())
    before = Path(f"teacher/robustness-{few_jets.stem}.json").read_text()
    code, _, err = call(*vary, "--data", other)
    assert code == 2 and "another file of that name" in err
    assert Path(f"teacher/robustness-{few_jets.stem}.json").read_text() == before


def test_domains_without_variations_say_so(call: Call, digits: Path) -> None:
    pair = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half")
    assert call(*pair, *TINY, "--data", digits, "--out", "run")[0] == 0
    code, _, err = call("--mode", "evaluate", "--run", "run", "--data", digits, "--vary")
    assert code == 2 and "is about images" in err and "jets have" in err


def test_earlier_figures_stay_beside_new_ones(call: Call, few_jets: Path) -> None:
    assert call("--mode", "zero-shot", *TINY, "--data", few_jets, "--out", "run")[0] == 0
    vary = ("--mode", "evaluate", "--run", "run", "--data", few_jets, "--vary")
    for words in (("boost:0.2,0.4", "smearing:0.1"), ("boost:-1,0.4",)):
        code, _, err = call(*vary, *words)
        assert code == 0, err
    written = json.loads(Path(f"run/robustness-{few_jets.stem}.json").read_text())
    assert [(row["variation"], row["size"], row["network"]) for row in written["rows"]] == [
        (variation, size, network)
        for variation, size in (("boost", -1), ("boost", 0.2), ("boost", 0.4), ("smearing", 0.1))
        for network in ("teacher", "student")
    ]
    assert set(written["units"]) == {"boost", "smearing"}
