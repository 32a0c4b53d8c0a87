"""On two GPUs: one run on both of them, started by torchrun.

Run with ``pytest -m cuda``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs that PyTorch can use"),
]


def test_a_run_on_two_gpus_goes_on_upon_one(digits: Path, tmp_path: Path) -> None:
    recipe = ["--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half-paper", "--data", str(digits)]
    recipe += ["--device", "cuda", "--set", "batch_size=16", "--set", "student_steps=2", "--out", str(tmp_path / "run")]
    for count, more in ((2, ["--iterations", "4"]), (1, ["--iterations", "4", "--resume"])):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
        command += [str(ROOT / "train.py"), *recipe, *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("run: ") == 1
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["teacher_queries"] == 2 * 4 * 16
