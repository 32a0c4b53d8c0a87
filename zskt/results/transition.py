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

from zskt.dataset import drawn_rows
from zskt.errors import UserError
from zskt.experiments.build import choose_device
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import FinishedRun, open_run, read_config
from zskt.experiments.result import upgrade
from zskt.results.figures import transition_picture
from zskt.storage.files import read_json, write_json

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
    catalog: Catalog,
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
        count: number of test images to start from, drawn of those on which teacher and student agree.
        progress: whether to draw bars.

    Raises:
        UserError: if a run is not of images or has no teacher, or teacher and student agree on fewer images.
    """
    if len({run.resolve() for run in runs}) < len(runs):
        raise UserError(f"--against {runs[-1]}: is the run itself; give another")
    opened = [_open(run, catalog, data, teacher_path, choose_device(device)) for run in runs]
    starts = [_agreed_images(run, count) for run in opened]
    results = []
    for run, (x, classes) in zip(opened, starts, strict=True):
        student, teacher = run.student, run.evaluator.teacher
        assert teacher is not None
        result: dict[str, Any] = {"run": run.folder.name, "count": count, "steps": N_STEPS, "size": STEP_SIZE}
        result |= run.evaluator.evaluate(student, run.config.teacher, run.config.student)
        path = run.folder / f"transition-{run.evaluator.source.stem}.json"
        if path.exists() and upgrade(read_json(path))["count"] > count:
            raise UserError(f"{path}: holds curves of more images; keep them, or remove the file first")
        for key, pair in (("on_student", (student, teacher)), ("on_teacher", (teacher, student))):
            result[key] = transition(*pair, x, classes, progress=progress).to_dict()
        write_json(path, result)
        results.append((run.folder, result))
    against = f"-against-{runs[1].resolve().name}" if len(runs) > 1 else ""
    picture = runs[0] / f"transition-{opened[0].evaluator.source.stem}{against}.png"
    transition_picture([result for _, result in results]).savefig(picture, dpi=120)
    return results, picture


def _open(
    folder: Path, catalog: Catalog, data: Path | None, teacher_path: Path | None, device: torch.device
) -> FinishedRun:
    """Open a run of a student of images, its teacher at hand."""
    config, _ = read_config(folder)
    card = catalog.with_run(folder).card(config)
    if card.domain != "images":
        raise UserError(
            f"{folder}: its teacher takes {card.domain}; transition curves walk over pixels: name another run"
        )
    if card.bernoulli:
        raise UserError(
            f"{folder}: its teacher has independent labels; transition curves walk from one class to another: name "
            "another run"
        )
    if config.mode == "teacher":
        raise UserError(f"--run {folder}: trained a teacher; give the run of a student")
    return open_run(folder, catalog, data=data, teacher_path=teacher_path, device=device, requires_teacher=True)


def _agreed_images(run: FinishedRun, count: int) -> tuple[Tensor, Tensor]:
    """Draw images on which both networks agree, normalised, and their top classes."""
    evaluator = run.evaluator
    predictions = evaluator.teacher_predictions()
    assert predictions is not None
    classes = predictions.logits.argmax(1)
    rows = (classes == evaluator.predict(run.student).logits.argmax(1)).nonzero().squeeze(1)
    if not 1 <= count <= len(rows):
        remedy = f"ask for 1 to {len(rows)}" if len(rows) else "train the student longer"
        raise UserError(f"--images {count}: teacher and student agree on {len(rows)} of them; {remedy}")
    rows = rows[drawn_rows(len(rows), count)]
    (x,) = run.card.inputs(evaluator.data.samples[rows])
    return x.to(evaluator.device), classes[rows].to(evaluator.device)
