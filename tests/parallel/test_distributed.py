"""Two processes with half the batch each are one process with the whole batch, to rounding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zskt
from tests.methods.setups import SMALL_IMAGES, jets_setup, resnets_setup, run_until, start
from tests.ranks import in_ranks
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.experiments.preparation import require_fit
from zskt.forward import Pair
from zskt.jets.features import KIN
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.methods import Method, Setup
from zskt.metrics import predict
from zskt.networks.wide_resnet import WideResNet
from zskt.parallel.ranks import world
from zskt.terms.term import LearnedPart

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


def with_learned_terms(name: str, **settings: Any) -> Method:
    """Images, and networks of other widths: hints need regressors."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    teacher, student = WideResNet(10, 2, 10), WideResNet(10, 1, 10)
    setup = Setup(pair=Pair(teacher.eval().requires_grad_(False), student), data=images(), inputs=Doubles())
    method = start(name, setup, batch_size=8, **settings)
    require_fit(method, setup)
    return method


class DoubleJets:
    """Inputs of jets as numbers of 64 bits."""

    domain = "jets"

    def __call__(self, jets: Any) -> tuple[Tensor, ...]:
        return tuple(t.double() if t.is_floating_point() else t for t in KIN(jets))


def kd_of_jets(**settings: Any) -> Method:
    pair = jets_setup().pair
    for network in (pair.teacher, pair.student):
        assert network is not None
        network.double()
    setup = Setup(pair=pair, data=read_jets(SAMPLE, most=61), inputs=DoubleJets())
    return start("kd", setup, iterations=4, student_steps=3, batch_size=8, **settings)


def dafl(**settings: Any) -> Method:
    torch.set_default_dtype(torch.float64)
    return start("dafl", resnets_setup(), iterations=5, batch_size=8, **settings)


def generative(name: str) -> Callable[..., Method]:
    """What starts a generative method on small images."""

    def begin(**settings: Any) -> Method:
        torch.set_default_dtype(torch.float64)
        return start(name, resnets_setup(), iterations=3, batch_size=8, student_steps=2, student_lr=0.01, **settings)

    return begin


MAKERS: dict[str, Callable[..., Method]] = {
    "game": game,
    "kd": kd,
    "kd of jets": kd_of_jets,
    "supervised": supervised,
    "regressors": partial(with_learned_terms, "kd", iterations=6, student_steps=2),
    "discriminator": partial(with_learned_terms, "supervised", epochs=2),
    "dafl": dafl,
    **{name: generative(name) for name in ("dfad", "dfq", "nayer", "adadfkd")},
}


def played(
    maker: str, settings: dict[str, Any], until: int, begin: Path | None = None, end: Path | None = None
) -> tuple[dict[str, Tensor], list[dict[str, float]], Any, Tensor]:
    """Student and generator, what was logged and counted, and the next random number, of a run.

    Args:
        begin, end: checkpoints from which it goes on, and that it leaves.
    """
    before = torch.get_default_dtype()
    try:
        method = MAKERS[maker](**settings)
        config = method.config.to_dict()  # type: ignore[attr-defined]
        if begin is not None:
            method.state.load(begin, config)
        logged = run_until(method, until)
        if end is not None:
            method.state.save(end, config)
        return tensors(method), logged, method.state.counters, torch.rand(1)
    finally:
        torch.set_default_dtype(before)


def tensors(method: Method) -> dict[str, Tensor]:
    parts = {
        name: part.network if isinstance(part, LearnedPart) else part
        for name, part in method.state.parts.items()
        if isinstance(part, nn.Module | LearnedPart)
    }
    return {f"{name}.{key}": t for name, part in parts.items() for key, t in part.state_dict().items()}


def require_same_run(one: tuple[Any, ...], two: list[tuple[Any, ...]], tolerance: float = 1e-9) -> None:
    for states, logged, counters, _ in two:
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
    "kd of jets": ("kd of jets", {}, 4),
    "supervised": ("supervised", {"augment": "shift-mirror", "kd_fraction": 0.5}, 2),
    "supervised, without a teacher": ("supervised", {"kd_fraction": 0.0, "optimizer": "sgd"}, 2),
    "regressors": ("regressors", {"hint_weight": 1.0}, 6),
    "discriminator": ("discriminator", {"terms": {"discriminator": 1.0}}, 2),
    "dafl": ("dafl", {}, 5),
}


GENERATIVE: dict[str, tuple[str, dict[str, Any], int]] = {
    "dfad": ("dfad", {}, 3),
    "dfq": ("dfq", {"generator_warmup": 2}, 3),
    "nayer": (
        "nayer",
        {
            "synthesis_warmup": 1,
            "warmup_loops": 1,
            "generator_steps": 3,
            "synthesis_batch_size": 20,
            "bank_size": 40,
            "generator_life": 1,
        },
        3,
    ),
    "adadfkd": ("adadfkd", {"contrast_size": 16}, 3),
}
TO_ROUNDING = 1e-6
"""Adam makes steps of gradients that are nothing but rounding, as of a bias before a normalisation."""


@pytest.mark.parametrize(("runs", "tolerance"), [(OTHERS, 1e-9), (GENERATIVE, TO_ROUNDING)])
def test_other_methods_are_the_same(runs: dict[str, tuple[str, dict[str, Any], int]], tolerance: float) -> None:
    names = list(runs)
    ones = played_all(names, runs)
    ranks = in_ranks(played_all, names, runs)
    for i, one in enumerate(ones):
        require_same_run(one, [answers[i] for answers in ranks], tolerance)


@pytest.mark.parametrize(("maker", "settings"), [("game", RECIPES["with all that belongs to a batch"]), ("kd", {})])
def test_a_resume_may_change_the_number_of_ranks(maker: str, settings: dict[str, Any], tmp_path: Path) -> None:
    whole = played(maker, settings, 6)
    first, second, third = (tmp_path / f"{i}.pt" for i in range(3))
    in_ranks(played, maker, settings, 2, None, first)
    one = played(maker, settings, 4, first, second)
    require_same_run((one[0], whole[1][2:4], *one[2:]), [one])
    two = in_ranks(played, maker, settings, 6, second, third)
    require_same_run((whole[0], whole[1][4:], *whole[2:]), two)
    kept = [torch.load(path, weights_only=True)["parts"] for path in (second, third)]
    rows = [part["replay" if maker == "game" else "samples"]["columns"]["logits"] for part in kept]
    assert len(rows[0]) == len(rows[1]) == (24 if maker == "game" else 37)


def jets(**settings: Any) -> Method:
    return start("zskt", jets_setup("shower"), **GAME | {"attention_weight": 0.0, "step_growth": 0.5} | settings)


MAKERS["jets"] = jets


def test_jets_are_drawn_by_rank_and_a_run_on_two_ranks_resumes_exactly(tmp_path: Path) -> None:
    whole = in_ranks(played, "jets", {}, 6)
    in_ranks(played, "jets", {}, 3, None, tmp_path / "0.pt")
    resumed = in_ranks(played, "jets", {}, 6, tmp_path / "0.pt")
    for name, tensor in whole[0][0].items():
        assert torch.equal(tensor, whole[1][0][name]) and torch.equal(tensor, resumed[1][0][name]), name
    assert [run[3] for run in whole] == [run[3] for run in resumed] and whole[0][3] != whole[1][3]  # dropout's stream
    assert whole[0][1][3:] == resumed[0][1] and whole[0][2]["teacher_queries"] == 6 * 8


def drawn_batches() -> tuple[Tensor, Tensor, Tensor]:
    generator = jets_setup("shower").generator
    assert generator is not None
    rng = torch.Generator().manual_seed(0)
    batches = [generator.sample(6, rng) for _ in range(2)]
    return batches[0].latent[0], batches[0].x[-1], rng.get_state()


def test_ranks_share_the_stream_of_latents_and_nothing_else() -> None:
    (z, x, state), (other_z, other_x, other_state) = in_ranks(drawn_batches)
    assert len(x) == len(other_x) == 3 and torch.equal(state, other_state)
    whole = torch.randn(2 * len(z), z.shape[1], generator=torch.Generator().manual_seed(0))
    assert torch.equal(z, whole[0::2]) and torch.equal(other_z, whole[1::2])


def predicted(count: int) -> tuple[Tensor, int]:
    asked = 0

    class Counting(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            nonlocal asked
            asked += len(x)
            return super().forward(x)

    torch.manual_seed(0)
    network, x = Counting(2, 3), torch.linspace(-1, 1, 2 * count).view(count, 2)
    answer = predict(network, Labelled(TensorSamples((x,)), torch.zeros(count)), TensorInputs(), torch.device("cpu"))
    return answer.logits, asked


@pytest.mark.parametrize(("count", "shares"), [(603, [301, 302]), (1, [1, 1])])
def test_each_rank_evaluates_a_part_and_has_all_answers(count: int, shares: list[int]) -> None:
    expected, asked = predicted(count)
    assert asked == count
    answers = in_ranks(predicted, count)
    assert [n for _, n in answers] == shares
    for logits, _ in answers:
        torch.testing.assert_close(logits, expected)


def distilled() -> tuple[dict[str, Tensor], dict[str, Any], list[dict[str, float]]]:
    torch.manual_seed(world().rank)  # a user's students begin anyhow
    teacher = nn.Sequential(nn.Linear(4, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    student = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    data = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    run = zskt.distill(teacher, student, data=data, iterations=3, batch_size=10, student_steps=2, evaluate=data)
    return run.student.state_dict(), run.evaluation, run.metrics


def test_the_python_interface_works_on_ranks() -> None:
    one, (first, second) = distilled(), in_ranks(distilled, joined=False)
    for states, evaluation, metrics in (first, second):
        known = {name: value for name, value in evaluation.items() if value is not None}
        assert known == pytest.approx({name: one[1][name] for name in known}, rel=1e-4) and known["count"] == 50
        assert metrics[-1] == pytest.approx(one[2][-1], rel=1e-4)
        for name, tensor in states.items():
            torch.testing.assert_close(tensor, one[0][name])
