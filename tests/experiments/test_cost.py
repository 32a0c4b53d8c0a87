"""What a run costs: each iteration the shorter of two clocks, nothing between iterations."""

from __future__ import annotations

import pytest
import torch

from zskt.checkpoint import TrainState
from zskt.experiments.cost import Meter, peak_memory


class Clocks:
    """Wall-clock and processor time that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = self.processor = 0.0
        monkeypatch.setattr("zskt.experiments.cost.time.monotonic", lambda: self.wall)
        monkeypatch.setattr("zskt.experiments.cost.time.process_time", lambda: self.processor)

    def pass_(self, wall: float, processor: float) -> None:
        self.wall, self.processor = self.wall + wall, self.processor + processor


def test_the_shorter_clock_counts_and_the_time_between_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, state = Clocks(monkeypatch), TrainState(parts={}, streams={})
    meter = Meter(state)
    clocks.pass_(3.0, 1.0)  # another process took two seconds
    meter.stop()
    clocks.pass_(100.0, 100.0)  # an evaluation
    meter.start()
    clocks.pass_(2.0, 4.0)  # two threads
    meter.stop()
    assert state.counters == {"training_seconds": 3.0, "processor_seconds": 5.0}


def test_a_gpus_time_is_that_of_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, state = Clocks(monkeypatch), TrainState(parts={}, streams={}, device=torch.device("cuda"))
    meter = Meter(state)
    clocks.pass_(3.0, 1.0)
    meter.stop()
    assert state.counters["training_seconds"] == 3.0


def test_a_resumed_run_goes_on_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    state = TrainState(parts={}, streams={}, counters={"training_seconds": 7.0, "teacher_queries": 64.0, "steps": 3.0})
    meter = Meter(state)
    clocks.pass_(1.0, 1.0)
    meter.stop()
    assert meter.costs() == {"teacher_queries": 64, "steps": 3, "training_seconds": 8.0, "processor_seconds": 1.0}


def test_memory_is_that_of_this_process() -> None:
    before = peak_memory(torch.device("cpu"))
    block = torch.ones(64 * 2**20 // 4)
    assert peak_memory(torch.device("cpu")) >= before > 50 and block.sum() > 0
