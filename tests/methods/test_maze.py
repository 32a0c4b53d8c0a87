"""MAZE: its cost, its replay, its objective."""

from __future__ import annotations

import torch

from tests.methods.black_boxes import start
from zskt.losses import divergence
from zskt.methods import METHODS, iterate


def test_an_iteration_costs_what_the_code_says() -> None:
    """128 (10 + 1 + 5): one forward difference needs its own start, which the code's 15 leave out."""
    kind = METHODS["maze"]
    assert kind.queries_per_iteration(kind.Config(batch_size=128)) == 128 * 16


def test_replay_costs_steps_and_no_query_and_is_bounded() -> None:
    method, teacher = start("maze", batch_size=8, replay_steps=4, replay_size=24, iterations=3)
    list(iterate(method))
    assert teacher.asked == 3 * 8 * (3 + 2) and method.state.counters["steps"] == 3 * (2 + 4)
    assert len(method.replay) == 24 and method.replay.seen == 3 * 2 * 8  # type: ignore[attr-defined]


def test_both_players_play_for_the_divergence() -> None:
    method, _ = start("maze")
    assert method.ascent.objective is divergence  # type: ignore[attr-defined]
    teacher, student = torch.tensor([[0.75, 0.25]]).log(), torch.tensor([[0.5, 0.5]]).log()
    expected = 0.75 * torch.tensor(1.5).log() + 0.25 * torch.tensor(0.5).log()
    assert torch.allclose(divergence(teacher, student), expected)
