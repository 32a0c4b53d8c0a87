"""Quantisation to int8."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor, nn

from zskt.export.onnx import first_products, quantise
from zskt.onnx_runtime import run_onnx, write_onnx


def test_an_int8_network_has_nearly_the_same_outputs_and_smaller_weights(tmp_path: Path) -> None:
    network, x = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 3)).eval(), (torch.randn(200, 64),)
    write_onnx(network, ("x",), ({0: "N"},), (x[0][:3],), tmp_path / "model.onnx")
    level = logging.getLogger().level
    quantise(tmp_path / "model.onnx", tmp_path / "int8.onnx", ("x",), x)
    assert logging.getLogger().level == level  # it is the user's
    exact, quantised = (run_onnx(tmp_path / name, ("x",), x) for name in ("model.onnx", "int8.onnx"))
    assert 0 < (quantised - exact).abs().max() < 0.1
    assert (tmp_path / "int8.onnx").stat().st_size < 0.5 * (tmp_path / "model.onnx").stat().st_size


def test_columns_of_other_scales_do_not_share_eight_bits(tmp_path: Path) -> None:
    torch.manual_seed(0)
    wide, narrow = 20 + 480 * torch.rand(500, 1), 0.6 * torch.rand(500, 1) - 0.3
    x = (torch.cat([wide, narrow], 1),)
    network = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2)).eval()
    with torch.no_grad():  # it decides by the narrow column alone
        network[0].weight.zero_()[:, 1], network[0].bias[:] = torch.linspace(-9, 9, 16), 0
        network[2].weight[:] = torch.stack([torch.linspace(-1, 1, 16), torch.linspace(1, -1, 16)])
    write_onnx(network, ("x",), ({0: "N"},), (x[0][:3],), tmp_path / "model.onnx")
    assert len(first_products(tmp_path / "model.onnx")) == 1
    top = run_onnx(tmp_path / "model.onnx", ("x",), x).argmax(1)
    agreed = []
    for has_units in (False, True):
        quantise(tmp_path / "model.onnx", tmp_path / "int8.onnx", ("x",), x, has_units=has_units)
        agreed.append(float((run_onnx(tmp_path / "int8.onnx", ("x",), x).argmax(1) == top).double().mean()))
    assert agreed[0] < 0.8 and agreed[1] > 0.95


class PairSum(nn.Module):
    """An observable, the mean over pairs of entries of a product in (B, 4, P), and a layer that learned."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x: Tensor) -> Tensor:
        momenta = x[:, :1] * x[:, 1:]
        return self.layers((momenta.transpose(1, 2) @ momenta).mean((1, 2)).unsqueeze(1).log())  # type: ignore[no-any-return]


def test_products_of_inputs_with_each_other_keep_their_units(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, x = PairSum().eval(), (torch.rand(800, 4, 5) * 10 ** (3 * torch.rand(800, 1, 1)),)
    model = tmp_path / "model.onnx"
    write_onnx(network, ("x",), ({0: "N"},), (x[0][:3],), model)
    assert len(first_products(model)) == 1
    quantise(model, tmp_path / "int8.onnx", ("x",), x, has_units=True)
    exact, of_int8 = (run_onnx(path, ("x",), x) for path in (model, tmp_path / "int8.onnx"))
    assert float((of_int8 - exact).abs().max()) < 0.1 * float(exact.max() - exact.min())


class Skip(nn.Module):
    """A layer whose output goes on beside what it was given, as a number of particles beside their sums does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 8), nn.Linear(11, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.cat([self.first(x).relu(), x], 1))  # type: ignore[no-any-return]


def test_a_product_of_what_is_behind_another_is_none_of_the_first(tmp_path: Path) -> None:
    write_onnx(Skip().eval(), ("x",), ({0: "N"},), (torch.randn(3, 3),), tmp_path / "model.onnx")
    (name,) = first_products(tmp_path / "model.onnx")
    assert "first" in name
