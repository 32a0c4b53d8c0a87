"""The other benchmarks run with tiny sizes, and measure what they say."""

from __future__ import annotations

import pytest
import torch

from benchmarks import growth, inference, overhead, smaller
from benchmarks.bench import Bench, Skipped
from zskt.methods import zskt as algorithm
from zskt.replay import ReplayBuffer


def test_overhead_of_a_short_run() -> None:
    before = (algorithm.ZSKT.generator_step, ReplayBuffer.draw, torch.Tensor.backward, torch.autograd.grad)
    sizes = {"preset": "mnist-lenet5-to-lenet5-half", "iterations": "2"}
    report = overhead.measure(Bench(sizes=sizes))
    (run,) = report["runs"].values()
    assert not run["random_teacher"] and run["iterations"] == 1
    parts = {"teacher", "student", "generator", "gradient of the student", "optimiser", "replay", "rest"}
    assert parts <= set(run["seconds"]) and all(run["seconds"][name] > 0 for name in parts)
    assert sum(share for name, share in run["shares"].items() if name != overhead.OUTSIDE) == pytest.approx(1)
    assert run["shares"]["gradient of the student"] > run["shares"]["log and checkpoints"]
    after = (algorithm.ZSKT.generator_step, ReplayBuffer.draw, torch.Tensor.backward, torch.autograd.grad)
    assert after == before  # everything is given back


def test_a_preset_whose_teacher_is_not_there() -> None:
    sizes = {"preset": "cifar100-wrn-40-2-to-wrn-16-1-paper", "iterations": "1"}
    found = overhead.run(Bench(sizes=sizes), sizes["preset"])
    assert found["random_teacher"]


def test_inference_against_the_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(inference, "BATCH_SIZES", (1, 4))
    report = inference.measure(Bench(seconds=1, sizes={"preset": "mnist-lenet5-to-lenet5-half"}))
    assert len(report["ratios"]) == 4
    assert report["ratios"]["mnist-lenet5-to-lenet5-half, 4: teacher / student"]["median"] > 0
    with pytest.raises(Skipped, match="--device cpu"):
        inference.measure(Bench(torch.device("cuda")))


def test_growth_of_a_short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "BATCHES", (4, 16))
    report = growth.measure(Bench(sizes={"iterations": "20", "rounds": "1"}))
    run = report["iterations"]
    assert run["iterations"] == 20 and len(run["seconds"]) == len(run["memory_mib"]) == growth.TENTHS
    assert all(seconds > 0 for seconds in run["seconds"]) and run["memory_mib"][0] > 50
    assert report["batch"]["growth"]["median"] > 0


def test_smaller_students_beside_the_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smaller, "BATCH_SIZES", (2,))
    monkeypatch.setattr(smaller, "WAYS", ({"channels": 0.25}, {"bits": 6}))
    report = smaller.measure(Bench(seconds=1, sizes={"student": "deepsets", "rounds": "1"}))
    names = [f"deepsets, 2: whole / {name}" for name in ("channels 0.25", "bits 6", "int8")]
    assert list(report["ratios"]) == names and all(r["median"] > 0 for r in report["ratios"].values())
    with pytest.raises(Skipped):
        smaller.measure(Bench(torch.device("cuda")))
