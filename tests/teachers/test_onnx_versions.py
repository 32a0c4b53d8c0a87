"""ONNX files that onnxruntime does not take as they are."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from teachers.onnx_versions import first_line, foreign_operators, is_qonnx, prepared, why_not, with_declared_domains


def graph(node: onnx.NodeProto, version: int = 13) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 2]) for n in "xy"]
    held = [numpy_helper.from_array(np.eye(2, dtype=np.float32), "w")]
    made = helper.make_graph([node], "g", ends[:1], ends[1:], held)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", version)], ir_version=8)


def test_domains_are_declared_and_named() -> None:
    model = graph(helper.make_node("Quant", ["x"], ["y"], domain="finn.custom_op.general"))
    assert foreign_operators(model) == [("finn.custom_op.general", "Quant")] and is_qonnx(model)
    declared = with_declared_domains(model)
    onnx.checker.check_model(declared)
    assert [o.domain for o in declared.opset_import] == ["", "finn.custom_op.general"]
    assert len(model.opset_import) == 1
    other = graph(helper.make_node("Own", ["x"], ["y"], domain="mine"))
    assert foreign_operators(other) == [("mine", "Own")] and not is_qonnx(other)
    assert foreign_operators(graph(helper.make_node("Relu", ["x"], ["y"]))) == []


def test_functions_of_the_file_are_no_foreign_operators_and_become_their_nodes() -> None:
    model = graph(helper.make_node("Twice", ["x"], ["y"], domain="mine"))
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    model.functions.append(helper.make_function("mine", "Twice", ["a"], ["b"], body, [helper.make_opsetid("", 13)]))
    assert foreign_operators(model) == []
    opened, problem = prepared(model)
    assert problem == "" and [n.op_type for n in opened.graph.node] == ["Add"]


def test_what_onnxruntime_says_is_told_in_a_line() -> None:
    model = graph(helper.make_node("MatMul", ["x", "nothing"], ["y"]))
    _, problem = prepared(model)
    assert "nothing" in problem and "\n" not in problem and problem == why_not(model)
    assert first_line(RuntimeError("[ONNXRuntimeError] : 1 : FAIL\n  Status Message: so  it is")) == "so it is"
