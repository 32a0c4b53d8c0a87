"""What the floor of the game consists of, and that the benchmark runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks.__main__ import main
from benchmarks.bench import Times
from benchmarks.floor import BY_BOTH, BY_INPUT, BY_WEIGHT, COPY, FORWARD, Operation, Work, copy_of, job, label, note
from benchmarks.game import PRESET, needed, plain, players
from generators.images.convnet import UpsampledConv
from zskt.experiments.presets import PRESETS
from zskt.networks.batch_norm import BatchNorm

CPU = torch.device("cpu")


def test_it_runs_with_tiny_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["batch=2", "student_steps=1", "rounds=1"]
    assert main(["--only", "game", "--device", "cpu", "--size", *sizes, "--json", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "game.json").read_text())
    assert (report["batch"], report["student_steps"]) == (2, 1)
    names = ("zskt / floor", "as written / zskt")  # what they are is for quiet machines
    assert all(report["ratios"][name]["median"] > 0 for name in names)
    assert set(report["targets"]) == {"an iteration, in floors", "an iteration, as written in ours"}
    assert "as written / zskt" in capsys.readouterr().out


def convolutions(work: Work, what: str) -> float:
    """How many operations of a kind are done, of those with weights."""
    return sum(times for operation, times in work.items() if operation.what == what and operation.weight)


@pytest.mark.parametrize("reuse", [False, True])
def test_what_an_iteration_needs(reuse: bool) -> None:
    config = PRESETS[PRESET].with_(batch_size=2, student_steps=10, reuse_generator_batch=reuse)
    work = needed(config, players(config, CPU))
    batches = 1 if reuse else 2
    assert convolutions(work["generator"], FORWARD) == 4 * batches  # a linear layer and three convolutions
    assert (convolutions(work["generator"], BY_BOTH), convolutions(work["generator"], BY_WEIGHT)) == (3, 1)
    teacher, student = 40 + 1, 16  # convolutions and a last layer; WRN-16-1 has one shortcut less
    assert convolutions(work["teacher"], FORWARD) == batches * teacher
    assert convolutions(work["teacher"], BY_INPUT) == teacher
    assert not convolutions(work["teacher"], BY_BOTH) + convolutions(work["teacher"], BY_WEIGHT)
    assert convolutions(work["student"], FORWARD) == 11 * student
    assert convolutions(work["student"], BY_INPUT) == student
    assert convolutions(work["student"], BY_BOTH) == 10 * (student - 1)
    assert convolutions(work["student"], BY_WEIGHT) == 10


def test_layers_are_noted_with_their_shapes() -> None:
    network = nn.Sequential(UpsampledConv(3, 5), nn.BatchNorm2d(5), nn.Conv2d(5, 7, 3, stride=2, padding=1))
    noted = note(network, lambda: network(torch.randn(2, 3, 4, 4)))
    assert noted.layers == [
        Operation(FORWARD, (2, 3, 4, 4), (3, 5, 4, 4), 2, 1, transposed=True),
        Operation(FORWARD, (2, 5, 8, 8), (7, 5, 3, 3), 2, 1),
    ]
    assert noted.normalised == [2 * 5 * 8 * 8]


@pytest.mark.parametrize("what", [BY_INPUT, BY_WEIGHT, BY_BOTH])
def test_gradients_are_those_of_the_layer(what: str) -> None:
    conv = Operation(what, (2, 3, 8, 8), (5, 3, 3, 3), 2, 1)
    found = job(conv, CPU)()
    assert isinstance(found, tuple)
    shapes = [None if t is None or not t.numel() else tuple(t.shape) for t in found]
    assert shapes == [conv.x if what != BY_WEIGHT else None, conv.weight if what != BY_INPUT else None, None]
    products = job(Operation(what, (4, 3), (5, 3)), CPU)()
    assert isinstance(products, list)
    assert [tuple(t.shape) for t in products] == {BY_INPUT: [(4, 3)], BY_WEIGHT: [(5, 3)]}.get(what, [(4, 3), (5, 3)])


def test_work_adds_up() -> None:
    conv, copy = Operation(FORWARD, (1, 1, 2, 2), (1, 1, 1, 1)), copy_of(4)
    assert copy.what == COPY
    work = Work([(conv, 2), (copy, 1.5), (conv, 1)]) + Work([(copy, 0.5)])
    assert work == {conv: 3, copy: 2}
    times = Times({label(conv): [1.0, 10.0], label(copy): [0.25, 0.5]})
    assert work.seconds(times, label) == [3.5, 31.0]


def test_plain_networks_answer_alike() -> None:
    config = PRESETS[PRESET].with_(batch_size=2)
    setup = players(config, CPU)
    teacher, generator = setup.pair.teacher, setup.generator
    assert teacher is not None and generator is not None
    z = torch.randn(2, generator.latent_size)
    with torch.no_grad():
        made = generator(z, torch.Generator()).x
        answers = [made[0], teacher(*made), setup.pair.student(*made)]
        for network in (teacher, setup.pair.student, generator):
            plain(network, CPU)
        assert not any(isinstance(m, BatchNorm | UpsampledConv) for m in [*teacher.modules(), *generator.modules()])
        again = [generator(z, torch.Generator()).x[0], teacher(*made), setup.pair.student(*made)]
    torch.testing.assert_close(again, answers, rtol=1e-3, atol=1e-4)
    assert not any(p.requires_grad for p in teacher.parameters()) and not teacher.bn.training
