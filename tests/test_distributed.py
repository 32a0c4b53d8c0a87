"""Two processes with half the batch each are one process with the whole batch, to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.methods.setups import SMALL_IMAGES, resnets_setup, run_until, start
from tests.ranks import in_ranks
from zskt.dataset import Labelled
from zskt.methods import Method, Setup

GAME: dict[str, Any] = {
    "iterations": 8,
    "batch_size": 8,
    "student_steps": 2,
    "replay_size": 24,
    "replay_fraction": 0.4,
    "attention_weight": 10.0,
}
RECIPES: dict[str, dict[str, Any]] = {
    "the game": {},
    "as in the paper": {"reuse_generator_batch": False, "replay_fraction": 0.0},
    "with all that belongs to a batch": {
        "hint_weight": 1.0,
        "cutmix": 0.5,
        "replay_balance": 1.0,
        "bn_statistics_weight": 1.0,
        "class_entropy_weight": 1.0,
        "terms": {"similarity": 1.0},
        "ema_decay": 0.8,
    },
    "moved": {"perturbation_radius": 1.0, "generator_every": 0},
}


def in_double(make: Callable[[], Method]) -> Method:
    """A method all of whose numbers are of 64 bits."""
    torch.set_default_dtype(torch.float64)
    try:
        method = make()
        for network in (method.pair.teacher, method.pair.student, getattr(method, "generator", None)):  # type: ignore[attr-defined]
            assert network is None or all(p.dtype == torch.float64 for p in network.parameters())
        return method
    finally:
        torch.set_default_dtype(torch.float32)


def game(**settings: Any) -> Method:
    torch.set_default_dtype(torch.float64)
    return start("zskt", resnets_setup(), **GAME | settings)


def images() -> Labelled:
    rng = torch.Generator().manual_seed(3)
    pixels = torch.randint(256, (37, 3, 16, 16), generator=rng, dtype=torch.uint8)
    return Labelled(pixels, torch.arange(37) % 10)


class Doubles:
    """Images as numbers of 64 bits."""

    domain = "images"

    def __call__(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return tuple(t.double() for t in SMALL_IMAGES(pixels))


def from_data(name: str, **settings: Any) -> Method:
    torch.set_default_dtype(torch.float64)
    setup = resnets_setup()
    setup = Setup(pair=setup.pair, data=images(), inputs=Doubles())
    return start(name, setup, **settings)


def kd(**settings: Any) -> Method:
    return from_data("kd", iterations=6, student_steps=2, batch_size=8, **settings)


def supervised(**settings: Any) -> Method:
    return from_data("supervised", epochs=2, batch_size=8, **settings)


def dafl(**settings: Any) -> Method:
    torch.set_default_dtype(torch.float64)
    return start("dafl", resnets_setup(), iterations=5, batch_size=8, **settings)


MAKERS = {"game": game, "kd": kd, "supervised": supervised, "dafl": dafl}


def played(maker: str, settings: dict[str, Any], until: int) -> tuple[dict[str, Tensor], list[dict[str, float]], Any]:
    """Student and generator, what was logged, and what was counted, of a run."""
    before = torch.get_default_dtype()
    try:
        method = MAKERS[maker](**settings)
        logged = run_until(method, until)
        return tensors(method), logged, method.state.counters
    finally:
        torch.set_default_dtype(before)


def tensors(method: Method) -> dict[str, Tensor]:
    parts = {name: part for name, part in method.state.parts.items() if isinstance(part, nn.Module)}
    return {f"{name}.{key}": t for name, part in parts.items() for key, t in part.state_dict().items()}


def require_same_run(one: tuple[Any, ...], two: list[tuple[Any, ...]], tolerance: float = 1e-9) -> None:
    for states, logged, counters in two:
        assert counters == one[2]
        for mine, theirs in zip(logged, one[1], strict=True):
            assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-7)  # numbers are logged in 32 bits
        assert states.keys() == one[0].keys() and len(states) > 30
        for name, tensor in states.items():
            torch.testing.assert_close(
                tensor, one[0][name], rtol=tolerance, atol=tolerance, msg=lambda m, n=name: n + m
            )


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_ranks_play_the_game_of_one(recipe: str) -> None:
    one = played("game", RECIPES[recipe], 6)
    require_same_run(one, in_ranks(played, "game", RECIPES[recipe], 6))
    start = played("game", RECIPES[recipe], 0)
    moved = [not torch.allclose(t, start[0][name]) for name, t in one[0].items()]
    assert sum(moved) > len(moved) / 3  # there is something to compare


def played_all(names: list[str], runs: dict[str, tuple[str, dict[str, Any], int]]) -> list[tuple[Any, ...]]:
    return [played(*runs[name]) for name in names]


OTHERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "kd": ("kd", {"attention_weight": 1.0}, 6),
    "kd, mixed": ("kd", {"cutmix": 0.5, "hint_weight": 1.0}, 4),
    "supervised": ("supervised", {"augment": "shift-mirror", "kd_fraction": 0.5}, 2),
    "supervised, without a teacher": ("supervised", {"kd_fraction": 0.0, "optimizer": "sgd"}, 2),
    "dafl": ("dafl", {}, 5),
}


def test_other_methods_are_the_same() -> None:
    names = list(OTHERS)
    ones = played_all(names, OTHERS)
    ranks = in_ranks(played_all, names, OTHERS)
    for i, one in enumerate(ones):
        require_same_run(one, [answers[i] for answers in ranks])
