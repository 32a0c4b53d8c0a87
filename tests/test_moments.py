"""What the teacher's batch normalisations remember, and the average of the student."""

from __future__ import annotations

import torch
from torch import nn
from zskt.pair import Pair

from teachers import TEACHERS
from zskt.bn_statistics import capture_bn_statistics, mismatch, normalisations
from zskt.experiments.presets import PRESETS
from zskt.methods.zskt import Game, begin
from zskt.networks.students import STUDENTS

CPU = torch.device("cpu")


def test_mismatch_counts_standard_deviations() -> None:
    layer = nn.BatchNorm2d(2, eps=0.0)
    layer.running_mean, layer.running_var = torch.tensor([1.0, -1.0]), torch.tensor([4.0, 9.0])
    unit = torch.randn(64, 2, 3, 3)
    unit = (unit - unit.mean((0, 2, 3), keepdim=True)) / unit.std((0, 2, 3), correction=0, keepdim=True)
    mean, spread = (torch.tensor(v).view(1, 2, 1, 1) for v in ((1.0, -1.0), (2.0, 3.0)))
    assert mismatch(unit * spread + mean, layer) < 1e-10
    # Moved by two of its standard deviations in one of two channels: 2^2 / 2.
    moved = unit * spread + mean + torch.tensor([4.0, 0.0]).view(1, 2, 1, 1)
    assert torch.isclose(mismatch(moved, layer), torch.tensor(2.0), rtol=1e-4)
    assert torch.isclose(mismatch(unit * 1.5 * spread + mean, layer), torch.tensor(0.25), rtol=1e-4)


def test_every_normalisation_is_watched_while_asked_for_and_no_longer() -> None:
    network = TEACHERS["cifar10-resnet20"].build().eval()
    x = torch.randn(4, 3, 32, 32)
    with capture_bn_statistics(network) as found:
        network(x)
    assert len(found) == len(normalisations(network)) == 19
    network(x)
    assert len(found) == 19
    with capture_bn_statistics(None) as found:
        network(x)
    assert not found


def play(**settings: float) -> tuple[Game, float]:
    """Two turns of ResNet-20 against ResNet-8, and what the generator was charged in the last."""
    config = PRESETS["cifar10-resnet20-to-resnet8"].with_(
        student="resnet8", batch_size=8, student_steps=2, pseudo_batches=2, **settings
    )
    torch.manual_seed(0)
    card = TEACHERS[config.teacher]
    teacher = card.build().eval().requires_grad_(False)
    student = STUDENTS[config.student].build(card.inputs, 10).train()
    from generators import GENERATORS

    generator = GENERATORS["image"].build(card.inputs)
    assert isinstance(generator, nn.Module)
    players = Pair(teacher, student, generator)
    game = Game(players, config, begin(players, config, CPU))
    logged = list(game.play(2))
    return game, logged[-1].get("penalty/generator", 0.0)


def test_the_generator_pays_for_moments() -> None:
    _, free = play(moments=0.0)
    _, paid = play(moments=2.0)
    assert free == 0 and paid > 0


def test_the_average_is_what_the_run_leaves() -> None:
    game, _ = play(average=0.0)
    assert game.result is game.players.student
    game, _ = play(average=0.5)
    assert game.result is not game.players.student
    latest, kept = game.players.student.state_dict(), game.result.state_dict()
    assert any(not torch.equal(latest[name], kept[name]) for name in kept)
    assert "average" in game.state.parts  # so that a checkpoint holds it
