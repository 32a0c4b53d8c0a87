"""The loop: exact resume, counted answers, replay, on networks small enough to play in a test."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from zskt.pair import Pair

from generators import GENERATORS
from zskt.errors import UserError
from zskt.experiments.config import Config
from zskt.forward import Output
from zskt.jets.features import KIN
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.losses import NonFiniteLoss
from zskt.methods.zskt import Game, batch_metrics, begin
from zskt.networks.students import STUDENTS
from zskt.optim import cosine
from zskt.replay import ReplayBuffer, mix

CPU = torch.device("cpu")
BASE = Config(
    preset="test", pseudo_batches=6, batch_size=16, student_steps=2, pool=64, student_lr=1e-3, beta=1.0, balance=0.5
)


def start(config: Config, teacher: nn.Module | None = None) -> Game:
    torch.manual_seed(config.seed)
    frozen = teacher or STUDENTS["particlenet-light"].build(KIN, 10)
    student = STUDENTS["pfn-small"].build(KIN, 10)
    generator = GENERATORS[config.generator].build(KIN)
    assert isinstance(generator, nn.Module)
    players = Pair(frozen.eval().requires_grad_(False), student.train(), generator.train())
    return Game(players, config, begin(players, config, CPU))


def weights(game: Game) -> list[Tensor]:
    assert game.players.generator is not None
    return [*game.players.student.state_dict().values(), *game.players.generator.state_dict().values()]


@pytest.mark.parametrize("generator", [name for name, entry in GENERATORS.items() if entry.domain == "jets"])
def test_six_turns_equal_three_a_restart_and_three_to_the_last_bit(generator: str, tmp_path: Path) -> None:
    config = BASE.with_(generator=generator)
    whole = start(config)
    list(whole.play(6))
    first = start(config)
    list(first.play(3))
    first.state.save(tmp_path / "checkpoint.pt", config.to_dict())
    torch.manual_seed(99)  # another process would have another stream
    second = start(config)
    list(second.play(1))  # whatever it did before, it is overwritten
    second.state.load(tmp_path / "checkpoint.pt", config.to_dict())
    list(second.play(6))
    assert second.state.step == 6
    assert second.state.counters == whole.state.counters
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))


@pytest.mark.parametrize("growth", [0.0, 1.0, 2.0])
def test_student_steps_grow_and_keep_their_number(growth: float) -> None:
    game = start(BASE.with_(pseudo_batches=20, student_steps=3, growth=growth))
    steps = [game.schedule.steps_until(turn + 1) - game.schedule.steps_until(turn) for turn in range(20)]
    assert sum(steps) == 60
    assert sum(steps[:10]) == pytest.approx(60 * 0.5 ** (growth + 1), abs=1)
    if growth == 0:
        assert steps == [3] * 20


def test_the_students_rate_rises_to_the_cosine() -> None:
    cold, warm = (start(BASE.with_(pseudo_batches=10, student_steps=2, warmup=share)) for share in (0.0, 0.5))
    factors = [warm.schedule.student_rate(i, i + 2) / cold.schedule.student_rate(i, i + 2) for i in range(0, 20, 2)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1, 1])


def test_a_turn_without_student_steps_asks_and_remembers() -> None:
    game = start(BASE.with_(pseudo_batches=20, student_steps=1, growth=2.0, replay=0.9))
    logged = list(game.play(2))
    assert "loss/student" not in logged[0]
    assert game.state.counters["teacher_queries"] == 2 * game.config.batch_size
    assert "steps" not in game.state.counters
    list(game.play(20))
    assert game.state.counters["steps"] == 20


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path) -> None:
    game = start(BASE)
    game.state.save(tmp_path / "checkpoint.pt", BASE.to_dict())
    with pytest.raises(UserError, match="preset is 'test', this run's is 'other'"):
        game.state.load(tmp_path / "checkpoint.pt", BASE.with_(preset="other").to_dict())


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        ({}, 6 * 16),
        ({"reuse": False}, 2 * 6 * 16),
        ({"reuse": False, "generator_every": 3}, (6 + 2) * 16),
        ({"fresh": True}, 2 * 6 * 16),
        ({"generator": "shower-prior", "fresh": True}, 2 * 6 * 16),
    ],
)
def test_every_answer_of_the_teacher_is_counted_and_none_asked_twice(changes: dict[str, object], answers: int) -> None:
    game = start(BASE.with_(replay=0.0, **changes))
    asked = 0

    def count(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal asked
        asked += len(inputs[0])

    game.players.teacher.register_forward_pre_hook(count)
    list(game.play(6))
    assert asked == game.state.counters["teacher_queries"] == answers


def test_the_student_learns_to_agree() -> None:
    game = start(BASE.with_(generator="shower-prior", pseudo_batches=12, student_steps=8, student_lr=5e-3, beta=0.0))
    game.players.teacher.fc[1].weight.data.mul_(20)  # type: ignore[union-attr, index, operator]
    kl = [values["kl/pseudo"] for values in game.play(12)]
    assert sum(kl[-3:]) < 0.7 * sum(kl[:3])


def test_the_teacher_stays_as_it_was() -> None:
    game = start(BASE)
    before = [p.clone() for p in game.players.teacher.state_dict().values()]
    list(game.play(2))
    assert all(torch.equal(a, b) for a, b in zip(before, game.players.teacher.state_dict().values(), strict=True))


def test_a_loss_that_is_not_finite_names_turn_and_term_and_changes_nothing() -> None:
    game = start(BASE)
    list(game.play(1))
    assert game.players.generator is not None
    parameters = [*game.players.student.parameters(), *game.players.generator.parameters()]
    before = [p.detach().clone() for p in parameters]
    game.players.teacher.register_forward_hook(lambda _m, _i, output: output * float("nan"))
    with pytest.raises(NonFiniteLoss, match="turn 1: generator's KL is nan"):
        list(game.play(2))
    assert all(torch.equal(a, b) for a, b in zip(before, parameters, strict=True))


def test_distillation_with_data_asks_once_about_each_jet() -> None:
    game = start(BASE)
    game.players.generator = None
    data = read_jets(SAMPLE, most=64)
    game.fill(KIN(data.samples[i : i + 16]) for i in range(0, 64, 16))
    kl = [values["kl/pseudo"] for values in game.play(6)]
    assert len(kl) == 6
    assert game.state.counters["teacher_queries"] == 64


def test_cosine_falls_from_one_to_zero() -> None:
    assert cosine(0, 10) == 1 and cosine(5, 10) == pytest.approx(0.5) and cosine(10, 10) == pytest.approx(0)


def sample(value: float, width: int) -> tuple[tuple[Tensor, ...], Output]:
    mask = torch.ones(2, 1, width, dtype=torch.bool)
    logits = torch.zeros(2, 3)
    logits[:, int(value)] = 5
    return (torch.full((2, 2, width), value), mask), Output(logits, (torch.full((2, width), value),))


def test_a_pool_keeps_the_latest_and_pads_to_the_widest() -> None:
    pool = ReplayBuffer(4)
    for value, width in ((0, 3), (1, 5), (2, 4)):
        pool.add(*sample(value, width))
    (points, mask), answer = pool.draw(200, torch.Generator().manual_seed(0))
    assert len(pool) == 4 and points.shape == (200, 2, 5)
    assert set(points[:, 0, 0].tolist()) == {1.0, 2.0}
    twos = points[:, 0, 0] == 2
    assert (points[twos][:, :, 4] == 0).all() and not mask[twos][:, :, 4].any()
    assert torch.equal(answer.logits.argmax(1), points[:, 0, 0].long())
    assert answer.attention[0].shape == (200, 5)


def test_a_balanced_draw_evens_out_the_teachers_classes() -> None:
    pool = ReplayBuffer(64)
    for _ in range(15):
        pool.add(*sample(0, 2))
    pool.add(*sample(1, 2))
    rng = torch.Generator().manual_seed(0)
    shares = [(pool.draw(2000, rng, b)[1].logits.argmax(1) == 1).float().mean().item() for b in (0.0, 1.0)]
    assert shares[0] == pytest.approx(2 / 32, abs=0.02) and shares[1] == pytest.approx(0.5, abs=0.05)


def test_mixing_two_batches_pads_the_narrower() -> None:
    x, answer = mix(sample(0, 2), sample(1, 5))
    assert x[0].shape == (4, 2, 5) and answer.logits.shape == (4, 3) and answer.attention[0].shape == (4, 5)
    with pytest.raises(ValueError, match="empty"):
        ReplayBuffer(3).draw(1, torch.Generator())


def test_what_is_logged_does_not_grow_with_the_number_of_classes() -> None:
    few = batch_metrics(torch.eye(4)[[0, 0, 2, 3]], torch.zeros(4, 4))
    shares = {name: value for name, value in few.items() if name.startswith("teacher_class/")}
    assert list(shares.values()) == [0.5, 0, 0.25, 0.25] and few["agreement/pseudo"] == 0.5
    many = batch_metrics(torch.eye(100)[[7, 7, 50]], torch.zeros(3, 100))
    assert many["teacher_classes"] == 2 and len(many) < len(few)
