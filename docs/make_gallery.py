#!/usr/bin/env python3
"""Make the pictures of docs/gallery.md anew: generators over a short game, the game in the plane, jets that move.

    python docs/make_gallery.py                writes docs/gallery, about five minutes on one core
    python docs/make_gallery.py plane jets     makes some of them: plane, images, jets, moved, vectors

Only what ships with zskt is used, so that anybody can run it. Seeds are fixed; another release of PyTorch draws
slightly different samples. The pictures hold no figures of merit: docs/results has those.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from zskt.__main__ import catalog  # noqa: E402
from zskt.contracts import PseudoBatch  # noqa: E402
from zskt.experiments import toy  # noqa: E402
from zskt.experiments.build import build_student  # noqa: E402
from zskt.forward import Pair, evaluating  # noqa: E402
from zskt.generator import Generator  # noqa: E402
from zskt.jets.event_display import PARTICLE_COLOURS, draw_jet  # noqa: E402
from zskt.methods import METHODS, Setup, iterate  # noqa: E402
from zskt.methods.zskt import ZSKT  # noqa: E402
from zskt.vectors.inputs import VectorInputs  # noqa: E402

OUT = ROOT / "docs" / "gallery"
COLOURS = ListedColormap(["#0072b2", "#e69f00", "#009e73"])
"""Three of Okabe and Ito's, for three classes."""
SEED = 0
STUDENT_STEPS = 5
"""Fewer than the presets': a picture needs no good student, and should not take hours."""
CATALOG = catalog()


def game(preset: str, generator: str, stops: Sequence[int]) -> Iterator[tuple[int, Generator, nn.Module, nn.Module]]:
    """Play the preset's game with another generator; yield iteration, generator, teacher and student at each stop."""
    config = CATALOG.presets[preset].with_(generator=generator, seed=SEED, iterations=max(stops))
    config = config.with_(batch_size=64, student_steps=STUDENT_STEPS)
    card = CATALOG.card(config)
    teacher, student = card.load(), build_student(config, card, CATALOG).train()
    made: Generator = CATALOG.generators[generator].build(card.inputs).train()
    pair = Pair(teacher, student)
    setup = Setup(pair=pair, generator=made, inputs=card.inputs, classes=card.classes, seed=SEED)
    method = METHODS["zskt"](config.settings, setup)
    yield 0, made, teacher, student
    for _ in iterate(method):
        if method.state.step in stops:
            yield method.state.step, made, teacher, student


@torch.no_grad()
def draw(generator: Generator, count: int) -> PseudoBatch:
    """Draw the same latent variables every time."""
    with evaluating(generator):
        return generator.draw(count, torch.Generator().manual_seed(SEED))


def title(name: str, iteration: int) -> str:
    """Return the title of a generator's row; before its first step it is its prior, where it has one."""
    prior = CATALOG.generators[name].prior
    own = prior == f"{name}-prior" and not iteration
    return f"{prior}, and {name} at iteration 0" if own else f"{name}, iteration {iteration}"


def save(figure: Figure, name: str) -> None:
    """Write a picture."""
    path = OUT / f"{name}.png"
    figure.savefig(path, dpi=100)
    print(path.relative_to(ROOT), path.stat().st_size)


# Images


def image_rows() -> Iterator[tuple[str, Tensor, Any]]:
    """Yield a title and pixels (N, C, H, W) of each generator of images, of those that are trained over the game."""
    digits, things = "mnist-lenet5-to-lenet5-half", "cifar10-resnet20-to-resnet8"
    for preset, name, stops in (
        (digits, "noise-image", ()),
        (digits, "image", (10, 40)),
        (digits, "strokes", (40,)),
        ("fashion-mnist-lenet5-to-lenet5-half", "cutouts-prior", ()),
        (things, "leaves-prior", ()),
        (things, "things-prior", ()),
        (things, "scenes-prior", ()),
    ):
        card = CATALOG.card(CATALOG.presets[preset])
        if not stops:
            torch.manual_seed(SEED)
            yield name, draw(CATALOG.generators[name].build(card.inputs), 10).x[0], card.inputs
            continue
        for iteration, generator, *_ in game(preset, name, stops):
            yield title(name, iteration), draw(generator, 10).x[0], card.inputs


def images() -> None:
    """Draw a row of pseudo-images of each generator."""
    rows = list(image_rows())
    figure = Figure(figsize=(9, 0.86 * len(rows)), layout="constrained")
    for (name, pixels, inputs), axes in zip(rows, figure.subplots(len(rows), 10), strict=True):
        shape = (1, -1, 1, 1)
        mean, std = (torch.as_tensor(values).view(shape) for values in (inputs.mean, inputs.std))
        for cell, image in zip(axes, (pixels * std + mean).clamp(0, 1), strict=False):
            cell.imshow(image.permute(1, 2, 0).squeeze(2), cmap="gray", vmin=0, vmax=1)
        for cell in axes:
            cell.set_axis_off()
        axes[0].set_axis_on()
        axes[0].set(xticks=[], yticks=[])
        axes[0].set_ylabel(
            name.replace(", ", "\n").replace(" at ", "\nat "), rotation=0, ha="right", va="center", fontsize=9
        )
    save(figure, "images")


# Jets


def jet_rows() -> Iterator[tuple[str, Any]]:
    """Yield a title and jets of each generator of jets."""
    for name, stops in (("noise", ()), ("mlp", (40,)), ("shower", (40,))):
        if not stops:
            card = CATALOG.card(CATALOG.presets["jets-embedded"])
            torch.manual_seed(SEED)
            yield name, draw(CATALOG.generators[name].build(card.inputs), 16).view
            continue
        for iteration, generator, *_ in game("jets-embedded", name, stops):
            yield title(name, iteration), draw(generator, 16).view


def jets() -> None:
    """Draw a row of pseudo-jets of each generator."""
    rows = list(jet_rows())
    figure = Figure(figsize=(9, 2.15 * len(rows) + 0.4), layout="constrained")
    grid = figure.subplots(len(rows), 4, sharex=True, sharey=True)
    for (name, drawn), axes in zip(rows, grid, strict=True):
        for i, cell in enumerate(axes):
            draw_jet(cell, drawn, i)
        axes[0].set_ylabel(name.replace(", and", ",\nand") + "\nΔφ", fontsize=8)
    for cell in grid[-1]:
        cell.set_xlabel("Δη", fontsize=8)
    _legend(figure, grid[0][0])
    save(figure, "jets")


def _legend(figure: Figure, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    legend = figure.legend(
        handles, labels, loc="outside lower center", ncols=len(PARTICLE_COLOURS), fontsize=8, frameon=False
    )
    for handle in legend.legend_handles:
        handle.set_sizes([20])


def moved() -> None:
    """Draw jets without and with the adversary's shift of z: the same process, the same random numbers."""
    *_, (_, generator, *_) = game("jets-embedded", "shower", (60,))
    pairs = list(islice(_pairs(generator), 4))
    figure = Figure(figsize=(9, 5), layout="constrained")
    grid = figure.subplots(2, 4, sharex=True, sharey=True)
    for name, place, axes in (("before", 0, grid[0]), ("after", 1, grid[1])):
        for cell, pair in zip(axes, pairs, strict=True):
            draw_jet(cell, pair[place], 0)
        axes[0].set_ylabel(f"{name}\nΔφ", fontsize=8)
    for cell in grid[-1]:
        cell.set_xlabel("Δη", fontsize=8)
    _legend(figure, grid[0][0])
    save(figure, "moved")


@torch.no_grad()
def _pairs(generator: Any) -> Iterator[tuple[Any, Any]]:
    """Yield a jet without and with the adversary's shift, one after another, where both lie in the domain."""
    for seed in range(1000):
        rng = torch.Generator().manual_seed(seed)
        z = torch.randn(1, generator.latent_size, generator=rng)
        process = torch.multinomial(generator.mix.prior, 1, replacement=True, generator=rng)
        pair = [
            generator.jets(numbers, process, torch.Generator().manual_seed(seed))[0]
            for numbers in (z, z + generator.adversary(z, process))
        ]
        if all(len(jets) for jets in pair):
            yield pair[0], pair[1]


# Vectors and the plane


def play_in_plane(
    generator: Generator, teacher: nn.Module, stops: Sequence[int]
) -> Iterator[tuple[int, nn.Module, Tensor]]:
    """Play the game of mode toy with a generator; yield iteration, student and pseudo-points at each stop."""
    config = ZSKT.Config(
        iterations=max(stops),
        batch_size=toy.N_POINTS,
        student_steps=10,
        reuse_generator_batch=False,
        replay_fraction=0.0,
        student_lr=toy.STUDENT_LR,
        generator_lr=toy.POINTS_LR if isinstance(generator, toy.LearnedPoints) else 1e-2,
        max_grad_norm=0.0,
    )
    pair = Pair(teacher, toy.network())
    method = ZSKT(config, Setup(pair=pair, generator=generator, seed=SEED))
    yield 0, pair.student, draw(generator, toy.N_POINTS).x[0]
    for _ in iterate(method):
        if method.state.step in stops:
            yield method.state.step, pair.student, draw(generator, toy.N_POINTS).x[0]


@torch.no_grad()
def _plane(axes: Any, network: nn.Module, points: Tensor | None, title: str) -> None:
    """Draw the classes of a network in the plane, and points."""
    n, side = toy.GRID_POINTS, toy.HALF_SIDE
    classes = network(toy.grid()).argmax(1).view(n, n)
    axes.clear()
    axes.imshow(classes, origin="lower", extent=(-side, side, -side, side), cmap=COLOURS, alpha=0.45, vmin=0, vmax=2)
    if points is not None:
        axes.scatter(points[:, 0], points[:, 1], c="k", s=14)
    axes.set(xticks=[], yticks=[], xlim=(-side, side), ylim=(-side, side))
    axes.set_title(title, fontsize=9)


def plane() -> None:
    """Animate the game in the plane: the student's classes follow the teacher's where pseudo-points go."""
    rng = torch.Generator().manual_seed(SEED)
    torch.manual_seed(SEED)
    teacher, _ = toy.train_teacher(rng)
    figure = Figure(figsize=(6, 3.2))
    room = {"left": 0.01, "right": 0.99, "bottom": 0.01, "top": 0.91, "wspace": 0.03}
    left, right = figure.subplots(1, 2, gridspec_kw=room)
    _plane(left, teacher, None, "teacher")
    x, labels = toy.blobs(300, rng)
    left.scatter(x[:, 0], x[:, 1], c=labels, s=5, cmap=COLOURS, vmin=0, vmax=2, edgecolors="none")
    stops = (*range(1, 21), *range(22, 41, 2), *range(45, 101, 5), 150, 200, 300)
    frames = play_in_plane(toy.LearnedPoints(rng), teacher, stops)

    def step(frame: tuple[int, nn.Module, Tensor]) -> None:
        iteration, student, points = frame
        _plane(right, student, points, f"student and pseudo-points, iteration {iteration}")

    path = OUT / "plane.gif"
    animation = FuncAnimation(
        figure, step, lambda: frames, init_func=lambda: None, save_count=len(stops) + 1, cache_frame_data=False
    )
    animation.save(path, PillowWriter(fps=5), dpi=80)
    print(path.relative_to(ROOT), path.stat().st_size)


def vectors() -> None:
    """Draw what generators of vectors draw between two bounds, and where the adversary moves it."""
    rng = torch.Generator().manual_seed(SEED)
    torch.manual_seed(SEED)
    teacher, _ = toy.train_teacher(rng)
    inputs = VectorInputs.from_bounds([-toy.HALF_SIDE] * 2, [toy.HALF_SIDE] * 2)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    generator = CATALOG.generators["tabular"].build(inputs)
    for cell, (iteration, student, _) in zip(axes, play_in_plane(generator, teacher, (5, 100)), strict=True):
        _plane(cell, student, draw(generator, 200).x[0], title("tabular", iteration))
    save(figure, "vectors")


PICTURES = {"plane": plane, "images": images, "jets": jets, "moved": moved, "vectors": vectors}


def main() -> None:
    """Make the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help=f"some of {', '.join(PICTURES)}; all without")
    names = parser.parse_args().pictures or list(PICTURES)
    unknown = sorted(set(names) - set(PICTURES))
    if unknown:
        parser.error(f"unknown picture {unknown[0]}: choose one of {', '.join(PICTURES)}")
    OUT.mkdir(exist_ok=True)
    for name in names:
        PICTURES[name]()


if __name__ == "__main__":
    main()
