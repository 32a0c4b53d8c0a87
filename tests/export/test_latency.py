"""Latency of two networks in onnxruntime."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from zskt.export.latency import latency, latency_table
from zskt.onnx_runtime import write_onnx


def test_both_networks_are_timed_for_each_batch_size_and_number_of_threads(tmp_path: Path) -> None:
    for name, width in (("teacher", 512), ("student", 2)):
        network = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width)).eval()
        write_onnx(network, ("x",), ({0: "N"},), (torch.randn(3, 64),), tmp_path / f"{name}.onnx")
    rows = latency(tmp_path / "teacher.onnx", tmp_path / "student.onnx", lambda n: {"x": torch.randn(n, 64)})
    assert [(r["threads"], r["batch"]) for r in rows] == [(1, 1), (1, 128), (2, 1), (2, 128)]
    assert all(r["ratio"] == pytest.approx(r["teacher_ms"] / r["student_ms"]) for r in rows)
    assert rows[1]["ratio"] > 1


def test_the_table_names_the_unit() -> None:
    row = {"threads": 1, "batch": 128, "teacher_ms": 2.0, "student_ms": 0.5, "ratio": 4.0}
    head, _, line = latency_table([row], "jet").splitlines()
    assert "ms per jet" in head and line == "| 1 | 128 | 2.0000 | 0.5000 | 4.0 |"
