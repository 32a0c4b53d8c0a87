"""The term of KDGAN: a network that tells true labels from those that student and teacher would give.

Shapes: B batch, K classes.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from zskt.contracts import Batch
from zskt.forward import Output, evaluating, split_heads
from zskt.terms.term import LearnedPart, Term, Trial

STUDENT_SHARE = 0.5
"""alpha: share of the false labels that are the student's; the others are the teacher's. As in the authors' code."""
RATE = 1e-3
"""Learning rate of the discriminator's Adam, as in the authors' code."""


@dataclass
class Discriminator(Term):
    """What the student gains by labels that a discriminator takes for true ones.

    X. Wang, R. Zhang, Y. Sun and J. Qi, "KDGAN: knowledge distillation with generative adversarial networks", NeurIPS
    2018: min_c max_d E_data ln d(x, y) + alpha E_c ln(1 - d(x, y)) + (1 - alpha) E_t ln(1 - d(x, y)). Their labels of
    student c and teacher t are draws, with a gradient through Gumbel's softmax; here both expectations are sums over
    the K classes, which they estimate. Their teacher learns, too; ours is frozen.

    d(x, y) is the sigmoid of entry y of a network with K outputs: the student's own architecture, begun anew, so that
    it takes whatever the student takes. The authors' other terms are the cross-entropy and the match of logits with
    the teacher, which a loss has by other names.
    """

    name = "discriminator's term"
    needs_labels = True
    needs_preparation = True
    _part: LearnedPart | None = field(default=None, init=False, compare=False, repr=False)

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return what a network that learns is called with, which the discriminator is called with, too."""
        return {f"sample.{i}": t.detach() for i, t in enumerate(x)} if torch.is_grad_enabled() else {}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        assert self.part is not None
        with torch.no_grad(), evaluating(self.part.network):
            verdict = self._verdict(student)
        return STUDENT_SHARE * _expected(student.logits, logsigmoid(-verdict))

    def prepare(self, trial: Trial) -> None:
        self._part = LearnedPart(begun_anew(trial.pair.student, trial.seed), RATE)

    @property
    def part(self) -> LearnedPart | None:
        return self._part

    def learn(self, teacher: Output, student: Output, rate: float) -> None:
        """Take a step up the objective: true labels are true, those of student and teacher are not."""
        assert self.part is not None
        verdict = self._verdict(student)
        self.part.step(discriminator_loss(verdict, teacher.extras["labels"], teacher.logits, student.logits))

    def _verdict(self, student: Output) -> Tensor:
        """Return the logit of d(x, y) of each class y, (B, K)."""
        assert self.part is not None
        return split_heads(self.part.network, self.part.network(*student.numbered("sample")))[0]


def discriminator_loss(verdict: Tensor, labels: Tensor, teacher: Tensor, student: Tensor) -> Tensor:
    """Return minus the objective that the discriminator maximises, averaged over the batch: a scalar, nats.

    Args:
        verdict: (B, K), logits of d(x, y).
        labels: (B,), true ones.
        teacher, student: (B, K), logits of the labels that they would give.
    """
    true = logsigmoid(verdict).gather(1, labels.unsqueeze(1)).mean()
    is_false = logsigmoid(-verdict)
    false = STUDENT_SHARE * _expected(student, is_false) + (1 - STUDENT_SHARE) * _expected(teacher, is_false)
    return -(true + false)


def _expected(logits: Tensor, values: Tensor) -> Tensor:
    """Return the mean over samples of the expectation of values, (B, K) both, over the classes that logits draw."""
    return (logits.softmax(1) * values).sum(1).mean()


def begun_anew(network: nn.Module, seed: int) -> nn.Module:
    """Return a copy of a network whose layers are initialised anew; torch's own random stream stays as it was.

    Parameters of modules that cannot reset themselves stay as they are.
    """
    twin = copy.deepcopy(network)
    devices = [p.device for p in network.parameters() if p.is_cuda][:1]
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(2**31 + seed)  # another stream than that of the student, begun with the same seed
        for module in twin.modules():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
    return twin
