"""Students that begin with their teacher's parameters, look at its layers, and see images cut from two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from zskt.pair import Pair

from generators.images.convnet import ConvGenerator
from teachers.images import DATA
from zskt.cli.options import config_of
from zskt.cli.parser import parse
from zskt.errors import UserError
from zskt.experiments.build import inherit
from zskt.experiments.config import Config
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.presets import PRESETS, changes
from zskt.images.augment import cutmix
from zskt.methods.zskt import Game, begin
from zskt.networks.lenet_vgg import LeNet5
from zskt.networks.resnet import cifar_resnet
from zskt.networks.wide_resnet import WideResNet

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
    players = Pair(teacher, cifar_resnet(8, 10).train(), ConvGenerator(DATA["cifar10"].inputs))
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


def test_layers_are_taken_whole_or_not_at_all() -> None:
    torch.manual_seed(0)
    teacher, student = (
        nn.Sequential(nn.Linear(2, 9, bias=b), nn.Linear(9, 9), nn.Linear(9, k)) for b, k in ((True, 3), (False, 2))
    )
    before = [p.clone() for p in student.parameters()]
    inherit(student, teacher)  # the middle: the first of the teacher has a bias, the last another class
    assert torch.equal(student[1].weight, teacher[1].weight) and torch.equal(student[1].bias, teacher[1].bias)
    kept = [student[0].weight, student[2].weight, student[2].bias]
    assert all(torch.equal(a, before[i]) for a, i in zip(kept, (0, 3, 4), strict=True))


@pytest.mark.parametrize(
    ("teacher", "student"),
    [
        (LeNet5(10), LeNet5(10, share=0.5)),
        (WideResNet(40, 2, 10), WideResNet(16, 1, 10)),
        (nn.Linear(2, 2), cifar_resnet(8, 10)),
    ],
)
def test_a_student_that_has_little_of_its_teacher_is_refused(teacher: nn.Module, student: nn.Module) -> None:
    with pytest.raises(UserError, match=r"inherit: of the student's .* less than half: .*--set inherit=False"):
        inherit(student, teacher)


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
    assert played.state.counters["teacher_queries"] == sum(map(len, seen["teacher"])) == 4 * 8 + 8 * 8
    asked = {x.numpy().tobytes() for x in seen["teacher"]}
    assert len(seen["student"]) == 8 and all(x.numpy().tobytes() in asked for x in seen["student"])


@pytest.mark.parametrize("data", [False, True])
def test_what_is_logged_is_of_the_images_that_both_saw(data: bool) -> None:
    config = RECIPE.with_(cutmix=1.0, student_lr=1e-30, hint=0.0)
    torch.manual_seed(0)
    twins = [cifar_resnet(8, 10).eval() for _ in range(2)]
    twins[1].load_state_dict(twins[0].state_dict())
    generator = ConvGenerator(DATA["cifar10"].inputs)
    played = Game(Pair(*twins, None if data else generator), config, begin(Pair(*twins), config, CPU))
    if data:
        played.fill(iter([(torch.randn(16, 3, 32, 32),)]))
    for logged in played.play(2):
        assert logged["kl/pseudo"] == pytest.approx(0, abs=1e-5) and logged["agreement/pseudo"] == 1
    assert played.state.counters["teacher_queries"] == (16 if data else 2 * 8) + 4 * 8


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
    players = Pair(LeNet5(10), LeNet5(10, share=0.5))
    x = (torch.randn(2, 1, 32, 32),)
    players.require_layers_that_match(x, CPU)
    with pytest.raises(UserError, match=r"hint: the teacher's blocks put out \[\(6, .*choose a --student"):
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


@pytest.mark.parametrize("name", [name for name, recipe in PRESETS.items() if recipe.mode == "zero-shot"])
def test_every_game_has_its_few_shot_recipe_and_changes_nothing_of_itself(name: str) -> None:
    assert changes(PRESETS[name]) == changes(PRESETS[name].with_(mode="kd")) == {}
    assert changes(few_shot(PRESETS[name], images_per_class=10)) == {}
    assert config_of(parse(["--mode", "few-shot", "--preset", name])).hint == 0


def test_inheriting_from_another_family_is_one_line(call: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = call("--mode", "zero-shot", "--set", "inherit=True", "--pseudo-batches", 1, "--out", "run")
    assert code == 2 and "inherit: of the student's" in err and err.count("\n") == 1
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
    assert code == 2 and "hint: the teacher's blocks put out" in err and err.count("\n") == 1
    assert not Path("run").exists()
