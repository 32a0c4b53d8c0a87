"""The registry of students: sizes, and answers that do not depend on padding."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from zskt.images.inputs import ImageInputs
from zskt.jets.features import FULL, KIN, KINPID, JetInputs
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.networks.students import STUDENTS, count_parameters
from zskt.vectors.inputs import VectorInputs


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"),
    [
        ("pfn", 30_000, 50_000),
        ("pfn-small", 7_000, 12_000),
        ("pfn-large", 120_000, 180_000),
        ("particlenet-light", 17_000, 26_000),
        ("pfn-highway", 40_000, 50_000),
        ("gru", 40_000, 50_000),
        ("mixer", 40_000, 50_000),
        ("deepsets", 2_500, 3_500),
        ("pfn-highway-small", 2_500, 3_500),
        ("gru-small", 2_500, 3_500),
        ("mixer-small", 2_500, 3_500),
    ],
)
@pytest.mark.parametrize("inputs", [KIN, KINPID, FULL])
def test_students_keep_their_promised_size(name: str, at_least: int, at_most: int, inputs: JetInputs) -> None:
    assert at_least < count_parameters(STUDENTS[name].build(inputs, 10)) <= at_most


@pytest.mark.parametrize("name", [name for name, entry in STUDENTS.items() if entry.domain == "jets"])
def test_padding_changes_no_students_answer(name: str) -> None:
    network = STUDENTS[name].build(KIN, 10).eval()
    x = KIN(read_jets(SAMPLE, most=8).samples)
    wide = tuple(nn.functional.pad(t, (0, 30)) for t in x)
    assert torch.allclose(network(*x), network(*wide), atol=1e-5)


@pytest.mark.parametrize(
    "name", [n for n, entry in STUDENTS.items() if entry.domain == "images" and n not in ("vgg11", "resnet18")]
)
def test_image_students_take_the_channels_of_their_inputs(name: str) -> None:
    inputs = ImageInputs(mean=(0.5,), std=(0.5,))
    assert STUDENTS[name].build(inputs, 7).eval()(torch.randn(2, 1, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "parameters"), [("mlp", 5 * 64 + 64 + 64 * 64 + 64 + 64 * 3 + 3), ("mlp-small", 5 * 32 + 32 + 32 * 3 + 3)]
)
def test_students_of_vectors_have_the_hidden_layers_they_say(name: str, parameters: int) -> None:
    network = STUDENTS[name].build(VectorInputs.from_bounds(-math.inf, math.inf, size=5), 3)
    assert STUDENTS[name].domain == "vectors" and count_parameters(network) == parameters
    assert network(torch.randn(4, 5)).shape == (4, 3)


def test_students_of_vectors_standardise_by_what_is_known_of_their_features() -> None:
    """A table of pressures about 1013 with a spread of 0.1 reaches the first layer about 0 with a spread of 1."""
    plain = VectorInputs.from_bounds(-math.inf, math.inf, size=3)
    inputs = VectorInputs.from_bounds(-math.inf, math.inf, mean=[1013.0, -5.0, 7.0], std=[0.1, 2.0, 0.5])
    z = torch.randn(6, 3)
    for name in ("mlp", "mlp-small"):
        torch.manual_seed(0)
        known = STUDENTS[name].build(inputs, 4)
        torch.manual_seed(0)
        unknown = STUDENTS[name].build(plain, 4)
        x = torch.tensor(inputs.mean) + torch.tensor(inputs.std) * z
        assert torch.allclose(known(x), unknown(z), atol=1e-3)
        assert not torch.equal(known(x), unknown(x))
        older = unknown.state_dict()  # saved before there was such a layer: features as they are
        known.load_state_dict(older)
        assert torch.equal(known(z), unknown(z))
        assert list(unknown.state_dict()) == [key for key in known.state_dict() if "standardise" not in key]


def test_a_feature_that_never_changes_is_divided_by_nothing() -> None:
    inputs = VectorInputs.from_bounds([2.0, 0.0], [2.0, 1.0])
    assert inputs.std[0] == 0 and STUDENTS["mlp"].build(inputs, 2)(torch.tensor([[2.0, 0.5]])).isfinite().all()
