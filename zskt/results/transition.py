"""Transition curves and the mean transition error: how alike two networks are between classes, not only at them.

P. Micaelli and A. Storkey, arXiv:1905.09768: from an image on which both agree, take plain
gradient steps on one network's cross-entropy towards another class j, and watch p_j of both.

Shapes: B images, K classes, S steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import trange

from zskt.errors import UserError
from zskt.experiments.build import card_of, load_student
from zskt.experiments.config import Config
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.finished import evaluation_source
from zskt.experiments.runner import choose_device, teacher_of
from zskt.files import read_json, write_json
from zskt.results.figures import transition_picture

STEPS, SIZE = 100, 1.0
"""K of the paper, and the step's size in the space of normalised pixels."""
BATCH = 512


@dataclass(frozen=True)
class Transition:
    """Means over images and target classes."""

    stepped: Tensor
    """(S,), p_j of the network whose gradient is followed."""
    watching: Tensor
    """(S,), p_j of the other."""
    error: float
    """The mean transition error: mean over steps too of |p_j(stepped) - p_j(watching)|."""

    def to_dict(self) -> dict[str, Any]:
        return {"stepped": self.stepped.tolist(), "watching": self.watching.tolist(), "mte": self.error}


def transition(
    stepped: nn.Module, watching: nn.Module, x: Tensor, classes: Tensor, *, steps: int = STEPS, size: float = SIZE,
    progress: bool = False,
) -> Transition:  # fmt: skip
    """Walk from every image to every other class.

    Args:
        x: (B, C, H, W), normalised.
        classes: (B,), what both networks take the images for.
        steps, size: S, and by how much of its gradient an image moves in each.
        progress: whether to draw a bar.
    """
    k = int(stepped(x[:1]).shape[1])
    targets = (classes.unsqueeze(1) + torch.arange(1, k, device=x.device)) % k  # (B, K - 1)
    owners, targets = torch.arange(len(x), device=x.device).repeat_interleave(k - 1), targets.flatten()
    curves, error = torch.zeros(2, steps, dtype=torch.float64), 0.0
    for begin in trange(0, len(owners), BATCH, disable=not progress, desc="transition", unit="batch"):
        place, target = x[owners[begin : begin + BATCH]], targets[begin : begin + BATCH]
        for i in range(steps):
            p, gradient = _towards(stepped, place, target)
            with torch.no_grad():
                q = watching(place).softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
            curves[0, i] += float(p.double().sum())
            curves[1, i] += float(q.double().sum())
            error += float((p - q).abs().double().sum())
            place = place - size * gradient
    n = len(owners)
    return Transition(curves[0] / n, curves[1] / n, error / (n * steps))


def _towards(network: nn.Module, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """p_j (B,), and the gradient of the cross-entropy of each image's own target."""
    x = x.detach().requires_grad_()
    log_p = network(x).log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
    (gradient,) = torch.autograd.grad(-log_p.sum(), x)
    return log_p.detach().exp(), gradient


def transition_runs(
    runs: Sequence[Path],
    data: Path | None,
    teacher_path: Path | None,
    device: str,
    images: int = 1000,
    progress: bool = True,
) -> tuple[list[tuple[Path, dict[str, Any]]], Path]:
    """Write ``transition-<data>.json`` into each run folder, and a picture of all into the first.

    Args:
        images: how many test images to walk from, the first ones on which teacher and student agree.
        progress: whether to draw bars.

    Raises:
        UserError: if a run is not of images or has no teacher, or they agree on fewer.
    """
    if len({run.resolve() for run in runs}) < len(runs):
        raise UserError(f"--against {runs[-1]}: is the run itself; give another")
    players = [_players(run, data, teacher_path, choose_device(device)) for run in runs]
    starts = [_agreed(judge, student, images) for judge, student, _ in players]
    found = []
    for run, (judge, student, config), (x, classes) in zip(runs, players, starts, strict=True):
        assert judge.teacher is not None
        result = {"run": run.name, "images": images, "steps": STEPS, "size": SIZE}
        result |= judge.verdict(config, student, config.student)
        path = run / f"transition-{judge.source.stem}.json"
        if path.exists() and read_json(path)["images"] > images:
            raise UserError(f"{path}: holds curves of more images; keep them, or remove the file first")
        for key, pair in (("on_student", (student, judge.teacher)), ("on_teacher", (judge.teacher, student))):
            result[key] = transition(*pair, x, classes, progress=progress).to_dict()
        write_json(path, result)
        found.append((run, result))
    against = f"-against-{runs[1].resolve().name}" if len(runs) > 1 else ""
    picture = runs[0] / f"transition-{players[0][0].source.stem}{against}.png"
    transition_picture([result for _, result in found]).savefig(picture, dpi=120)
    return found, picture


def _players(
    run: Path, data: Path | None, teacher_path: Path | None, device: torch.device
) -> tuple[Evaluator, nn.Module, Config]:
    recorded = read_json(run / "config.json")
    files = recorded.pop("files", {})
    config = Config.from_dict(recorded, str(run / "config.json"))
    card = card_of(config)
    if card.domain != "images":
        raise UserError(f"{run}: its teacher takes {card.domain}; transition curves walk over pixels: name another run")
    if config.mode == "teacher":
        raise UserError(f"--run {run}: trained a teacher; give the run of a student")
    student = load_student(run, config).to(device)
    teacher = teacher_of(config, files.get("teacher", {}), teacher_path).to(device)
    return Evaluator(evaluation_source(config, files.get("data", {}), data), card, teacher, device), student, config


def _agreed(judge: Evaluator, student: nn.Module, images: int) -> tuple[Tensor, Tensor]:
    """The first images on which both agree, normalised, and what they take them for."""
    said = judge.teacher_says()
    assert said is not None
    classes = said.logits.argmax(1)
    rows = (classes == judge.says(student).logits.argmax(1)).nonzero().squeeze(1)
    if not 1 <= images <= len(rows):
        remedy = f"ask for 1 to {len(rows)}" if len(rows) else "train the student longer"
        raise UserError(f"--images {images}: teacher and student agree on {len(rows)} of them; {remedy}")
    (x,) = judge.card.inputs(judge.data.samples[rows[:images]])
    return x.to(judge.device), classes[rows[:images]].to(judge.device)
