"""How `zskt.distill` and `zskt.evaluate` judge a student on samples in memory.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zskt.arguments import as_network
from zskt.call_checks import N_TRIED, does_not_run, require_classes, require_logits
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.errors import RankLost, UserError
from zskt.metrics import Predictions, compare, network_metrics, predict
from zskt.probabilities import AsLogits
from zskt.teacher_access import chosen_logits


def evaluated(student: nn.Module, teacher: nn.Module | None, data: Labelled, device: torch.device) -> dict[str, Any]:
    """Measure a student beside its teacher, which may be None; see `zskt.evaluate`.

    Raises:
        UserError: if a network does not run on the samples, or the two cannot be compared.
    """
    answers = predictions("student", as_network(student), data, device)
    labels = positions(data.labels, answers.logits)
    reference = None if teacher is None else predictions("teacher", teacher, data, device, answers.logits.shape[1])
    if reference is not None and reference.logits.shape != answers.logits.shape:
        shapes = [tuple(p.logits.shape[1:]) for p in (reference, answers)]
        raise UserError(
            f"the teacher answers {shapes[0]} numbers a sample, the student {shapes[1]}: they cannot be compared"
        )
    regressed = () if answers.values is None else tuple(map(str, range(answers.values.shape[1])))
    scores = network_metrics("student", None, answers, labels) | compare(reference, answers, regressed)
    names = ("agreement", "kl", "accuracy", "auc", "ece", *(["values"] if "values" in scores else []))
    return {name: scores[name] for name in names} | {"count": len(data)}


@contextmanager
def _answering_logits(role: str, network: nn.Module, classes: int) -> Iterator[None]:
    """Let a network answer logits meanwhile, as a method sees them, also where it answers probabilities or classes."""
    as_logits = AsLogits(network, role)

    def read(_network: nn.Module, x: tuple[Tensor, ...], answer: Any) -> Tensor:
        if classes and isinstance(answer, Tensor) and answer.dim() == 1 and not answer.is_floating_point():
            answer = chosen_logits(answer.long(), classes)
        return as_logits(require_logits(role, network, answer, len(x[0])))

    handle = network.register_forward_hook(read)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def predictions(role: str, network: nn.Module, data: Labelled, device: torch.device, classes: int = 0) -> Predictions:
    """Ask a network about all samples.

    Args:
        classes: K of the student, beside whose a teacher may answer classes (B,); 0 where that is no answer.

    Raises:
        UserError: if it does not run on them, or answers with NaN.
    """
    first = data[:N_TRIED].samples
    assert isinstance(first, TensorSamples)
    try:
        with _answering_logits(role, network, classes):
            answers = predict(network, data, TensorInputs(), device)
    except (UserError, RankLost):
        raise
    except Exception as error:  # networks raise whatever their operators do
        remedy = "give samples that it takes; labels are integers, (B,)"
        raise does_not_run(role, network, first.x, error, remedy) from error
    if broken := int(answers.logits.isnan().flatten(1).any(1).sum()):
        raise UserError(f"{role}: answers with NaN for {broken} of {len(data)} samples; leave these samples out")
    return answers


def positions(labels: Tensor, logits: Tensor) -> Tensor:
    """Return labels (B,) as metrics take them: of one label that is or is not, 1 is the one, and first in the logits.

    Raises:
        UserError: if a label is of no class.
    """
    is_one = logits.dim() > 2 and logits.shape[1] == 1
    require_classes(labels, 2 if is_one else logits.shape[1], has_none=logits.dim() > 2 and not is_one)
    return torch.where(labels >= 0, 1 - labels, labels) if is_one else labels
