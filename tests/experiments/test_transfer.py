"""Runs whose student begins as that of an earlier run, of another teacher."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from tests.conftest import ROOT, Call
from zskt.jets.features import KIN
from zskt.markdown import integer
from zskt.storage.files import read_json

EARLIER = ROOT / "runs" / "reference" / "jetclass-kin-shower-seed0"
"""A student of another teacher of ten classes, with as many variables."""
SHORT = ("--batch-size", 16, "--student-steps", 1, "--set", "student_lr=1e-9", "--set", "evaluate_every=0")


def test_a_student_begins_as_that_of_another_teacher(call: Call, tmp_path: Path, few_jets: Path) -> None:
    begin = ("--mode", "zero-shot", "--preset", "jets-embedded", *SHORT, "--data", few_jets)
    code, out, err = call(*begin, "--run", EARLIER, "--iterations", 2, "--out", "whole")
    assert code == 0, err
    assert "all 45 784 parameters begin as there\n" in out
    student, earlier = (load_file(folder / "student.safetensors") for folder in (tmp_path / "whole", EARLIER))
    trained = [name for name in student if name.endswith("weight")]
    assert len(trained) > 5 and all(((student[n] - earlier[n]).abs() < 1e-6).all() for n in trained)
    assert read_json(tmp_path / "whole/result.json")["changes"]["begins_from"] == "zero-shot jetclass-kin"


def test_layers_that_fit_are_taken_and_the_others_begin_anew(call: Call, tmp_path: Path, few_jets: Path) -> None:
    seen = ("--view", "features:" + ",".join(KIN.features[:3]), "--student", "pfn-small")
    begin = ("--mode", "kd", "--preset", "jets-embedded", *SHORT, "--data", few_jets, "--iterations", 1)
    code, _, err = call(*begin, *seen, "--out", "earlier")
    assert code == 0, err
    code, out, err = call(*begin, "--student", "pfn-small", "--run", "earlier", "--seed", 7, "--out", "later")
    assert code == 0, err
    anew = 2 * 7 + 7 * 48 + 48  # the normalisation of seven variables, and the layer that reads them
    assert f"{integer(8920 - anew)} of 8 920 parameters begin as there, the others anew" in out
    student, before = (load_file(tmp_path / run / "student.safetensors") for run in ("later", "earlier"))
    assert (student["f.0.weight"] - before["network.f.0.weight"]).abs().max() < 1e-6
    assert student["phi.1.weight"].shape == (48, 7)


def test_a_student_of_other_widths_is_refused_before_a_run_begins(call: Call, tmp_path: Path) -> None:
    begin = ("--mode", "zero-shot", "--preset", "jets-embedded", "--student", "deepsets", "--run", EARLIER)
    code, _, err = call(*begin, "--out", "run")
    assert code == 2
    assert err.strip() == (
        f"zskt: --run {EARLIER}: of the 2 904 parameters of student deepsets 0 are in layers that its pfn has too, "
        "less than half; take a --student of the same architecture and widths"
    )
    assert not (tmp_path / "run").exists()
