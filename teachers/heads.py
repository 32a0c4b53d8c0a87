"""The heads of a network from a file: which of its outputs are classes, labels of their own, or regressed values.

Names and sizes tell. One score becomes two classes: a probability p, or a logit z = log p / (1 - p), is what a softmax
of (z, 0) gives, so that temperature, calibration and working points mean what they mean for classes. Several
probabilities that do not sum to one are Bernoulli variables. A value beside its width is a Gaussian.

Shapes: B jets, O outputs of the file, K classes, L independent labels, R regressed values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import HeadKind
from zskt.gaussian import GaussianHead, gaussian_heads
from zskt.jets.tagger_description import Description
from zskt.probabilities import are_probabilities, log_probabilities, rounding_step

CLASS_NAME = re.compile(r"^(label|prob|is)", re.IGNORECASE)
VALUE_NAME = re.compile(
    r"target|mass|corr|res(ol(ution)?)?(low|high)?$|scale$|regress|hidneuron|^ptnu$|ptreco|(^|_)(pt|eta|phi|energy)$",
    re.IGNORECASE,
)
DECORRELATED = re.compile(r"mass_?decorr(elated|elation)?|decorr(elated|elation)?", re.IGNORECASE)
"""Says of a class that it does not depend on the mass, not that it is one."""
SCORE_NAME = re.compile(
    r"^((?i:label|prob)|is(_|[A-Z]))|(?i:score|disc(r|$|_|\d)|tagger|logit|vs|classifier|(^|_)(tag|sig|signal)(_|$)"
    r"|(^|_)(top|tops|higgs|qcd|[wzh]?(bb|cc|qq|gg)|h?4q|tbqq|tbl|[bc]_?jets?|tau)(_|$))"
)
"""Names by which a single number that is not bounded is the logit of a class, and not a value."""


@dataclass(frozen=True)
class Heads:
    """Which outputs of a network are classes, and which are regressed values."""

    classes: tuple[int, ...]
    """Columns of the K classes, of the one score or of the L labels; none for a pure regression."""
    values: tuple[int, ...]
    """Columns of the R regressed values."""
    probabilities: bool
    """Whether the columns of the classes hold probabilities, after a softmax or a sigmoid, and not logits."""
    kind: HeadKind = HeadKind.CLASSES
    """What the classes are."""
    gaussians: tuple[GaussianHead, ...] = ()
    """Which of the values are mean and width of one; positions among the R."""
    step: float = 0.0
    """What the file rounds probabilities of one choice to, so that a zero stands for up to half of it."""

    def answer(self, outputs: Tensor) -> Tensor:
        """Map all outputs (B, O) to what a teacher answers: logits, and regressed values behind them.

        Returns:
            (B, K + R); of one score (B, 2 + R), its logit and 0; of labels (B, L + R), a logit each.
        """
        logits = outputs[:, list(self.classes)]
        if self.kind == HeadKind.CLASSES:
            if self.probabilities:
                logits = log_probabilities(logits, self.step)
        elif self.probabilities:
            logits = bounded_logit(logits)
        if self.kind == HeadKind.SCORE:
            logits = torch.cat([logits, torch.zeros_like(logits)], 1)
        return torch.cat([logits, outputs[:, list(self.values)]], 1)


def bounded_logit(p: Tensor) -> Tensor:
    """Return log p / (1 - p), of any shape, no larger than p is exact.

    A sigmoid in 32 bits saturates at about 17: beyond, a probability says no more than that it is next to 0 or 1.
    """
    return torch.logit(p, eps=torch.finfo(p.dtype).eps / 2)


def find_heads(names: Sequence[str], outputs: Tensor) -> Heads:
    """Tell classes from regressed values by the outputs' names, and probabilities from logits by what they sum to.

    Args:
        names: names of the O outputs.
        outputs: (B, O), outputs of the network for some random input.
    """
    paired = _paired(names, outputs)
    free = [i for i, name in enumerate(names) if not _is_value(name) and i not in paired]
    classes = [i for i in free if CLASS_NAME.match(names[i])] or free
    p = outputs[:, classes].double()
    bounded = bool(classes) and bool(((p >= 0) & (p <= 1)).all())
    kind, step = HeadKind.CLASSES, 0.0
    if len(classes) == 1:
        kind = HeadKind.SCORE
        if not bounded and not SCORE_NAME.search(names[classes[0]]):  # some number or other
            classes = []
    elif bounded:
        complete = [i + 1 for i in range(1, len(classes)) if are_probabilities(outputs[:, classes[: i + 1]])]
        if complete:  # what follows a complete set of probabilities is something else
            classes = classes[: complete[-1]]
            step = rounding_step(outputs[:, classes])
        else:  # each a probability of its own
            kind = HeadKind.LABELS
    values = tuple(i for i in range(len(names)) if i not in classes)
    gaussians = _positive([names[i] for i in values], outputs[:, list(values)])
    kind = kind if classes else HeadKind.CLASSES
    return Heads(tuple(classes), values, bounded and bool(classes), kind, gaussians, step)


def recorded_heads(found: Heads, description: Description) -> Heads:
    """Return the heads of a network as a run recorded them, for the student learned those.

    Args:
        found: the heads as they are told today, which know whether there are probabilities.
        description: of the run; an older one took a single score, and independent labels, for values.
    """
    outputs = description.preprocess.outputs
    values = tuple(outputs.index(name) for name in description.values)
    classes = tuple(i for i in range(len(outputs)) if i not in values)
    probabilities = found.probabilities and bool(classes)
    return Heads(classes, values, probabilities, description.kind, description.gaussians, found.step)


def _is_value(name: str) -> bool:
    return VALUE_NAME.search(DECORRELATED.sub("", name)) is not None


def _paired(names: Sequence[str], outputs: Tensor) -> set[int]:
    """Return the columns that are mean or width of a Gaussian."""
    return {i for head in _positive(names, outputs) for i in (head.mean, head.width)}


def _positive(names: Sequence[str], outputs: Tensor) -> tuple[GaussianHead, ...]:
    """Pair means and widths by their names; what is negative is no width."""
    return tuple(
        head for head in gaussian_heads(names) if not head.form.is_positive or bool((outputs[:, head.width] > 0).all())
    )
