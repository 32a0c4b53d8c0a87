"""Points of a projector at the end of a run: where the student puts pseudo-samples, beside test samples.

The student is asked, not the teacher: a teacher that answers for money is asked about nothing here.

Shapes: N points, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.dataset import drawn_rows
from zskt.device import to_device
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.loggers.logger import Projection
from zskt.experiments.pseudo_pictures import PseudoPictures
from zskt.experiments.run_folder import RunFolder
from zskt.forward import evaluating, split_heads
from zskt.terminal import printable

POINTS = 256
"""Pseudo-samples, and as many test samples."""
HEADS = ("sample", "class of the student", "label")


@torch.no_grad()
def show_projection(
    folder: RunFolder, pictures: PseudoPictures, student: nn.Module, evaluator: Evaluator, step: int
) -> None:
    """Show loggers the student's log-probabilities of pseudo-samples and of test samples, N points of K numbers."""
    classes = evaluator.card.classes
    if not classes:
        return
    points = _log_probabilities(student, pictures.sample(POINTS).x)
    rows = [("pseudo", _name(classes, top), "") for top in _tops(points)]
    if evaluator.missing is None:
        data = evaluator.data
        shown = data[drawn_rows(len(data), POINTS)]
        x = tuple(to_device(t, evaluator.device) for t in evaluator.card.inputs(shown.samples))
        others = _log_probabilities(student, x)
        tops = zip(_tops(others), shown.labels.tolist(), strict=True)
        rows += [("test", _name(classes, top), _name(classes, label)) for top, label in tops]
        points = torch.cat([points, others])
    folder.projection("pseudo-samples", Projection(points, HEADS, rows), step)


def _log_probabilities(student: nn.Module, x: Batch) -> Tensor:
    """Return what the student thinks of a batch: (N, K); of L independent labels the logarithm of each, (N, L)."""
    with evaluating(student):
        logits, _ = split_heads(student, student(*x).float().cpu())
    log_p = logits.log_softmax(-1)
    return log_p if log_p.dim() == 2 else log_p[..., 0]


def _tops(points: Tensor) -> list[int]:
    return [int(top) for top in points.argmax(1)]


def _name(classes: tuple[str, ...], number: int) -> str:
    return printable(classes[number]) if 0 <= number < len(classes) else "none"
