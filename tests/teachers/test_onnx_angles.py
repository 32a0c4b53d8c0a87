"""Angles of vectors of length zero, which exporters lose."""

from __future__ import annotations

import io

import onnx
import pytest
import torch
from onnx import helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from teachers.onnx_angles import with_angles_of_zero
from zskt.onnx_runtime import session

pytestmark = pytest.mark.filterwarnings("ignore")
X = torch.tensor([[0.0, 0.0], [0.0, 2.0], [3.0, 0.0], [-1.0, 0.5], [1.0, 2.0], [-0.0, 0.0]])


class Angle(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.atan2(x[:, 0], x[:, 1])


def exported(dtype: torch.dtype) -> onnx.ModelProto:
    file = io.BytesIO()
    axes = {"x": {0: "N"}}
    torch.onnx.export(
        Angle(), (X.to(dtype),), file, input_names=["x"], dynamic_axes=axes, opset_version=13, dynamo=False
    )  # fmt: skip
    return onnx.load_from_string(file.getvalue())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_padding_gets_the_angle_that_pytorch_gives_it_and_all_else_stays(dtype: torch.dtype) -> None:
    model = exported(dtype)
    mended, count = with_angles_of_zero(model)
    assert count == 1
    x = X.to(dtype).numpy()  # onnxruntime has no arctangent of 64 bits
    before, after = (torch.from_numpy(ReferenceEvaluator(m).run(None, {"x": x})[0]) for m in (model, mended))
    if dtype == torch.float32:
        assert torch.allclose(torch.from_numpy(session(mended).run(None, {"x": x})[0]), after)
    assert before.isnan().tolist() == [True, False, False, False, False, True]
    assert torch.equal(after[1:5], before[1:5])
    assert torch.allclose(after, torch.atan2(X[:, 0], X[:, 1]).to(dtype))


def test_other_ratios_stay() -> None:
    nodes = [helper.make_node("Div", ["x", "x"], ["r"]), helper.make_node("Tanh", ["r"], ["y"])]
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [2]) for n in "xy"]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:]))
    same, count = with_angles_of_zero(model)
    assert count == 0 and same == model
