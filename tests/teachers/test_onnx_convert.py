"""ONNX graphs as PyTorch modules, checked against onnxruntime."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from teachers.onnx_black_box import OnnxRuntimeNetwork
from teachers.onnx_convert import ConversionError, Converted, convert
from zskt.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore")
X = (torch.tensor([[10.0, 10.0]] * 3), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
"""For the inputs a and b of the graphs."""
PATH = Path("a.onnx")


def graph(
    nodes: list[onnx.NodeProto], version: int = 13, kind: int = TensorProto.FLOAT, batch: int | str = "N",
    domain: str = "", **constants: np.ndarray,  # type: ignore[type-arg]
) -> onnx.ModelProto:  # fmt: skip
    """A graph from a (N, 2) of float and b (N, 2) of int64 to y."""
    inputs = [helper.make_tensor_value_info(name, k, [batch, 2]) for name, k in (("a", kind), ("b", TensorProto.INT64))]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    output = helper.make_tensor_value_info("y", kind, None)
    opsets = [helper.make_opsetid("", version)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(
        helper.make_graph(nodes, "test", inputs, [output], weights), opset_imports=opsets, ir_version=8
    )


def cast(kind: int = TensorProto.FLOAT) -> onnx.NodeProto:
    return helper.make_node("Cast", ["b"], ["number"], to=kind)


def test_a_graph_takes_its_inputs_in_its_own_order_and_types() -> None:
    network = convert(graph([cast(), helper.make_node("Sub", ["a", "number"], ["y"])]), X, PATH)
    assert network(*X)[0].tolist() == [[9, 8], [7, 6], [5, 4]]
    for off in (0.4, -0.4):  # b is whole: the nearest number
        assert network(X[0], X[1] + off)[0].tolist() == [[9, 8], [7, 6], [5, 4]]
    assert network.origin == "ONNX, converted: 0 of 3 random jets differ from onnxruntime by more than 0.0001"
    assert network.differentiable and network.published == 0 and not network.training


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_numbers_of_16_and_64_bits_convert(kind: int) -> None:
    w = np.linspace(-1, 1, 6).reshape(2, 3).astype(helper.tensor_dtype_to_np_dtype(kind))
    nodes = [
        cast(kind),
        helper.make_node("Mul", ["a", "number"], ["product"]),
        helper.make_node("MatMul", ["product", "w"], ["z"]),
        helper.make_node("Softmax", ["z"], ["y"], axis=1),
    ]
    network = convert(graph(nodes, kind=kind, w=w), X, PATH)
    a = (X[0] / 100).requires_grad_()
    (y,) = network(a, X[1])
    expected = ((a * X[1]) @ torch.from_numpy(w).float()).softmax(1)
    assert torch.allclose(y.float(), expected, atol=1e-3) and network.published == 6
    assert torch.autograd.grad(y[:, 0].sum(), a)[0].any()


def test_an_old_graph_converts() -> None:
    nodes = [cast(), helper.make_node("Gemm", ["number", "w", "c"], ["z"], broadcast=1)]
    nodes += [helper.make_node("Add", ["z", "a"], ["s"]), helper.make_node("Softmax", ["s"], ["y"], axis=1)]
    weights = {"w": np.array([[1, 2], [3, 4]], np.float32), "c": np.array([5, 6], np.float32)}
    network = convert(graph(nodes, 6, **weights), X, PATH)
    w, c = (torch.from_numpy(v) for v in weights.values())
    assert torch.allclose(network(*X)[0], (X[1] @ w + c + X[0]).softmax(1), atol=1e-6)
    fixed = convert(graph(nodes, 6, batch=1000, **weights), X, PATH)
    assert torch.allclose(fixed(*X)[0], network(*X)[0]) and "in pieces" not in fixed.origin


def test_a_fixed_batch_that_is_in_the_weights_is_run_in_pieces() -> None:
    nodes = [cast(), helper.make_node("Add", ["a", "number"], ["s"]), helper.make_node("Mul", ["s", "w"], ["y"])]
    w = np.array([[1, 2], [3, 4]], np.float32)
    network = convert(graph(nodes, batch=2, w=w), X, PATH)
    expected = (X[0] + X[1]) * torch.tensor([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])
    assert torch.equal(network(*X)[0], expected) and network.origin.endswith("run in pieces of 2")


def test_what_neither_can_run_is_told_with_its_cause_and_not_blamed_on_a_fixed_batch() -> None:
    nodes = [cast(), helper.make_node("Add", ["a", "number"], ["s"]), helper.make_node("Add", ["s", "w"], ["y"])]
    for batch in ("N", 5):
        wrong = graph(nodes, batch=batch, w=np.zeros((5, 3), np.float32))
        with pytest.raises(UserError, match=r"^a\.onnx: neither onnxruntime \(.*nor PyTorch") as error:
            convert(wrong, X, PATH)
        assert "\n" not in str(error.value) and "exported for batches" not in str(error.value)
    with pytest.raises(UserError, match=r"onnxruntime cannot run it on inputs as they are described \(.*INVALID"):
        convert(graph([cast(), helper.make_node("Sub", ["a", "number"], ["y"])]), (X[0][:, :1], X[1]), PATH)


def test_what_only_onnxruntime_can_run_is_for_a_black_box() -> None:
    nodes = [cast(), helper.make_node("Binarizer", ["number"], ["y"], domain="ai.onnx.ml", threshold=2.5)]
    model = graph(nodes, domain="ai.onnx.ml")
    with pytest.raises(ConversionError, match=r"^holds the operator Binarizer of ai\.onnx\.ml$"):
        convert(model, X, PATH)
    assert OnnxRuntimeNetwork(model, X)(*X)[0].tolist() == [[0, 0], [1, 1], [1, 1]]


def test_a_network_of_few_bits_converts_and_says_that_it_is_one() -> None:
    domain = "qonnx.custom_op.general"
    quant = helper.make_node("Quant", ["s", "scale", "zero", "bits"], ["y"], domain=domain, rounding_mode="ROUND")
    nodes = [cast(), helper.make_node("Add", ["a", "number"], ["s"]), quant]
    numbers = {"scale": np.float32(4), "zero": np.float32(0), "bits": np.float32(3)}
    for declared in (domain, ""):
        model = graph(nodes, domain=declared, **{k: np.asarray(v) for k, v in numbers.items()})
        network = convert(model, X, PATH)
        assert network(*X)[0].tolist() == [[12, 12], [12, 12], [12, 12]]  # 11 to 16 in steps of 4, three at most
        assert network.origin == "QONNX, converted, and not compared: onnxruntime cannot run it"


def test_operators_of_other_domains_are_named() -> None:
    broken = graph([cast(), helper.make_node("Quant", ["number"], ["y"], domain="finn.custom_op.general")])
    with pytest.raises(UserError, match=r"is a QONNX file, with operators .* \(Quant of finn\.custom_op\.general;"):
        convert(broken, X, PATH)
    model = graph([cast(), helper.make_node("Own", ["number"], ["y"], domain="my.lab")], domain="my.lab")
    with pytest.raises(UserError, match=r"a\.onnx: holds operators that onnxruntime does not have \(Own of my\.lab"):
        convert(model, X, PATH)


class Transformer(nn.Module):
    """weaver's Particle Transformer, with the inputs that its configurations have."""

    def __init__(self, version: int, **more: Any) -> None:
        from weaver.nn.model.ParticleTransformer import ParticleTransformer

        super().__init__()
        torch.manual_seed(0)
        sizes = {"embed_dims": [16, 32, 16], "pair_embed_dims": [8, 8], "num_heads": 4, "num_layers": 2}
        self.mod = ParticleTransformer(
            input_dim=5, num_classes=3, num_cls_layers=1, fc_params=[], for_inference=True, use_amp=False, trim=False,
            version=version, **sizes, **more,
        )  # fmt: skip

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        y: Tensor = self.mod(features, v=vectors, mask=mask)
        return y


def jets(n: int, length: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Jets that are padded with zeros to ``length``."""
    rng = torch.Generator().manual_seed(seed)
    real = torch.randint(1, length + 1, (n, 1), generator=rng)
    mask = (torch.arange(length) < real).float().unsqueeze(1)
    momenta = torch.randn(n, 3, length, generator=rng) * 5
    energies = (momenta.square().sum(1, keepdim=True) + 0.5).sqrt()
    return torch.randn(n, 5, length, generator=rng) * mask, torch.cat([momenta, energies], 1) * mask, mask


def exported(network: nn.Module, x: Sequence[Tensor], opset: int, names: Sequence[str]) -> onnx.ModelProto:
    file = io.BytesIO()
    axes = {name: {0: "N", 2: "P"} for name in names}
    torch.onnx.export(
        network, tuple(x), file, input_names=list(names), dynamic_axes=axes, opset_version=opset, dynamo=False
    )
    return onnx.load_from_string(file.getvalue())


APART = {"remove_self_pair": True, "pair_input_dim": 6}
"""With "ee" the angle of a particle with itself is rounding, which differs between processors."""
PAIRS = [{}, APART, APART | {"pair_input_type": "ee"}]


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(("opset", "more"), [(14, PAIRS[0]), (16, PAIRS[1]), (18, PAIRS[0]), (17, PAIRS[2])])
def test_particle_transformers_answer_as_weavers_own_with_the_same_gradients(
    version: int, opset: int, more: dict[str, Any]
) -> None:
    logging.disable(logging.WARNING)
    pytest.importorskip("weaver")
    own = Transformer(version, **more).eval()
    names = ("features", "vectors", "mask")
    model = exported(own, jets(3, 11), opset, names)
    network = convert(model, jets(16, 13), PATH)
    assert isinstance(network, Converted) and network.origin.startswith("ONNX, converted: ")
    tolerance = 1e-4
    black_box = OnnxRuntimeNetwork(model)
    for n, length in ((1, 5), (2, 9), (5, 17), (300, 3)):
        x = jets(n, length, seed=n)
        (y,) = network(*x)
        assert bool(y.isfinite().all())
        assert torch.allclose(y, own(*x), atol=tolerance) and torch.allclose(y, black_box(*x)[0], atol=tolerance)
    features, vectors, mask = jets(4, 12, seed=5)
    features.requires_grad_()
    wanted = torch.autograd.grad(own(features, vectors, mask)[:, 0].sum(), features)[0]
    gradient = torch.autograd.grad(network(features, vectors, mask)[0][:, 0].sum(), features)[0]
    assert bool(gradient.isfinite().all()) and bool(gradient.any())
    assert torch.allclose(gradient, wanted, atol=tolerance)


class Steps(nn.Module):
    """A recurrent network of jets, as DeepJet has it."""

    def __init__(self, layer: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.steps, self.last = layer(5, 8, 2, batch_first=True, bidirectional=True), nn.Linear(16, 3)

    def forward(self, features: Tensor) -> Tensor:
        y: Tensor = self.last(self.steps(features.transpose(1, 2))[0][:, -1]).softmax(1)
        return y


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU])
def test_recurrent_networks_convert(layer: type[nn.LSTM] | type[nn.GRU]) -> None:
    own = Steps(layer).eval()
    x = jets(8, 10)[:1]
    network = convert(exported(own, x, 13, ["features"]), x, PATH)
    for n, length in ((1, 3), (7, 20)):
        features = jets(n, length)[0].requires_grad_()
        assert torch.allclose(network(features)[0], own(features), atol=1e-6)
        gradients = [torch.autograd.grad(y[:, 0].sum(), features)[0] for y in (network(features)[0], own(features))]
        assert torch.allclose(*gradients, atol=1e-6) and bool(gradients[0].any())


def test_outputs_that_are_mostly_rounding_convert_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = np.float32(3e7)
    nodes = [
        cast(), helper.make_node("Add", ["a", "number"], ["s"]), helper.make_node("Mul", ["s", "huge"], ["large"]),
        helper.make_node("Sin", ["large"], ["y"]),
    ]  # fmt: skip
    model = graph(nodes, huge=np.asarray(huge))
    x = (torch.randn(64, 2), torch.zeros(64, 2))

    class Otherwise(Converted):
        def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
            return super().forward(x[0] * (1 + 1e-7), *x[1:])

    monkeypatch.setattr("teachers.onnx_convert.Converted", Otherwise)
    assert "from themselves in onnxruntime" in convert(model, x, PATH).origin
    small = graph(nodes, huge=np.asarray(np.float32(1)))
    assert "themselves" not in convert(small, x, PATH).origin

    class Wrong(Converted):
        def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
            return super().forward(x[0] * 1.01, *x[1:])

    monkeypatch.setattr("teachers.onnx_convert.Converted", Wrong)
    with pytest.raises(ConversionError, match="after conversion it answers otherwise, by"):
        convert(small, x, PATH)
