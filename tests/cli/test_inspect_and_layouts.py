"""What is understood of a teacher, layouts that the user says, and teachers without gradients, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from tests.conftest import Call
from tests.toy_taggers import Toy, described, write
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.storage.files import read_json

SHORT = ("--iterations", 2, "--student-steps", 2, "--batch-size", 16)
NAMES = ("pfcand_pt_log", "pfcand_etarel", "pfcand_phirel", "pfcand_deltaR", "pfcand_charge")
CLASSES = ("label_b", "label_c", "label_light")
SQUARE = Preprocess((InputGroup("pf_features", tuple(map(Variable, NAMES)), 5, 5),), CLASSES)


class Flattened(nn.Module):
    """Five variables of five entries, in whatever order: no answer tells which axis is which."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.out = nn.Linear(25, 3)

    def forward(self, pf_features: Tensor) -> Tensor:
        logits: Tensor = self.out(pf_features.flatten(1))
        return logits.softmax(1)


def square(folder: Path) -> tuple[Path, Path]:
    path, where = folder / "square.pt", folder / "square.json"
    torch.jit.script(Flattened().eval()).save(str(path))
    where.write_text(json.dumps(SQUARE.to_json()))
    return path, where


def without_gradient(folder: Path) -> tuple[Path, Path]:
    """Sums over entries, doubled by an operator that PyTorch does not run here."""
    weights = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
    constants = [
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(np.array([1, 2, 1], "float32"), "scales"),
        numpy_helper.from_array(np.array([2], "int64"), "entries"),
    ]
    nodes = [
        helper.make_node("ReduceSum", ["pf_features", "entries"], ["sums"], keepdims=1),
        helper.make_node("Resize", ["sums", "", "scales"], ["doubled"], mode="nearest"),
        helper.make_node("Squeeze", ["doubled", "entries"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["p"], axis=1),
    ]
    ends = [
        helper.make_tensor_value_info("pf_features", TensorProto.FLOAT, ["N", 5, "n_pf"]),
        helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 3]),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
    path, where = folder / "box.onnx", folder / "box.json"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    groups = (InputGroup("pf_features", tuple(map(Variable, NAMES)), 1, 40),)
    where.write_text(json.dumps(Preprocess(groups, CLASSES).to_json()))
    return path, where


def test_inspect_says_what_is_understood_and_starts_no_run(call: Call, tmp_path: Path) -> None:
    preprocess = described(names=("pfcand_mystery",))
    path, where = write(tmp_path / "files", preprocess, Toy(preprocess), "onnx")
    code, out, err = call("--mode", "inspect", "--teacher-path", path, "--preprocess", where, "--set", "pt_low=50")
    assert code == 0, err
    rows = dict(line.split(maxsplit=1) for line in out.splitlines() if line[:1] not in ("", " "))
    assert rows["gradients"] == "yes" and rows["answers"] == "probabilities"
    assert rows["classes"] == "3: label_b, label_c, label_light" and rows["values"] == "none"
    assert "0 of 64 random jets differ from onnxruntime" in out
    assert "pf_features: particles, 4 to 30, (jets, variables, entries)" in out
    assert "50 to 1000 GeV" in out and "pfcand_mystery" in out and "not known" in out
    assert not (tmp_path / "runs").exists()


def test_inspect_knows_teachers_by_name(call: Call) -> None:
    code, out, err = call("--mode", "inspect", "--teacher", "mnist-lenet5")
    assert code == 0, err
    assert "10: 0, 1, 2" in out and "domain     images" in out
    code, _, err = call("--mode", "inspect")
    assert code == 2 and "say which teacher" in err


def test_a_layout_that_nothing_tells_is_asked_for_and_then_kept(call: Call, tmp_path: Path, few_jets: Path) -> None:
    path, where = square(tmp_path)
    files = ("--teacher-path", path, "--preprocess", where)
    code, _, err = call("--mode", "inspect", *files)
    assert code == 2 and "say which: --layout pf_features=BCP or --layout pf_features=BPC" in err
    for word, message in (("pf=BPC", "unknown input of the network 'pf'"), ("pf_features", "write it as INPUT=AXES"),
                          ("pf_features=BXP", "write an axis as a letter")):  # fmt: skip
        code, _, err = call("--mode", "inspect", *files, "--layout", word)
        assert code == 2 and message in err and len(err.strip().splitlines()) == 1
    code, out, err = call("--mode", "inspect", *files, "--layout", "pf_features=BPC")
    assert code == 0 and "(jets, entries, variables)" in out
    run = tmp_path / "run"
    code, _, err = call("--mode", "zero-shot", *files, "--layout", "pf_features=bpc", "--data", few_jets, "--out", run,
                        *SHORT)  # fmt: skip
    assert code == 0, err
    assert [entry["layout"] for entry in read_json(run / "inputs.json")["inputs"]] == ["BPC"]
    before = read_json(run / "result.json")["student"]["kl"]
    code, _, err = call("--mode", "evaluate", "--run", run, "--data", few_jets)
    assert code == 0, err
    evaluated = next(read_json(file) for file in run.glob("evaluate-*.json"))
    assert evaluated["student"]["kl"] == pytest.approx(before, rel=1e-5)


def test_a_teacher_without_gradient_is_distilled_with_the_prior(call: Call, tmp_path: Path, few_jets: Path) -> None:
    path, where = without_gradient(tmp_path)
    files = ("--teacher-path", path, "--preprocess", where, "--data", few_jets)
    run = tmp_path / "run"
    code, out, err = call("--mode", "zero-shot", *files, "--out", run, *SHORT)
    assert code == 0, err
    assert "has no gradient by its input; method prior-only in place of zskt" in out
    assert "trains no generator; shower-mix in place of shower" in out
    config = read_json(run / "config.json")
    assert (config["method"], config["generator"]) == ("prior-only", "shower-mix")
    assert read_json(run / "result.json")["teacher_queries"] == 2 * 16
    assert read_json(run / "result.json")["student"]["agreement"] is not None
    for chosen, other in ((("--generator", "mlp"), "shower-prior"), (("--set", "generator=shower"), "shower-mix")):
        code, _, err = call("--mode", "zero-shot", *files, *chosen, "--out", tmp_path / "other", *SHORT)
        assert code == 2 and f"take --generator {other}" in err
    for method in ("zskt", "dafl"):
        code, _, err = call("--mode", "zero-shot", *files, "--method", method, "--out", tmp_path / "other")
        assert code == 2 and "take one of dfme, maze, disguide" in err and len(err.strip().splitlines()) == 1
    code, _, err = call("--mode", "zero-shot", *files, "--teacher-access", "gradient", "--out", tmp_path / "other")
    assert code == 2 and "the teacher has no gradient by its input" in err
    code, out, _ = call("--mode", "inspect", *files[:4])
    assert code == 0 and "gradients  none" in out and "holds the operator Resize" in out
