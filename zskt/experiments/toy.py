"""Mode ``toy``: adversarial belief matching in the plane, where decision boundaries can be seen.

P. Micaelli and A. Storkey, arXiv:1905.09768, section 4.1: three classes of two Gaussian blobs each, networks
2-100-500-3, and instead of a generator fifty pseudo-points that are learned themselves. The algorithm is that of
`zskt.methods.zskt`, the very same loop.

Shapes: B points in the plane, K classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.experiments.result import SCHEMA
from zskt.experiments.run_folder import environment
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.methods import Setup, iterate
from zskt.methods.zskt import ZSKT
from zskt.metrics import agreement
from zskt.optim import step
from zskt.plots.palette import BLUE, GREEN, ORANGE, ROLE_COLOURS
from zskt.storage.files import write_json
from zskt.storage.run_files import RESULT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_CLASSES, N_POINTS = 3, 50
HALF_SIDE = 4.0
"""Half the side of the square that pseudo-points live in and that boundaries are compared on."""
BLOB_SPREAD = 0.56
"""Standard deviation of a blob; neighbours overlap so that the best network reaches the paper's 96.8 %."""
POINTS_LR, STUDENT_LR = 1e-1, 2e-3
GRID_POINTS = 201
"""Points a side of the grid on which teacher and student are compared."""
CLASS_COLOURS = (BLUE, ORANGE, GREEN)
REGION_ALPHA = 0.3
COMPARE_EVERY = 10
"""Iterations from one comparison to the next."""


def network() -> nn.Module:
    """Build a network 2-100-500-3."""
    return nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 500), nn.ReLU(), nn.Linear(500, N_CLASSES))


def blobs(n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw ``n`` points of six blobs on a hexagon, opposite ones of one class: (n, 2), (n,)."""
    blob = torch.randint(2 * N_CLASSES, (n,), generator=rng)
    angle = blob * math.pi / N_CLASSES
    centre = 2.4 * torch.stack([angle.cos(), angle.sin()], 1)
    return centre + BLOB_SPREAD * torch.randn(n, 2, generator=rng), blob % N_CLASSES


class LearnedPoints(Generator):
    """The pseudo-points themselves as parameters, kept within the square; z is not looked at."""

    def __init__(self, rng: torch.Generator) -> None:
        super().__init__()
        self.free = nn.Parameter(torch.randn(N_POINTS, 2, generator=rng))

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Return all points, (B, 2)."""
        return PseudoBatch((HALF_SIDE * torch.tanh(self.free),))


def train_teacher(rng: torch.Generator, steps: int = 1000) -> tuple[nn.Module, float]:
    """Train a network on blobs: frozen, and its accuracy on other points."""
    teacher = network()
    optimizer = torch.optim.Adam(teacher.parameters(), 1e-3)
    for _ in range(steps):
        x, labels = blobs(256, rng)
        step(nn.functional.cross_entropy(teacher(x), labels), optimizer)
    teacher.requires_grad_(False)
    x, labels = blobs(20_000, rng)
    return teacher, float((teacher(x).argmax(1) == labels).float().mean())


def grid() -> Tensor:
    """Return a fine grid of the square, (GRID_POINTS^2, 2)."""
    line = torch.linspace(-HALF_SIDE, HALF_SIDE, GRID_POINTS)
    return torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).view(-1, 2)


@dataclass(frozen=True)
class Match:
    """What belief matching left, for the pictures."""

    student: nn.Module
    points: Tensor
    """(B, 2), where the pseudo-points ended."""
    agreements: list[float]
    """On the grid, at the beginning, every `COMPARE_EVERY` iterations, and at the end."""
    iterations: int


@torch.no_grad()
def grid_agreement(teacher: nn.Module, student: nn.Module) -> float:
    """Return the share of the square on which both networks have the same top class."""
    x = grid()
    return agreement(teacher(x), student(x))


def match(teacher: nn.Module, seed: int, rng: torch.Generator, iterations: int) -> Match:
    """Play Algorithm 1 with learned points instead of a generator."""
    config = ZSKT.Config(
        iterations=iterations,
        batch_size=N_POINTS,
        student_steps=10,
        reuse_generator_batch=False,
        replay_fraction=0.0,
        student_lr=STUDENT_LR,
        generator_lr=POINTS_LR,
        max_grad_norm=0.0,
    )
    points, pair = LearnedPoints(rng), Pair(teacher, network())
    method = ZSKT(config, Setup(pair=pair, generator=points, seed=seed))
    agreements = [grid_agreement(teacher, pair.student)]
    for _ in iterate(method):
        if method.state.step % COMPARE_EVERY == 0 and method.state.step < iterations:
            agreements.append(grid_agreement(teacher, pair.student))
    agreements.append(grid_agreement(teacher, pair.student))
    with torch.no_grad():
        (x,) = points.sample(N_POINTS, rng).x
    return Match(pair.student, x, agreements, iterations)


def picture(teacher: nn.Module, matched: Match, rng: torch.Generator) -> Figure:
    """Draw teacher and data, student and pseudo-points, and how the agreement rose."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(11, 3.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    x, labels = blobs(400, rng)
    _boundary(left, teacher)
    for k, colour in enumerate(CLASS_COLOURS):
        left.scatter(*x[labels == k].T, color=colour, s=6, label=f"class {k + 1}")
    left.set_title("teacher, and the data that it saw", fontsize=9)
    _boundary(middle, matched.student)
    middle.scatter(*matched.points.T, c="k", marker="x", s=14, linewidths=0.9, label="pseudo-points")
    middle.set_title(f"student, and the last {N_POINTS} pseudo-points", fontsize=9)
    compared = [*(COMPARE_EVERY * i for i in range(len(matched.agreements) - 1)), matched.iterations]
    right.plot(compared, matched.agreements, color=ROLE_COLOURS["student"], label="student with teacher")
    right.set(xlabel="iteration", ylabel="agreement on the square", ylim=(0, 1.02))
    right.set_title("agreement during the game", fontsize=9)
    right.grid(alpha=0.25, linewidth=0.6)
    handles, names = (a + b for a, b in zip(*(x.get_legend_handles_labels() for x in (left, middle)), strict=True))
    handles += [Patch(color=colour, alpha=REGION_ALPHA) for colour in CLASS_COLOURS]
    names += [f"decided for class {k + 1}" for k in range(N_CLASSES)]
    figure.legend(handles, names, loc="outside lower left", ncols=len(names), fontsize=8, frameon=False)
    right.legend(loc="lower right", fontsize=8, frameon=False)
    return figure


@torch.no_grad()
def _boundary(axes: Axes, net: nn.Module) -> None:
    from matplotlib.colors import ListedColormap

    classes = net(grid()).argmax(1).view(GRID_POINTS, GRID_POINTS)
    side = (-HALF_SIDE, HALF_SIDE, -HALF_SIDE, HALF_SIDE)
    colours = ListedColormap(CLASS_COLOURS)
    axes.imshow(classes, origin="lower", extent=side, cmap=colours, alpha=REGION_ALPHA, vmin=0, vmax=N_CLASSES - 1)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", xlim=side[:2], ylim=side[2:])


def run(folder: Path, seed: int, iterations: int) -> dict[str, Any]:
    """Run the experiment: leaves ``result.json``, ``environment.json`` and ``toy.png`` in a new folder."""
    folder.mkdir(parents=True)
    rng = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    teacher, accuracy = train_teacher(rng)
    matched = match(teacher, seed, rng, iterations)
    result = {
        "schema": SCHEMA,
        "preset": "toy",
        "mode": "toy",
        "method": "zskt",
        "seed": seed,
        "iterations": iterations,
        "teacher": {"accuracy": accuracy},
        "student": {"agreement": matched.agreements[-1]},
        "agreements": matched.agreements,
    }
    picture(teacher, matched, rng).savefig(folder / "toy.png", dpi=120)
    write_json(folder / "environment.json", environment(torch.device("cpu")))
    write_json(folder / RESULT, result)
    return result
