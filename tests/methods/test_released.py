"""A finished run leaves its memory at once, and not when Python happens to look for rings of objects.

The collector counts objects: a replay buffer or the pool of a CUDA graph is one, whatever it weighs.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import nn

import zskt
from zskt.methods import METHODS
from zskt.methods.method import Method

TINY: dict[str, dict[str, Any]] = {
    "dafl": {"feature_weight": 0.0},
    "pre-dfkd": {"feature_weight": 0.0},
    "fast": {"synthesis_warmup": 1, "synthesis_steps": 2},
    "deepinversion": {"synthesis_steps": 2},
    "cmi": {"synthesis_steps": 2},
    "nayer": {"generator_steps": 2},
}
"""Settings without which so short a run of a perceptron is refused, or takes long."""


def perceptron(hidden: int) -> nn.Module:
    return nn.Sequential(nn.Linear(4, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, 3))


def distil(name: str, student: nn.Module) -> zskt.Run:
    kind = METHODS[name]
    source: dict[str, Any] = {"generator": zskt.generators.tabular(0.0, 1.0, size=4)}
    if kind.needs_data:
        x = torch.rand(16, 4)
        source = {"data": (x, torch.arange(16) % 3) if kind.needs_labels else x}
    settings = {"iterations": 2, "batch_size": 8, "progress": False} | source | TINY.get(name, {})
    return zskt.distill(perceptron(8), student, method=name, **settings)


@pytest.mark.parametrize("name", METHODS)
def test_a_finished_run_is_released_without_the_collector(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    distil(name, perceptron(4))  # the first in a process leaves what modules keep
    made: list[weakref.ref[Method]] = []
    kind = METHODS[name]
    begin = kind.__init__

    def noted(self: Method, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        made.append(weakref.ref(self))

    monkeypatch.setattr(kind, "__init__", noted)
    student = perceptron(4)
    gone = weakref.ref(student)
    gc.collect()
    gc.disable()
    try:
        run = distil(name, student)
        assert len(made) == 1 and made[0]() is None
        del run, student
        assert gone() is None
    finally:
        gc.enable()
