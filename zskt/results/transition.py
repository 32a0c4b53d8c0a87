"""Mode ``transition``: transition curves and the mean transition error, how alike two networks are between classes.

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
from zskt.experiments.result import upgrade
from zskt.experiments.runner import choose_device, teacher_of
from zskt.files import read_json, write_json
from zskt.results.figures import transition_picture

N_STEPS, STEP_SIZE = 100, 1.0
"""K of the paper, and the size of a step in the space of normalised pixels."""
WALKS_AT_ONCE = 512
"""Pairs of image and target class in one forward pass."""


@dataclass(frozen=True)
class Transition:
    """Transition curves, means over images and target classes."""

    stepped: Tensor
    """(S,), p_j of the network whose gradient is followed."""
    watching: Tensor
    """(S,), p_j of the other network."""
    error: float
    """The mean transition error: mean of |p_j(stepped) - p_j(watching)|, over steps too."""

    def to_dict(self) -> dict[str, Any]:
        """Return what ``transition-*.json`` holds of one direction."""
        return {"stepped": self.stepped.tolist(), "watching": self.watching.tolist(), "mte": self.error}


def transition(
    stepped: nn.Module,
    watching: nn.Module,
    x: Tensor,
    classes: Tensor,
    *,
    steps: int = N_STEPS,
    size: float = STEP_SIZE,
    progress: bool = False,
) -> Transition:
    """Step from every image towards every other class, and record p_j of both networks.

    Args:
        stepped: network whose gradient is followed.
        watching: network that only sees the images.
        x: (B, C, H, W), normalised.
        classes: (B,), the top class of both networks.
        steps, size: S, and the factor of the gradient in each.
        progress: whether to draw a bar.
    """
    k = int(stepped(x[:1]).shape[1])
    targets = (classes.unsqueeze(1) + torch.arange(1, k, device=x.device)) % k  # (B, K - 1)
    owners, targets = torch.arange(len(x), device=x.device).repeat_interleave(k - 1), targets.flatten()
    curves, error = torch.zeros(2, steps, dtype=torch.float64), 0.0
    for begin in trange(0, len(owners), WALKS_AT_ONCE, disable=not progress, desc="transition", unit="batch"):
        rows = slice(begin, begin + WALKS_AT_ONCE)
        images, target = x[owners[rows]], targets[rows]
        for i in range(steps):
            p, gradient = _probability_and_gradient(stepped, images, target)
            with torch.no_grad():
                q = watching(images).softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
            curves[0, i] += float(p.double().sum())
            curves[1, i] += float(q.double().sum())
            error += float((p - q).abs().double().sum())
            images = images - size * gradient
    n = len(owners)
    return Transition(curves[0] / n, curves[1] / n, error / (n * steps))


def _probability_and_gradient(network: nn.Module, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return p_j (B,), and the gradient by x of the cross-entropy of each image's own target."""
    x = x.detach().requires_grad_()
    log_p = network(x).log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
    (gradient,) = torch.autograd.grad(-log_p.sum(), x)
    return log_p.detach().exp(), gradient


def transition_runs(
    runs: Sequence[Path],
    data: Path | None,
    teacher_path: Path | None,
    device: str,
    count: int = 1000,
    progress: bool = True,
) -> tuple[list[tuple[Path, dict[str, Any]]], Path]:
    """Write ``transition-<data>.json`` into each run folder, and a picture of all into the first.

    Args:
        runs: folders of finished runs.
        data, teacher_path: as in mode ``evaluate``.
        count: number of test images to start from, the first ones on which teacher and student agree.
        progress: whether to draw bars.

    Raises:
        UserError: if a run is not of images or has no teacher, or teacher and student agree on fewer images.
    """
    if len({run.resolve() for run in runs}) < len(runs):
        raise UserError(f"--against {runs[-1]}: is the run itself; give another")
    pairs = [_open(run, data, teacher_path, choose_device(device)) for run in runs]
    starts = [_agreed_images(evaluator, student, count) for evaluator, student, _ in pairs]
    results = []
    for run, (evaluator, student, config), (x, classes) in zip(runs, pairs, starts, strict=True):
        assert evaluator.teacher is not None
        result: dict[str, Any] = {"run": run.name, "count": count, "steps": N_STEPS, "size": STEP_SIZE}
        result = upgrade(result | evaluator.verdict(config, student, config.student))
        path = run / f"transition-{evaluator.source.stem}.json"
        if path.exists() and upgrade(read_json(path))["count"] > count:
            raise UserError(f"{path}: holds curves of more images; keep them, or remove the file first")
        for key, pair in (("on_student", (student, evaluator.teacher)), ("on_teacher", (evaluator.teacher, student))):
            result[key] = transition(*pair, x, classes, progress=progress).to_dict()
        write_json(path, result)
        results.append((run, result))
    against = f"-against-{runs[1].resolve().name}" if len(runs) > 1 else ""
    picture = runs[0] / f"transition-{pairs[0][0].source.stem}{against}.png"
    transition_picture([result for _, result in results]).savefig(picture, dpi=120)
    return results, picture


def _open(
    run: Path, data: Path | None, teacher_path: Path | None, device: torch.device
) -> tuple[Evaluator, nn.Module, Config]:
    """Return who evaluates a run, its student and its configuration."""
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


def _agreed_images(evaluator: Evaluator, student: nn.Module, count: int) -> tuple[Tensor, Tensor]:
    """Return the first images on which both networks agree, normalised, and their top classes."""
    predictions = evaluator.teacher_says()
    assert predictions is not None
    classes = predictions.logits.argmax(1)
    rows = (classes == evaluator.says(student).logits.argmax(1)).nonzero().squeeze(1)
    if not 1 <= count <= len(rows):
        remedy = f"ask for 1 to {len(rows)}" if len(rows) else "train the student longer"
        raise UserError(f"--images {count}: teacher and student agree on {len(rows)} of them; {remedy}")
    (x,) = evaluator.card.inputs(evaluator.data.samples[rows[:count]])
    return x.to(evaluator.device), classes[rows[:count]].to(evaluator.device)
