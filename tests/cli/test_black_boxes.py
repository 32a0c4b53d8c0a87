"""Any ONNX file that onnxruntime runs is a teacher: images and vectors that cannot be converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.conftest import Call
from tests.teachers.plain_networks import Rows, write
from zskt.storage.files import read_json

SHORT = ("--iterations", 3, "--student-steps", 2, "--batch-size", 16)


def saved(graph: onnx.GraphProto, path: Path) -> Path:
    versions = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), str(path))
    return path


def trees(path: Path, threshold: float = 0.4) -> Path:
    """A decision tree with one split, as boosted trees are exported: its answers have no gradient, and no converter."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])
    ends = [
        helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
        helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 3]),
    ]
    node = helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "p"], domain="ai.onnx.ml",
        nodes_treeids=[0] * 5, nodes_nodeids=[0, 1, 2, 3, 4], nodes_featureids=[0, 0, 1, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[threshold, 0.0, 0.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 3, 0, 0], nodes_falsenodeids=[2, 0, 4, 0, 0], nodes_hitrates=[1.0] * 5,
        nodes_missing_value_tracks_true=[0] * 5,
        class_treeids=[0] * 9, class_nodeids=[1, 1, 1, 3, 3, 3, 4, 4, 4], class_ids=[0, 1, 2] * 3,
        class_weights=[0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.8],
        classlabels_int64s=[0, 1, 2], post_transform="NONE",
    )  # fmt: skip
    return saved(helper.make_graph([node], "g", [x], ends), path)


def enlarged(path: Path) -> Path:
    """Means of images that an operator without counterpart has enlarged."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 28, 28])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])
    weights = np.random.default_rng(0).normal(size=(16, 10)).astype("float32")
    held = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([1, 1, 2, 2], "float32"), "scales")]
    nodes = [
        helper.make_node("Resize", ["x", "", "scales"], ["large"], mode="nearest"),
        helper.make_node("AveragePool", ["large"], ["small"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    return saved(helper.make_graph(nodes, "g", [x], [y], held), path)


def test_a_decision_tree_is_a_teacher(call: Call, tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("features:\n" + "".join(f"  - {{name: {n}, low: 0, high: 1}}\n" for n in "abc"))
    files = ("--teacher-path", trees(tmp_path / "tree.onnx"), "--inputs", tmp_path / "v.yaml")
    code, out, err = call("--mode", "zero-shot", *files, "--iterations", 40, "--student-steps", 5, "--batch-size", 64,
                          "--set", "student_lr=0.01", "--out", "run")  # fmt: skip
    assert code == 0, err
    assert "has no gradient by its input; method prior-only in place of zskt" in out
    for lost in ("jitter=0.1", "terms.gram=1", "generator_lr=0.1"):
        code, _, err = call("--mode", "zero-shot", *files, *SHORT, "--set", lost, "--out", "lost")
        assert code == 2 and not Path("lost").exists()
        name = lost.partition("=")[0]
        assert f"--set {name}: method prior-only has no use for it; " in err and "-tree has no gradient" in err
    result = read_json(Path("run/result.json"))
    assert result["teacher_queries"] == 40 * 64 and result["generator"] == "tabular-prior"
    again = ("--iterations", 40, "--student-steps", 5, "--batch-size", 64, "--set", "student_lr=0.01", "--out", "run")
    code, _, err = call("--mode", "zero-shot", "--resume", "auto", *files, *again)
    assert code == 0, err
    Path("other").mkdir()
    moved = trees(Path("other/tree.onnx"), threshold=0.6)
    code, _, err = call("--mode", "zero-shot", "--resume", "auto", "--teacher-path", moved, *files[2:], *again)
    assert code == 2 and "was begun with another --teacher-path" in err, err
    code, out, err = call("--mode", "export", "--run", "run", "--out", "student")
    assert code == 0 and "teacher not timed: it is run by its own runtime" in err, err
    assert read_json(Path("student/export.json"))["latency"] is None
    for method in ("dfme", "disguide"):
        code, _, err = call("--mode", "zero-shot", *files, *SHORT, "--method", method, "--out", method)
        assert code == 0, err
        assert read_json(Path(method) / "result.json")["generator"] == "tabular"
    code, _, err = call("--mode", "zero-shot", *files, *SHORT, "--method", "zskt", "--out", "refused")
    assert code == 2 and "take one of dfme" in err


def test_an_image_network_that_cannot_be_converted_is_a_teacher(call: Call, tmp_path: Path, digits: Path) -> None:
    files = ("--teacher-path", enlarged(tmp_path / "large.onnx"), "--input-shape", 1, 28, 28, "--data", digits)
    code, out, err = call("--mode", "zero-shot", *files, *SHORT, "--out", "run")
    assert code == 0, err
    assert "method prior-only in place of zskt" in out and "strokes-prior in place of strokes" in out
    assert read_json(Path("run/result.json"))["student"]["agreement"] is not None
    code, out, err = call("--mode", "inspect", *files[:-2])
    assert code == 0 and "run by onnxruntime" in out, err


@pytest.mark.parametrize("access", ["probabilities", "top-class"])
def test_a_file_that_could_be_converted_is_asked_alone(call: Call, tmp_path: Path, access: str) -> None:
    import torch

    file = write(Rows(3), torch.rand(2, 3), tmp_path / "net.onnx")
    (tmp_path / "v.yaml").write_text("features:\n" + "".join(f"  - {{name: {n}, low: 0, high: 1}}\n" for n in "abc"))
    files = ("--teacher-path", file, "--inputs", tmp_path / "v.yaml", "--teacher-access", access)
    code, out, err = call("--mode", "zero-shot", *files, *SHORT, "--queries", 40, "--out", "run")
    assert code == 0, err
    assert f"is to give {access} alone; method prior-only in place of zskt" in out
    result = read_json(Path("run/result.json"))
    assert (result["teacher_access"], result["queries"], result["teacher_queries"]) == (access, 40, 32)
    code, _, err = call("--mode", "zero-shot", "--resume", "--out", "run")
    assert code == 0, err
    code, _, err = call("--mode", "evaluate", "--run", "run")
    assert code in (0, 2) and "Traceback" not in err
