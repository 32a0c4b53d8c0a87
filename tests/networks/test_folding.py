"""Folding of batch normalisation: the same function, one operation less."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.networks.folding import as_convolutions, fold_behind, fold_in_front, fold_sequence, folded, scale_and_shift
from zskt.networks.mlp import hidden_layers

from .statistics import randomise


def norm(channels: int, kind: type[nn.BatchNorm1d | nn.BatchNorm2d] = nn.BatchNorm1d) -> nn.BatchNorm1d:
    module: nn.BatchNorm1d = randomise(kind(channels)).eval()  # type: ignore[assignment]
    return module


def test_scale_and_shift_are_what_the_normalisation_does() -> None:
    bn = nn.BatchNorm1d(1, eps=0.0).eval()
    bn.running_mean.fill_(3.0)  # type: ignore[union-attr]
    bn.running_var.fill_(4.0)  # type: ignore[union-attr]
    bn.weight.data.fill_(10.0)
    bn.bias.data.fill_(1.0)
    scale, shift = scale_and_shift(bn)
    assert scale.tolist() == [5.0] and shift.tolist() == [-14.0]
    assert bn(torch.tensor([[3.0], [5.0]])).flatten().tolist() == [1.0, 11.0]


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("product", "kind", "shape"),
    [
        (lambda bias: nn.Linear(3, 4, bias=bias), nn.BatchNorm1d, (8, 3)),
        (lambda bias: nn.Conv1d(3, 4, 1, bias=bias), nn.BatchNorm1d, (8, 3, 5)),
        (lambda bias: nn.Conv2d(3, 4, 3, bias=bias), nn.BatchNorm2d, (2, 3, 6, 6)),
    ],
)
def test_a_normalisation_behind_a_product_folds_into_it(product, kind, shape, bias: bool) -> None:  # type: ignore[no-untyped-def]
    layer, bn, x = product(bias), norm(4, kind), torch.randn(shape)
    expected = bn(layer(x))
    fold_behind(layer, bn)
    assert torch.allclose(layer(x), expected, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("layer", "shape"), [(nn.Linear(3, 4), (8, 3)), (nn.Conv1d(3, 4, 1), (8, 3, 5))])
def test_a_normalisation_in_front_of_a_product_folds_into_it(layer: nn.Linear | nn.Conv1d, shape: tuple[int]) -> None:
    bn, x = norm(3), torch.randn(shape)
    expected = layer(bn(x))
    fold_in_front(bn, layer)
    assert torch.allclose(layer(x), expected, atol=1e-5)


@torch.no_grad()
def test_a_sequence_keeps_its_length_and_the_normalisation_of_its_inputs() -> None:
    layers, x = randomise(nn.Sequential(nn.BatchNorm1d(3), *hidden_layers([3, 4, 5]))).eval(), torch.randn(8, 3)
    expected = layers(x)
    fold_sequence(layers)  # type: ignore[arg-type]
    kinds = [type(layer).__name__ for layer in layers]  # type: ignore[union-attr]
    assert kinds == ["BatchNorm1d", "Linear", "Identity", "ReLU", "Linear", "Identity", "ReLU"]
    assert torch.allclose(layers(x), expected, atol=1e-5)


@torch.no_grad()
def test_folded_layers_are_products_and_activations_and_the_original_stays() -> None:
    layers = randomise(nn.Sequential(nn.BatchNorm1d(3), *hidden_layers([3, 4, 5], nn.GELU))).eval()
    before, x = {k: v.clone() for k, v in layers.state_dict().items()}, torch.randn(8, 3)
    short = folded(layers.children())
    assert [type(layer).__name__ for layer in short] == ["Linear", "GELU", "Linear", "GELU"]
    assert torch.allclose(short(x), layers(x), atol=1e-5)
    assert all(torch.equal(before[key], value) for key, value in layers.state_dict().items())


@torch.no_grad()
def test_convolutions_do_on_slots_what_linear_layers_do_on_rows() -> None:
    layers, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.randn(5, 3, 7)
    expected = layers(x.transpose(1, 2)).transpose(1, 2)
    assert torch.allclose(as_convolutions(layers)(x), expected, atol=1e-6)
