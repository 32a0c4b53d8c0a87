"""Mean and spread of features, read from how networks standardise them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from teachers import card_of_record
from teachers.standardisation import scaler, standardisation
from teachers.vector_file import VectorFileCard, card_of_vector_file
from tests.teachers.plain_networks import write
from zskt.errors import UserError
from zskt.onnx_runtime import session
from zskt.vectors.inputs import VectorInputs

MEAN, STD = torch.tensor([0.8, 1.5, 20.0, 0.3]), torch.tensor([0.5, 0.25, 8.0, 0.1])


class Standardised(nn.Module):
    """A perceptron behind a standardisation in one of the forms that people write."""

    def __init__(self, form: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.form = form
        self.register_buffer("mean", MEAN.clone())
        self.register_buffer("std", STD.clone().unsqueeze(0))
        self.norm, self.layers = nn.BatchNorm1d(4), nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        self.norm.running_mean, self.norm.running_var = MEAN.clone(), STD.square()
        nn.init.uniform_(self.norm.weight)
        nn.init.normal_(self.norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        forms: dict[str, Callable[[], Tensor]] = {
            "difference": lambda: (x - self.mean) / self.std,
            "product": lambda: x * (1 / self.std) + (-self.mean / self.std),
            "turned": lambda: (self.mean - x) / self.std,
            "norm": lambda: self.norm(x),
            "scaled-norm": lambda: nn.functional.batch_norm(x / 2 + 1, self.mean / 2 + 1, (self.std[0] / 2) ** 2),
            "missing": lambda: (torch.where(x.isnan(), self.mean, x).clamp(-100, 100) - self.mean) / self.std,
            "gated": lambda: (x - self.mean) / self.std * self.norm.weight + self.norm.bias,
            "unit": lambda: x / torch.tensor([2.0, 4.0, 60.0, 1.0]),
            "minus-to-one": lambda: 2 * x / torch.tensor([2.0, 4.0, 60.0, 1.0]) - 1,
            "centred": lambda: x - self.mean,
            "logarithm": lambda: torch.log(x + 1),
            "column": lambda: torch.cat([((x[:, 0] - 0.3) / 0.1).unsqueeze(1), x[:, 1:]], 1),
            "nothing": lambda: x,
            "activation": lambda: (torch.relu(x) - self.mean) / self.std,
        }
        answer: Tensor = self.layers(forms[self.form]())
        return answer


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ".pt2"])
@pytest.mark.parametrize("form", ["difference", "product", "turned", "norm", "scaled-norm", "missing", "gated"])
def test_they_are_read_whatever_the_form_and_the_format(form: str, suffix: str, tmp_path: Path) -> None:
    card = described(tmp_path, write(Standardised(form), torch.rand(2, 4), tmp_path / f"net{suffix}"))
    assert card.inputs.mean == pytest.approx(MEAN.tolist(), rel=1e-4)
    assert card.inputs.std == pytest.approx(STD.tolist(), rel=1e-4)
    assert card.moments[0] == 4
    assert "a          real, from 0 to 2, mean 0.8, spread 0.5" in card.describe()
    assert "mean and spread of 4 of 4 features: those by which the network standardises them" in card.describe()


def described(folder: Path, network: Path, *more: str) -> VectorFileCard:
    """The card of a network of four features, whose description says no more than bounds, or what is given."""
    bounds = [2, 4, 60, 1]
    features = [{"name": name, "low": 0, "high": high} for name, high in zip("abcd", bounds, strict=True)]
    for entry in more:
        features[0] |= json.loads(entry)
    (folder / "features.json").write_text(json.dumps({"features": features}))
    return card_of_vector_file(network, folder / "features.json")


@pytest.mark.parametrize("form", ["unit", "minus-to-one", "centred", "logarithm", "column", "nothing", "activation"])
def test_what_is_no_standardisation_says_nothing(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = described(tmp_path, write(Standardised(form), torch.rand(2, 4), tmp_path / "net.pt"))
    assert card.inputs.uniform == (True,) * 4 and not card.moments[0] and "mean" not in card.describe()
    assert capsys.readouterr().err == ""


def test_a_description_counts_before_the_network_and_the_record_holds_both(tmp_path: Path) -> None:
    network = write(Standardised("difference"), torch.rand(2, 4), tmp_path / "net.pt")
    card = described(tmp_path, network, '{"mean": 0.7, "std": 0.2}')
    assert card.inputs.mean == pytest.approx([0.7, *MEAN[1:].tolist()]) and card.moments[0] == 3
    record = json.loads(json.dumps(card.record()))
    assert card_of_record(card.name, record, tmp_path).with_files(network).inputs == card.inputs


def pipeline(*nodes: onnx.NodeProto, table: bool = False, words: bool = False) -> onnx.ModelProto:
    """A graph of scikit-learn's: a scaler, nodes that make "p" of "s", and labels; a table behind it, if asked."""
    weight = numpy_helper.from_array(np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), "w")
    scale = {"offset": MEAN.tolist(), "scale": (1 / STD).tolist()}
    classes = numpy_helper.from_array(np.array(["a", "b", "c"] if words else [3, 5, 8], dtype=object if words else int))
    classes.name = "classes"
    made = [
        helper.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", **scale),
        *nodes,
        helper.make_node("ArgMax", ["p"], ["i"], axis=1),
        helper.make_node("ArrayFeatureExtractor", ["classes", "i"], ["label"], domain="ai.onnx.ml"),
    ]
    value = helper.make_tensor_value_info
    kind = TensorProto.STRING if words else TensorProto.INT64
    ends = [value("label", kind, [None]), value("p", TensorProto.FLOAT, [None, 3])]
    if table:
        made.append(helper.make_node("ZipMap", ["p"], ["t"], domain="ai.onnx.ml", classlabels_int64s=[3, 5, 8]))
        entry = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
        ends[1] = helper.make_value_info("t", helper.make_sequence_type_proto(entry))
    graph = helper.make_graph(made, "g", [value("x", TensorProto.FLOAT, [None, 4])], ends, [weight, classes])
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


@pytest.mark.parametrize(
    ("table", "words"), [(False, False), (True, False), (False, True)], ids=["row", "table", "words"]
)
def test_a_pipeline_of_scikit_learn_has_gradients_and_tells_its_scaler(
    tmp_path: Path, table: bool, words: bool
) -> None:
    nodes = [helper.make_node("MatMul", ["s", "w"], ["m"]), helper.make_node("Softmax", ["m"], ["p"])]
    model = pipeline(*nodes, table=table, words=words)
    onnx.save(model, str(tmp_path / "pipeline.onnx"))
    card = described(tmp_path, tmp_path / "pipeline.onnx")
    assert card.inputs.mean == pytest.approx(MEAN.tolist()) and card.inputs.std == pytest.approx(STD.tolist())
    x = torch.rand(5, 4, requires_grad=True)
    logits = card.load()(x)
    logits.square().sum().backward()
    assert x.grad is not None and x.grad.any()
    _, answers = session(model).run(None, {"x": x.detach().numpy()})
    expected = [[row[k] for k in (3, 5, 8)] for row in answers] if table else answers
    np.testing.assert_allclose(logits.softmax(1).detach().numpy(), np.array(expected), atol=1e-5)


def test_a_scaler_tells_of_what_has_no_gradient_too() -> None:
    vectors = {"support_vectors": [0.0] * 4, "vectors_per_class": [1]}
    model = pipeline(helper.make_node("SVMRegressor", ["s"], ["p"], domain="ai.onnx.ml", **vectors))
    mean, std = scaler(model) or ([], [])
    assert mean == pytest.approx(MEAN.tolist()) and std == pytest.approx(STD.tolist())
    model.graph.node[0].op_type = "Normalizer"
    assert scaler(model) is None


def test_a_column_of_as_many_features_as_samples_is_no_feature_each(tmp_path: Path) -> None:
    class First(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first: Tensor = (x[:, 0] - 0.3) / 0.1
            return torch.stack([first, -first], 1)

    assert standardisation(First(), torch.rand(64, 64)) is None


def test_what_a_description_says_counts_even_where_it_is_the_default(tmp_path: Path) -> None:
    network = write(Standardised("difference"), torch.rand(2, 4), tmp_path / "net.pt")
    (tmp_path / "features.json").write_text(
        json.dumps({"features": [{"name": "a", "mean": 0, "std": 1}, {"name": "b"}, {"name": "c"}, {"name": "d"}]})
    )
    card = card_of_vector_file(network, tmp_path / "features.json")
    assert card.inputs.mean == pytest.approx([0.0, *MEAN[1:].tolist()])
    assert card.inputs.std == pytest.approx([1.0, *STD[1:].tolist()])


ALL = [True] * 4


def test_moments_that_cannot_be_are_left_out() -> None:
    inputs = VectorInputs.from_bounds([0.0] * 4, [1.0, 16.0, 1.0, math.inf])
    told = inputs.told([0.5, 0.0, 3.0, 2.0], [0.1, 1.0, 0.1, 1.5], ALL)
    assert told.mean == (0.5, 0.0, 0.5, 2.0)  # the third lies beyond its bounds
    assert told.std == pytest.approx((0.1, 0.0, 1 / math.sqrt(12), 1.5))  # the second never changed
    assert inputs.told([0.5] * 4, [0.1] * 4, [False] * 4) == inputs
    # To [0, 1]: a mean on the bound, and a spread that none can have.
    assert inputs.told([0.0] * 4, [16.0] * 4, ALL) == inputs
    group = VectorInputs.from_bounds(0.0, 1.0, categories=[(0, 1)], size=2)
    assert group.told([0.5, 0.5], [0.1, 0.1], [True] * 2) == group


def test_a_feature_that_a_network_leaves_alone_is_no_constant() -> None:
    inputs = VectorInputs.from_bounds([0.0, -1.0, 0.0, 0.0], [1.0, 1.0, 50.0, 9.0], integers=[1])
    told = inputs.told([0.0, -1.0, 20.0, 3.0], [1.0, 1.0, 8.0, 1.0], ALL)
    assert told.uniform == (True, True, False, False) and 0.0 not in told.std


@pytest.mark.parametrize(
    ("low", "high", "mean", "std"),
    [
        (0, 1, 0.5, 0.5),
        (0, 255, 127.49999, 127.49999),
        (-3.1416, 3.1416, 0, 3.14159),
        (-12, 12, 0, 10),
        (0, 100, 50, 40),
    ],
)
def test_bounds_that_are_taken_to_minus_one_and_one_are_no_coin(
    low: float, high: float, mean: float, std: float
) -> None:
    inputs = VectorInputs.from_bounds(low, high)
    assert inputs.told([mean], [std], [True]) == inputs
    assert inputs.told([mean], [(high - low) / 12**0.5 * 1.05], [True]) != inputs  # a little wider than uniform


def test_flags_are_coins_whatever_the_rounding() -> None:
    p = torch.linspace(0.03, 0.5, 20).double()
    inputs = VectorInputs.from_bounds([0.0] * 20, [1.0] * 20, integers=range(20))
    for correction in (1.0, (1000 / 999) ** 0.5):
        spread = (p * (1 - p)).sqrt() * correction
        told = inputs.told(p.float().tolist(), spread.float().tolist(), [True] * 20)
        assert told.mean == pytest.approx(p.tolist()) and not any(told.uniform[:-1])


def test_bounds_in_other_units_than_the_networks_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = write(Standardised("difference"), torch.rand(2, 4), tmp_path / "net.pt")
    described(tmp_path, network, '{"low": 0, "high": 0.2}')
    assert capsys.readouterr().err == (
        f"zskt: --inputs {tmp_path}/features.json: the network takes a to be about 0.8, but its bounds are 0 and 0.2; "
        "give bounds of the numbers that it is fed\n"
    )
    described(tmp_path, network)
    assert capsys.readouterr().err == ""


def test_a_network_that_does_not_run_says_nothing() -> None:
    assert standardisation(nn.Linear(3, 2), torch.rand(2, 4)) is None


def test_an_impossible_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"net\.onnx"):
        described(tmp_path, tmp_path / "net.onnx")
