"""Speed of one turn of the paper's game as a ratio, measured in one run: ``python benchmarks/images.py``.

Compares Algorithm 1 as it is usually written down (each student step runs the generator again, with its graph, and the
generator's step leaves gradients everywhere) with ours, on WRN-40-2 to WRN-16-1 and a batch of 128. Writes
``benchmarks/images.json``.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from zskt.pair import Pair

from generators import GENERATORS
from generators.images.convnet import UpsampledConv
from teachers import TEACHERS
from zskt.domains import DOMAINS
from zskt.experiments.presets import PRESETS
from zskt.forward import ask
from zskt.losses import divergence, generator_loss, student_loss
from zskt.methods.zskt import Game, begin
from zskt.networks.students import STUDENTS

REPEATS = 2
CPU = torch.device("cpu")
CONFIG = PRESETS["cifar10-wrn-40-2-to-wrn-16-1-paper"]


def players() -> Pair:
    card = TEACHERS[CONFIG.teacher]
    teacher = card.build().eval().requires_grad_(False)
    generator = GENERATORS[CONFIG.generator].build(card.inputs)
    assert isinstance(generator, nn.Module)
    return Pair(teacher, STUDENTS[CONFIG.student].build(card.inputs, 10).train(), generator.train())


class Plain(nn.Conv2d):
    """Pixels doubled first, then convolved."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.interpolate(x, scale_factor=2))


def written_down(game: Pair) -> Callable[[], object]:
    """A turn in which every step computes all that the equations name."""
    teacher, student, generator = game.teacher, game.student, game.generator
    assert generator is not None
    for name, layer in list(generator.named_modules()):
        if isinstance(layer, UpsampledConv):
            plain = Plain(layer.in_channels, layer.out_channels, 3, padding=1)
            plain.load_state_dict(layer.state_dict())
            generator.set_submodule(name, plain)
    optimizers = [torch.optim.Adam(network.parameters(), 1e-3) for network in (generator, student)]
    layers = [game.layers(network, CONFIG.beta) for network in (teacher, student)]

    def turn() -> None:
        z = torch.randn(CONFIG.batch_size, 100)
        for i in range(1 + CONFIG.student_steps):
            x = generator(z, torch.Generator()).x
            said = [ask(network, x, watched) for network, watched in zip((teacher, student), layers, strict=True)]
            loss = student_loss(said[0], said[1], CONFIG.beta)
            if i == 0:
                loss = generator_loss(divergence(said[0].logits, said[1].logits))
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            optimizers[min(i, 1)].step()

    return turn


def ours(game: Pair) -> Callable[[], object]:
    place = DOMAINS["images"].place
    assert game.generator is not None
    for network in (game.teacher, game.student, game.generator):
        place(network, CPU)
    return Game(game, CONFIG, begin(game, CONFIG, CPU)).turn


def clock(job: Callable[[], object]) -> float:
    """Median seconds of a job, the first call not counted."""
    job()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    seconds = {"written down": clock(written_down(players())), "zskt": clock(ours(players()))}
    report = {
        "pair": "WRN-40-2 to WRN-16-1",
        "batch": CONFIG.batch_size,
        "threads": torch.get_num_threads(),
        "seconds_a_turn": seconds,
        "times_faster": seconds["written down"] / seconds["zskt"],
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
