"""Quantisation to int8."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from zskt.export.onnx import quantise
from zskt.onnx_runtime import run_onnx, write_onnx


def test_an_int8_network_has_nearly_the_same_outputs_and_smaller_weights(tmp_path: Path) -> None:
    network, x = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 3)).eval(), (torch.randn(200, 64),)
    write_onnx(network, ("x",), ({0: "N"},), (x[0][:3],), tmp_path / "model.onnx")
    quantise(tmp_path / "model.onnx", tmp_path / "int8.onnx", ("x",), x)
    exact, quantised = (run_onnx(tmp_path / name, ("x",), x) for name in ("model.onnx", "int8.onnx"))
    assert 0 < (quantised - exact).abs().max() < 0.1
    assert (tmp_path / "int8.onnx").stat().st_size < 0.5 * (tmp_path / "model.onnx").stat().st_size
