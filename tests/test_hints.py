"""Students that begin with their teacher's parameters, look at its layers, and see images cut from two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from generators.image import Images
from teachers import CIFAR10_INPUTS
from teachers.plain import LeNet5
from teachers.resnet import cifar_resnet
from zskt.augment import cutmix
from zskt.build import inherit
from zskt.config import Config
from zskt.distill import Game, begin
from zskt.errors import UserError
from zskt.players import Players

CPU = torch.device("cpu")
RECIPE = Config(
    preset="cifar10-resnet20-to-resnet8",
    teacher="cifar10-resnet20",
    student="resnet8",
    generator="image",
    pseudo_batches=4,
    batch_size=8,
    student_steps=2,
    pool=64,
    replay=0.5,
    generator_every=0,
    hint=3.0,
    cutmix=0.5,
)


def game(config: Config = RECIPE) -> Game:
    torch.manual_seed(0)
    teacher = cifar_resnet(14, 10).eval().requires_grad_(False)
    players = Players(teacher, cifar_resnet(8, 10).train(), Images(CIFAR10_INPUTS))
    return Game(players, config, begin(players, config, CPU))


def test_a_shallower_student_begins_as_the_teacher_with_blocks_left_out() -> None:
    torch.manual_seed(0)
    teacher, student = cifar_resnet(20, 10), cifar_resnet(8, 10)
    teacher.bn1.running_mean.add_(3)  # type: ignore[union-attr, operator]
    inherit(student, teacher)
    for stage in ("layer1", "layer2", "layer3"):
        setattr(teacher, stage, getattr(teacher, stage)[:1])
    x = torch.randn(4, 3, 32, 32)
    assert torch.equal(student.eval()(x), teacher.eval()(x))
    student.conv1.weight.data.zero_()  # a copy: the teacher stays as it was
    assert teacher.conv1.weight.abs().min() > 0


def test_what_fits_is_taken_and_nothing_in_common_is_refused() -> None:
    torch.manual_seed(0)
    teacher, narrower = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3)), nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3))
    before = narrower[0].weight.clone()
    inherit(narrower, teacher)
    assert torch.equal(narrower[1].bias, teacher[1].bias) and torch.equal(narrower[0].weight, before)
    with pytest.raises(UserError, match="none of the student's 44 tensors"):
        inherit(cifar_resnet(8, 10), nn.Linear(2, 2))


def test_cutmix_puts_one_rectangle_of_the_image_before_into_a_share_of_the_images() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.arange(400.0).view(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    mixed = cutmix(x, 0.5, rng)
    foreign = mixed[:, 0] != x[:, 0]
    assert torch.equal(mixed[:, 0][foreign], x.roll(1, 0)[:, 0][foreign])
    assert torch.equal(mixed[:, 0], mixed[:, 2])
    changed = foreign.flatten(1).any(1)
    assert 0.42 < changed.float().mean() < 0.58  # four standard deviations about a half
    rows, columns = foreign.any(2).sum(1), foreign.any(1).sum(1)
    assert torch.equal(rows * columns, foreign.sum((1, 2)))  # rectangles
    assert rows[changed].min() == columns[changed].min() == 8 and rows.max() == columns.max() == 24
    assert torch.equal(cutmix(x, 0.0, rng), x)


def test_the_student_sees_what_the_teacher_was_asked_and_each_answer_counts() -> None:
    played, seen = game(), dict[str, list[Tensor]](teacher=[], student=[])
    for name, network in (("teacher", played.players.teacher), ("student", played.players.student)):
        network.register_forward_pre_hook(lambda _, given, name=name: seen[name].append(given[0].clone()))  # type: ignore[misc]
    list(played.play(4))
    assert played.state.counters["teacher_answers"] == sum(map(len, seen["teacher"])) == 4 * 8 + 8 * 8
    asked = {x.numpy().tobytes() for x in seen["teacher"]}
    assert len(seen["student"]) == 8 and all(x.numpy().tobytes() in asked for x in seen["student"])


def test_hints_bring_layers_together() -> None:
    apart = {}
    for hint in (0.0, 3.0):
        played = game(RECIPE.with_(hint=hint, pseudo_batches=25, student_lr=5e-3))
        list(played.play(25))
        x = (torch.randn(32, 3, 32, 32, generator=torch.Generator().manual_seed(1)),)
        networks = (played.players.teacher, played.players.student)
        t, s = (played.players.ask(network, x, hint=1.0).activations[1].detach() for network in networks)
        apart[hint] = float((t - s).square().mean())
    assert apart[3.0] < 0.8 * apart[0.0]


def test_four_turns_equal_two_a_restart_and_two(tmp_path: Path) -> None:
    whole, first, second = game(), game(), game()
    list(whole.play(4))
    list(first.play(2))
    first.state.save(tmp_path / "checkpoint.pt", RECIPE.to_dict())
    list(second.play(1))
    second.state.load(tmp_path / "checkpoint.pt", RECIPE.to_dict())
    list(second.play(4))
    kept, again = (g.players.student.state_dict().values() for g in (whole, second))
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


def test_layers_of_other_widths_are_told_before_the_game() -> None:
    players = Players(LeNet5(10), LeNet5(10, share=0.5))
    x = (torch.randn(2, 1, 32, 32),)
    players.require_layers_that_match(x, CPU)
    with pytest.raises(UserError, match=r"hint: the teacher's layers have shapes \[\(6, .*choose a --student"):
        players.require_layers_that_match(x, CPU, whole=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hint": -1.0}, "hint is -1.0, but must be at least 0"),
        ({"cutmix": 1.5}, r"cutmix is 1.5, but must be in \[0, 1\]"),
        ({"mode": "few-shot"}, "hint is of modes zero-shot and kd, not of few-shot"),
        (
            {"teacher": "zskt-particlenet", "student": "pfn", "generator": "shower"},
            "cutmix 0.5 is for images, but the teacher zskt-particlenet takes jets",
        ),
    ],
)
def test_recipes_that_cannot_be(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        RECIPE.with_(**changes)


def test_inheriting_from_another_family_is_one_line(call: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = call("--mode", "zero-shot", "--set", "inherit=True", "--pseudo-batches", 1, "--out", "run")
    assert code == 2 and "inherit: none of the student's" in err and err.count("\n") == 1
    code, _, err = call(
        "--mode",
        "zero-shot",
        "--set",
        "hint=1",
        "--student",
        "particlenet-light",
        "--pseudo-batches",
        1,
        "--out",
        "run",
    )
    assert code == 2 and "hint: the teacher's layers have shapes" in err and err.count("\n") == 1
    assert not Path("run").exists()
