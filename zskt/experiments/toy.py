"""Mode ``toy``: adversarial belief matching in the plane, where decision boundaries can be seen.

P. Micaelli and A. Storkey, arXiv:1905.09768, section 4.1: three classes of two Gaussian blobs each, networks
2-100-500-3, and instead of a generator fifty pseudo-points that are learned themselves.

Shapes: B points in the plane, K classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from zskt.experiments.run_folder import environment
from zskt.files import write_json
from zskt.forward import Output
from zskt.losses import divergence, generator_loss, step, student_loss
from zskt.optim import cosine

K, POINTS, SQUARE = 3, 50, 4.0
"""Classes; pseudo-points; half the side of the square that they live in and that boundaries are compared on."""
SPREAD = 0.56
"""Standard deviation of a blob; neighbours overlap so that the best network reaches the paper's 96.8 %."""
POINTS_LR, STUDENT_LR = 1e-1, 2e-3
GRID, EVERY = 201, 10
"""Points a side of the grid on which teacher and student are compared, and turns from one comparison to the next."""


def network() -> nn.Module:
    """2-100-500-3."""
    return nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 500), nn.ReLU(), nn.Linear(500, K))


def blobs(n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """``n`` points of six blobs on a hexagon, opposite ones of one class: (n, 2), (n,)."""
    blob = torch.randint(2 * K, (n,), generator=rng)
    angle = blob * math.pi / K
    centre = 2.4 * torch.stack([angle.cos(), angle.sin()], 1)
    return centre + SPREAD * torch.randn(n, 2, generator=rng), blob % K


class Points(nn.Module):
    """The pseudo-points themselves as parameters, kept within the square."""

    def __init__(self, rng: torch.Generator) -> None:
        super().__init__()
        self.free = nn.Parameter(torch.randn(POINTS, 2, generator=rng))

    def forward(self) -> Tensor:
        """(B, 2)"""
        return SQUARE * torch.tanh(self.free)


def train_teacher(rng: torch.Generator, steps: int = 1000) -> tuple[nn.Module, float]:
    """A network trained on blobs, frozen, and its accuracy on others."""
    teacher = network()
    optimizer = torch.optim.Adam(teacher.parameters(), 1e-3)
    for _ in range(steps):
        x, labels = blobs(256, rng)
        step(nn.functional.cross_entropy(teacher(x), labels), optimizer)
    teacher.requires_grad_(False)
    x, labels = blobs(20_000, rng)
    return teacher, float((teacher(x).argmax(1) == labels).float().mean())


def square() -> Tensor:
    """A fine grid of the square, (GRID^2, 2)."""
    line = torch.linspace(-SQUARE, SQUARE, GRID)
    return torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).view(-1, 2)


@dataclass(frozen=True)
class Match:
    """What is left of the game, for the pictures."""

    student: nn.Module
    points: Tensor
    """(B, 2), where the pseudo-points ended."""
    agreements: list[float]
    """On the grid, at the beginning, every `EVERY` turns, and at the end."""
    turns: int


def match(teacher: nn.Module, rng: torch.Generator, turns: int, student_steps: int = 10) -> Match:
    """Algorithm 1 with learned points for a generator."""
    points, student, grid = Points(rng), network(), square()
    moves = torch.optim.Adam(points.parameters(), POINTS_LR)
    learns = torch.optim.Adam(student.parameters(), STUDENT_LR)
    agreements = [agreement(teacher, student, grid)]
    for turn in range(turns):
        fall = cosine(turn, turns)
        moves.param_groups[0]["lr"], learns.param_groups[0]["lr"] = POINTS_LR * fall, STUDENT_LR * fall
        x = points()
        step(generator_loss(divergence(teacher(x), student(x))), moves)
        x = points().detach()
        answer = Output(teacher(x))
        for _ in range(student_steps):
            step(student_loss(answer, Output(student(x))), learns)
        if (turn + 1) % EVERY == 0 and turn + 1 < turns:
            agreements.append(agreement(teacher, student, grid))
    agreements.append(agreement(teacher, student, grid))
    return Match(student, points().detach(), agreements, turns)


@torch.no_grad()
def agreement(teacher: nn.Module, student: nn.Module, x: Tensor) -> float:
    """Share of the points on which both have the same top class."""
    return float((teacher(x).argmax(1) == student(x).argmax(1)).double().mean())


def picture(teacher: nn.Module, found: Match, rng: torch.Generator) -> Figure:
    """Teacher and data, student and pseudo-points, and how the agreement rose."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    x, labels = blobs(400, rng)
    _boundary(left, teacher)
    left.scatter(x[:, 0], x[:, 1], c=labels, s=5, cmap="brg", alpha=0.7)
    left.set_title("teacher, and the data that it saw", fontsize=9)
    _boundary(middle, found.student)
    middle.scatter(found.points[:, 0], found.points[:, 1], c="k", s=12)
    middle.set_title(f"student, and the last {POINTS} pseudo-points", fontsize=9)
    right.plot([*(EVERY * i for i in range(len(found.agreements) - 1)), found.turns], found.agreements)
    right.set(xlabel="turn", ylabel="agreement on the square", ylim=(0, 1.02))
    return figure


@torch.no_grad()
def _boundary(axes: Axes, net: nn.Module) -> None:
    classes = net(square()).argmax(1).view(GRID, GRID)
    side = (-SQUARE, SQUARE, -SQUARE, SQUARE)
    axes.imshow(classes, origin="lower", extent=side, cmap="brg", alpha=0.25, vmin=0, vmax=K - 1)
    axes.set(xticks=[], yticks=[], xlim=side[:2], ylim=side[2:])


def run(folder: Path, seed: int, turns: int) -> dict[str, Any]:
    """The experiment: leaves ``result.json``, ``environment.json`` and ``toy.png`` in the folder, which must be new."""
    folder.mkdir(parents=True)
    rng = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    teacher, accuracy = train_teacher(rng)
    found = match(teacher, rng, turns)
    result = {
        "preset": "toy",
        "mode": "toy",
        "seed": seed,
        "pseudo_batches": turns,
        "teacher": {"accuracy": accuracy},
        "student": {"agreement": found.agreements[-1]},
        "agreements": found.agreements,
    }
    picture(teacher, found, rng).savefig(folder / "toy.png", dpi=120)
    write_json(folder / "environment.json", environment(torch.device("cpu")))
    write_json(folder / "result.json", result)
    return result
