"""A network made smaller in all ways at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.networks.statistics import randomise
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.export.dense import to_export_form
from zskt.jets.features import KIN
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.networks.compression import Compression, calibrate_inputs, compressed, plain
from zskt.networks.compression.compressed import products, zeros
from zskt.networks.compression.fixed_point import FixedPoint
from zskt.networks.students import STUDENTS
from zskt.viewed import Viewed, make_view

CHAINS = ("deepsets", "pfn-small", "mixer-small")
ALL = Compression(channels=0.5, rank=0.5, bits=6, sparsity=0.5)


def jets(most: int = 8) -> tuple[torch.Tensor, ...]:
    return KIN(read_jets(SAMPLE, most=most).samples)


def student(name: str) -> nn.Module:
    return randomise(STUDENTS[name].build(KIN, 10)).eval()


@torch.no_grad()
@pytest.mark.parametrize("name", [*CHAINS, "pfn-highway-small"])
def test_nothing_asked_for_changes_no_answer(name: str) -> None:
    network, x = student(name), jets()
    assert torch.allclose(compressed(network, Compression()).eval()(*x), network(*x), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("name", CHAINS)
def test_a_network_just_built_takes_the_saved_parameters(name: str) -> None:
    small, x = compressed(student(name), ALL), jets()
    calibrate_inputs(small, x)
    other = compressed(student(name), ALL)
    assert not torch.equal(other.eval()(*x), small.eval()(*x))
    other.load_state_dict(small.state_dict())
    assert torch.equal(other.eval()(*x), small.eval()(*x))


@torch.no_grad()
@pytest.mark.parametrize("name", [*CHAINS, "pfn-highway-small"])
def test_plain_weights_give_the_same_answers_and_the_network_stays_as_it_was(name: str) -> None:
    small, x = compressed(student(name), Compression(bits=6, sparsity=0.5)), jets()
    calibrate_inputs(small, x)
    expected = small.eval()(*x)
    form = plain(small)
    assert torch.equal(form(*x), expected) and torch.equal(small(*x), expected)
    assert not any("parametrizations" in key for key in form.state_dict())
    exported = form.unpacked()  # type: ignore[operator]
    assert torch.allclose(exported(*(t.float() for t in x)), expected, atol=1e-5)


@torch.no_grad()
def test_sixteen_bits_are_nearly_the_network_and_fewer_are_further_away() -> None:
    network, x = student("deepsets"), jets()
    errors = []
    for bits in (16, 8, 4):
        small = compressed(network, Compression(bits=bits)).eval()
        calibrate_inputs(small, x)
        errors.append(float((small(*x) - network(*x)).abs().max()))
    assert errors[0] < 1e-3 < errors[1] < errors[2]


@torch.no_grad()
def test_shares_of_zeros_and_formats_of_all_products() -> None:
    small = compressed(student("deepsets"), Compression(sparsity=0.8, bits=6))
    weights = [p.weight for p in products(small).values()]
    assert [int((w == 0).sum()) for w in weights] >= [round(0.8 * w.numel()) for w in weights]
    assert zeros(small) == sum(int((w == 0).sum()) for w in weights)
    formats = [m for m in small.modules() if isinstance(m, FixedPoint) and not m.of_weight]
    assert [m.bits for m in formats] == [16, 6, 6, 6]


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("gru-small", Compression(bits=8), "layers of type GRU"),
        ("particlenet-light", Compression(rank=0.5), "layers of type PointwiseConv"),
        ("pfn-highway-small", Compression(channels=0.5), "--channels 0.5: the student has layers that add up"),
    ],
)
def test_architectures_that_cannot_be_made_smaller_are_told(name: str, how: Compression, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compressed(student(name), how)


@torch.no_grad()
def test_a_student_behind_a_view_is_made_smaller_and_keeps_its_view() -> None:
    view = make_view("leading:6", KIN, DOMAINS["jets"].views)
    network, x = Viewed(view, randomise(STUDENTS["pfn-small"].build(view.inputs, 10))).eval(), jets()
    small = compressed(network, Compression(channels=0.5, bits=6)).eval()
    calibrate_inputs(small, x)
    assert isinstance(small, Viewed) and small(*x).shape == (8, 10)
    form = to_export_form(small)
    assert torch.allclose(form(*(t.float() for t in x)), small(*x), atol=1e-5)


def test_a_student_without_products_is_refused() -> None:
    from zskt.vectors.inputs import VectorInputs

    additive = STUDENTS["additive"].build(VectorInputs.from_bounds(0.0, 1.0, size=3), 2)
    for how in (Compression(bits=6), Compression(sparsity=0.5), Compression(rank=0.5)):
        with pytest.raises(UserError, match="additive has neither linear layers nor convolutions"):
            compressed(additive, how, "additive")
