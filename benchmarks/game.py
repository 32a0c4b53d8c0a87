"""One iteration of the paper's game, against its equations as written down and against its floor.

WRN-40-2 to WRN-16-1, the published recipe, batch 128. As written down, each student step runs generator, teacher and
student with a graph and leaves gradients everywhere. The floor is what `benchmarks.floor` says, of the operations that
Algorithm 1 cannot do without.

``--size batch=8 student_steps=2`` make it short.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.bench import Bench, Job, Times, at_least, at_most, spread
from benchmarks.floor import COPY, Work, copy_of, job, label, note
from generators import GENERATORS
from generators.images.convnet import UpsampledConv
from teachers import TEACHERS
from zskt.bn_statistics import normalisations
from zskt.domains import DOMAINS
from zskt.experiments.config import RunConfig
from zskt.experiments.presets import PRESETS
from zskt.forward import Pair, capture
from zskt.generator import Generator
from zskt.losses import divergence, generator_loss
from zskt.methods import METHODS, Setup
from zskt.methods.student import student_terms
from zskt.networks.batch_norm import BatchNorm
from zskt.networks.students import STUDENTS
from zskt.networks.wide_resnet import Block
from zskt.terms import student_loss

PRESET = "cifar10-wrn-40-2-to-wrn-16-1-paper"
FULL_BATCH = 128
SECONDS_OF_A_FULL_BATCH = 120.0
"""Below this, two processor cores do not get through a batch of 128 as written down."""
ADAM = 3.5
"""Copies of the parameters that a step of Adam makes: it reads them, their gradients and two averages, and writes three
of them."""


def players(config: RunConfig, device: torch.device, *, placed: bool = True) -> Setup:
    """Build teacher, student and generator; the teacher's statistics are those of noise, its parameters random.

    Args:
        placed: whether they are in the layout in which the product has them.
    """
    torch.manual_seed(0)
    card = TEACHERS[config.teacher]
    teacher = card.build()
    for layer in normalisations(teacher):
        layer.momentum = 1.0
    with torch.no_grad():
        teacher.train()(torch.randn(64, card.inputs.channels, card.inputs.size, card.inputs.size))
    teacher.eval().requires_grad_(False)
    generator = GENERATORS[str(config.generator)].build(card.inputs)
    student = STUDENTS[config.student].build(card.inputs, len(card.classes))
    for network in (teacher, student.train(), generator.train()):
        DOMAINS[card.domain].place(network, device) if placed else network.to(device)
    return Setup(pair=Pair(teacher, student), generator=generator, inputs=card.inputs, device=device)


def ours(config: RunConfig, setup: Setup) -> Job:
    """Make the job of one iteration of the product."""
    iterations = METHODS[config.method](config.settings, setup).run()
    return lambda: next(iterations)


class Doubled(nn.Conv2d):
    """Pixels doubled first, then convolved."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.interpolate(x, scale_factor=2))


class Activated(nn.BatchNorm2d):
    """A normalisation, then a ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(super().forward(x))


def plain(network: nn.Module, device: torch.device) -> None:
    """Replace the layers of ours that save work by those that the equations name."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, UpsampledConv):
            other: nn.Module = Doubled(layer.in_channels, layer.out_channels, 3, padding=1)
        elif isinstance(layer, BatchNorm):
            other = (Activated if layer.relu else nn.BatchNorm2d)(layer.num_features)
        else:
            continue
        other.load_state_dict(layer.state_dict())
        trained = any(p.requires_grad for p in layer.parameters())
        network.set_submodule(name, other.to(device).train(layer.training).requires_grad_(trained))


def as_written(config: RunConfig, setup: Setup) -> Job:
    """Make the job of one iteration in which every step computes all that the equations name."""
    pair, generator, settings = setup.pair, setup.generator, config.settings
    assert pair.teacher is not None and generator is not None
    for network in (pair.teacher, pair.student, generator):
        plain(network, setup.device)
    optimizers = [torch.optim.Adam(network.parameters(), 1e-3) for network in (generator, pair.student)]
    terms, rng = student_terms(settings, pair), torch.Generator(setup.device)

    def iteration() -> None:
        z = torch.randn(settings.batch_size, generator.latent_size, device=setup.device)
        for i in range(1 + settings.student_steps):
            x = generator(z, rng).x
            answer, output = (pair.forward(n, x, terms) for n in (pair.teacher, pair.student) if n is not None)
            loss = student_loss(terms, answer, output)
            if i == 0:
                loss = generator_loss(divergence(answer.logits, output.logits))
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizers[min(i, 1)].step()

    return iteration


def needed(config: RunConfig, setup: Setup) -> dict[str, Work]:
    """Count what an iteration of Algorithm 1 cannot do without, by who does it.

    The generator makes a batch with a graph and, where the recipe wants a fresh one, another without; the teacher
    answers both and hands a gradient through once; the student does so once and learns ``student_steps`` times.
    """
    pair, generator, settings = setup.pair, setup.generator, config.settings
    assert pair.teacher is not None and isinstance(generator, Generator)
    batches, steps = (1 if settings.reuse_generator_batch else 2), settings.student_steps
    z = torch.randn(settings.batch_size, generator.latent_size, device=setup.device)
    with torch.no_grad():
        x: tuple[Tensor, ...] = generator(z, torch.Generator(setup.device)).x
        made = note(generator, lambda: generator(z, torch.Generator(setup.device)))
        asked = note(pair.teacher, lambda: pair.teacher and pair.teacher(*x), (Block,))
        learned = note(pair.student, lambda: pair.student(*x), (Block,))
    work = {
        "generator": made.forward(batches) + made.backward(by_input=False),
        "teacher": asked.forward(batches) + asked.backward(weights=False),
        "student": learned.forward(1 + steps) + learned.backward(weights=False),
    }
    work["student"] += learned.backward(steps, by_input=False)
    for name, network, times in (("generator", generator, 1), ("student", pair.student, steps)):
        work[name] += Work([(copy_of(sum(p.numel() for p in network.parameters())), ADAM * times)])
    if settings.attention_weight:  # layers are read once to be mapped, and read and written by the gradient
        for name, network, ways in (("teacher", pair.teacher, 0.5), ("student", pair.student, 1.5 * steps)):
            with torch.no_grad(), capture(network, pair.layers(network)) as layers:
                network(*x)
            work[name] += Work((copy_of(layer.numel()), ways) for layer in layers)
    return work


def measure(bench: Bench) -> dict[str, Any]:
    """Time an iteration as written down, ours, and each operation of the floor, in turns."""
    full = bench.device.type == "cuda" or bench.seconds >= SECONDS_OF_A_FULL_BATCH
    batch = bench.size("batch", FULL_BATCH if full else 16)
    config = PRESETS[PRESET]
    steps = bench.size("student_steps", config.settings.student_steps)
    config = config.with_(batch_size=batch, student_steps=steps)
    setup = players(config, bench.device)
    work = needed(config, setup)
    operations = {label(operation): job(operation, bench.device) for part in work.values() for operation in part}
    jobs = {"as written": as_written(config, players(config, bench.device, placed=False)), "zskt": ours(config, setup)}
    if bench.device.type == "cuda":
        return on_a_card(jobs, config, bench)
    times = bench.time(jobs | operations)
    parts = {name: part.seconds(times, label) for name, part in work.items()}
    for name, part in work.items():
        copies = Work((operation, n) for operation, n in part.items() if operation.what == COPY)
        parts[f"{name}, copies"] = copies.seconds(times, label)
    totals = [sum(seconds) for seconds in zip(*(parts[name] for name in work), strict=True)]
    times = Times({name: times.seconds[name] for name in jobs} | {"floor": totals})
    ratios = {f"{a} / {b}": times.ratio(a, b) for a, b in (("zskt", "floor"), ("as written", "zskt"))}
    return {
        "preset": PRESET,
        "batch": batch,
        "student_steps": steps,
        "ratios": ratios,
        "targets": {
            "an iteration, in floors": at_most(1.25, ratios["zskt / floor"]["median"]),
            "an iteration, as written in ours": at_least(6.0, ratios["as written / zskt"]["median"]),
        },
        "times": times.to_json(),
        "floor": {name: spread(seconds) for name, seconds in parts.items()},
    }


def on_a_card(jobs: dict[str, Job], config: RunConfig, bench: Bench) -> dict[str, Any]:
    """Time an iteration on a GPU, ours in bf16, too: each operation by itself would measure its launch."""
    setup = players(config, bench.device)
    setup.pair.precision = "bf16"
    jobs["zskt, bf16"] = ours(config, setup)
    times = bench.time(jobs, warm_up=6)
    ratios = {f"as written / {name}": times.ratio("as written", name) for name in list(jobs)[1:]}
    best = max(ratio["median"] for ratio in ratios.values())
    return {
        "preset": PRESET,
        "batch": config.settings.batch_size,
        "student_steps": config.settings.student_steps,
        "ratios": ratios,
        "targets": {"an iteration, as written in ours": at_least(10.0, best)},
        "times": times.to_json(),
    }
