"""Taggers with one score, with independent labels, and with a value and its width, from file to exported student."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import Call
from tests.toy_taggers import Toy, described, write
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.jets.preprocess import read_preprocess
from zskt.onnx_runtime import session
from zskt.storage.files import read_json, write_json

LENGTH = ("--iterations", 25, "--student-steps", 10, "--batch-size", 64)


class Heads(Toy):
    """Vertices and sums of variables tell its labels: more vertices, more likely a heavy quark."""

    def __init__(self, outputs: tuple[str, ...], head: str) -> None:
        super().__init__(described(outputs))
        self.head = head

    def forward(self, pf_features: Tensor, pf_mask: Tensor, sv_features: Tensor, sv_mask: Tensor) -> Tensor:
        pf = (pf_features * pf_mask).sum(2) / 10
        sv = (sv_features * sv_mask).sum(2)
        hidden = torch.relu(self.inner(torch.cat([pf, sv], 1)))
        vertices = sv_mask.sum(2) - 1.0
        y: Tensor = 2 * vertices + 8 * (self.outer(hidden) - self.outer.bias)
        if self.head == "sigmoid":
            return torch.sigmoid(y)
        if self.head == "width":
            return torch.cat([100 + 10 * y[:, :1], 1 + 5 * torch.nn.functional.softplus(y[:, 1:])], 1)
        return y


def play(
    call: Call, folder: Path, jets: Path, outputs: tuple[str, ...], head: str, *more: object
) -> tuple[Path, dict[str, Any]]:
    """Distil a tagger with no data, then evaluate, report and export; the run's folder and its result."""
    path, where = write(folder / "files", described(outputs), Heads(outputs, head))
    run, student = folder / "run", folder / "student"
    arguments = ("--mode", "zero-shot", "--teacher-path", path, "--preprocess", where, "--generator", "shower-prior")
    code, out, err = call(*arguments, "--data", jets, "--out", run, *LENGTH, *more)
    assert code == 0, err
    assert "outputs: " in out
    for mode, rest in (("evaluate", ()), ("report", ()), ("export", ("--out", student))):
        code, _, err = call("--mode", mode, "--run", run, "--data", jets, *rest)
        assert code == 0, err
    result = read_json(run / "result.json")
    again = read_json(run / f"evaluate-{jets.stem}.json")
    for key in ("agreement", "kl", "auc", "values"):
        assert again["student"].get(key) == result["student"].get(key), key
    exported = read_json(student / "export.json")
    assert exported["difference"] < 1e-5
    return run, result


def probabilities(student: Path, count: int = 4) -> np.ndarray:  # type: ignore[type-arg]
    """What the exported student answers to a few random jets."""
    from zskt.jets.random_inputs import random_inputs

    groups = read_preprocess(student / "preprocess.json").groups
    x = random_inputs(groups, count)
    feeds = {group.name: t.numpy() for group, t in zip(groups, x, strict=True)}
    answer: np.ndarray = session(student / "model.onnx").run(None, feeds)[0]  # type: ignore[type-arg]
    return answer


@pytest.mark.parametrize(("name", "head"), [("label_H_bb", "sigmoid"), ("isHbb", "logit")])
def test_one_score_is_distilled_as_two_classes(
    call: Call, tmp_path: Path, few_jets: Path, name: str, head: str
) -> None:
    run, result = play(call, tmp_path, few_jets, (name,), head)
    teacher, student = result["teacher"], result["student"]
    assert student["agreement"] > 0.9 and student["kl"] < 0.1 and "values" not in student
    assert student["auc"] > 0.75 and student["auc"] == pytest.approx(teacher["auc"], abs=0.05)
    assert teacher["ece"] is not None
    physics = read_json(run / f"physics-{few_jets.stem}.json")
    assert physics["truth"] == "labels" and physics["background"] == ["background"]
    assert list(physics["signals"]) == [name] and physics["jets"] == 200
    expected = int((read_jets(few_jets).labels == JETCLASS_CLASSES.index("Hbb")).sum())
    assert physics["signals"][name]["jets"] == expected
    record = read_json(run / "inputs.json")
    assert (record["outputs"], record["classes"], record["head"]) == ([name], [name, "background"], "score")
    student_folder = tmp_path / "student"
    assert read_json(student_folder / "preprocess.json")["output_names"] == [name, "background"]
    p = probabilities(student_folder)
    assert p.shape == (4, 2) and p.sum(1) == pytest.approx(np.ones(4), abs=1e-5)


def test_independent_labels_are_distilled_each_as_a_bernoulli_variable(
    call: Call, tmp_path: Path, few_jets: Path
) -> None:
    names = ("label_Tbqq", "label_H_bb", "label_QCD", "label_odd")
    run, result = play(call, tmp_path, few_jets, names, "sigmoid")
    student = result["student"]
    assert student["agreement"] > 0.9 and student["kl"] < 0.4 and "values" not in student
    assert student["accuracy"] == pytest.approx(result["teacher"]["accuracy"], abs=0.05)
    physics = read_json(run / f"physics-{few_jets.stem}.json")
    assert list(physics["signals"]) == list(names[:3]) and physics["jets"] == 200
    assert physics["background"] == ["all jets without the label"]
    assert read_json(tmp_path / "student/preprocess.json")["output_names"] == list(names)
    p = probabilities(tmp_path / "student")
    assert p.shape == (4, 4) and (abs(p.sum(1) - 1) > 0.01).any()
    assert read_json(tmp_path / "student/export.json")["int8"]["agreement_with_teacher"] > 0.8
    files = ("--teacher-path", tmp_path / "files/model.pt", "--preprocess", tmp_path / "files/preprocess.json")
    code, _, err = call("--mode", "few-shot", *files, "--data", few_jets, "--out", tmp_path / "few")
    assert code == 2 and "has independent labels: use --mode kd" in err, err
    code, _, err = call("--mode", "kd", *files, "--data", few_jets, "--out", tmp_path / "kd", "--iterations", 2)
    assert code == 0, err


def test_a_value_with_its_width_is_distilled_as_a_gaussian(call: Call, tmp_path: Path, few_jets: Path) -> None:
    run, result = play(call, tmp_path, few_jets, ("target_mass", "target_mass_sigma"), "width")
    mean = result["student"]["values"]["target_mass"]
    assert mean["rms_in_widths"] < 1.0 and mean["width_error"] < 0.3 and mean["correlation"] > 0.8
    assert "width_error" not in result["student"]["values"]["target_mass_sigma"]
    assert result["student"]["agreement"] is None
    assert "of the teacher&#39;s widths" in (run / "report.html").read_text()
    assert (probabilities(tmp_path / "student", 16)[:, 1] > 0).all()


def test_a_run_of_an_earlier_version_keeps_its_score_as_a_value(call: Call, tmp_path: Path, few_jets: Path) -> None:
    """What learned a probability by a robust distance is still read, evaluated and exported so."""
    from safetensors.torch import load_file

    path, where = write(tmp_path / "files", described(("target_score",)), Heads(("target_score",), "sigmoid"))
    run = tmp_path / "run"
    arguments = ("--mode", "zero-shot", "--teacher-path", path, "--preprocess", where, "--data", few_jets, "--out", run)
    assert call(*arguments, "--iterations", 2, "--student-steps", 2, "--batch-size", 16)[0] == 0
    record = read_json(run / "inputs.json")
    for key in ("classes", "head", "gaussians"):
        del record[key]
    record["outputs"] = record["regressed"] = ["score"]  # a name that is a score's today
    write_json(run / "inputs.json", record)
    code, out, err = call("--mode", "evaluate", "--run", run, "--data", few_jets)
    assert code == 0, err
    assert "score: correlation with the teacher's" in out
    assert load_file(run / "student.safetensors")["centre"].shape == (1,)
