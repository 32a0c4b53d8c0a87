"""A run keeps nothing of an iteration: no more tensors and objects live after ninety than after sixty.

What a process takes of the system says less: the allocator keeps freed memory (`zskt.allocator`) and asks for more at
moments of its own. `tests/cli/test_soak.py` looks at that, over minutes.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import Call
from zskt.experiments.progress import Progress

EVERY, LOOKS = 30, 3
"""Iterations between looks, a multiple of those between two evaluations and between two checkpoints."""


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Tensors and objects that live after every thirtieth iteration."""
    seen: list[tuple[int, int]] = []
    update = Progress.update

    def counting(self: Progress, iteration: int, *rest: Any) -> None:
        update(self, iteration, *rest)
        if iteration % EVERY == 0:
            gc.collect()
            living = gc.get_objects()
            seen.append((sum(isinstance(each, torch.Tensor) for each in living), len(living)))

    monkeypatch.setattr(Progress, "update", counting)
    return seen


@pytest.mark.parametrize("preset", ["mnist-lenet5-to-lenet5-half", "jets-embedded"])
def test_an_iteration_leaves_nothing_behind(
    preset: str, call: Call, digits: Path, counts: list[tuple[int, int]]
) -> None:
    short = ("--batch-size", 8, "--student-steps", 1, "--set", "replay_size=64", "--iterations", EVERY * LOOKS)
    watched = ("--set", "evaluate_every=15", "--set", "checkpoint_every=15", "--out", "run")
    data = ("--data", digits) if preset.startswith("mnist") else ()
    assert call("--mode", "zero-shot", "--preset", preset, *short, *watched, *data)[0] == 0
    assert len(counts) == LOOKS
    tensors, objects = zip(*counts, strict=True)
    assert tensors[-1] <= tensors[-2]  # fewer where what earlier tests left in this process is freed meanwhile
    assert objects[-1] - objects[-2] < EVERY
