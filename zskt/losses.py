"""Losses of distillation, each as in its paper, and the list of terms that a student minimises.

A new term is one class: what to `Term.capture` of a network, and the `Term.distance` of two captures. A line in `TERMS`
makes it a setting, ``--set terms.NAME=WEIGHT``.

P. Micaelli and A. Storkey, "Zero-shot knowledge transfer via adversarial belief matching", arXiv:1905.09768 (ZSKT).
Shapes: B batch, K classes, R regressed values, C channels. Every divergence is in nats per example. Logits are (B, K)
of one choice of K classes, or (B, L, 2) of L independent labels: what is said of K classes then holds for the two of
each label, and is summed over the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import NonFiniteLoss, UserError
from zskt.forward import Output
from zskt.gaussian import GaussianHead, gaussian_divergence
from zskt.parallel import collectives

MIN_PROBABILITY = 1e-12
"""Below this a probability is taken for this: its logarithm stays finite."""
MIN_LOG = torch.finfo(torch.float32).min
"""Stands for the logarithm of 0, so that 0 log 0 is 0."""


def divergence(teacher: Tensor, student: Tensor, temperature: float = 1.0) -> Tensor:
    """Return KL(T || S) of the softened class probabilities, times temperature squared: logits (B, K) -> (B,), nats.

    The square keeps gradients of one size as the temperature changes (Hinton, Vinyals and Dean, arXiv:1503.02531). Of
    a label with the logits (z, 0) it is that of two Bernoulli distributions, which nears (z_t - z_s)^2 / 8 as the
    temperature grows.
    """
    log_t = torch.log_softmax(teacher / temperature, dim=-1).clamp(min=MIN_LOG)
    log_s = torch.log_softmax(student / temperature, dim=-1)
    return _summed(log_t.exp() * (log_t - log_s)) * temperature**2


def _summed(terms: Tensor) -> Tensor:
    """Sum over classes, and over labels if there are such: (B, K) or (B, L, 2) -> (B,)."""
    return terms.flatten(1).sum(1)


def recovered_logits(logits: Tensor) -> Tensor:
    """Return logits less their mean over classes, (B, K) or (B, L, 2): what probabilities tell of logits.

    J.-B. Truong et al., "Data-free model extraction" (DFME), arXiv:2011.14779, section on recovering logits: those of a
    softmax are log p up to a constant, which is taken so that they sum to 0.
    """
    log_p = torch.log_softmax(logits, -1)
    return log_p - log_p.mean(-1, keepdim=True)


def logit_distance(teacher: Tensor, student: Tensor) -> Tensor:
    """Return the L1 distance of `recovered_logits`, summed over classes, DFME's loss of both players: -> (B,)."""
    return _summed((recovered_logits(teacher) - recovered_logits(student)).abs())


def attention_map(activation: Tensor) -> Tensor:
    """Return f(A) of ZSKT, section 3.2: the mean of A^2 over channels, flattened, of unit Euclidean length.

    (B, C, positions...) -> (B, positions); of an image the positions are H W, of a jet the particle slots.
    """
    return nn.functional.normalize(_SquaredLength.apply(activation).flatten(1), dim=1)


class _SquaredLength(torch.autograd.Function):
    """Sum A^2 over channels, (B, C, ...) -> (B, ...), four times as fast as a square and a mean.

    It passes over A once, and its gradient, 2 A, needs no square of its size to be kept. That it sums where the paper
    averages is cancelled by the unit length.
    """

    @staticmethod
    def forward(ctx: Any, activation: Tensor) -> Tensor:
        ctx.save_for_backward(activation)
        length: Tensor = torch.linalg.vector_norm(activation, dim=1)
        return length.square_()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        activation: Tensor = ctx.saved_tensors[0]
        return activation * (2 * gradients[0]).unsqueeze(1)


def attention_distance(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Sum mean (f(A_t) - f(A_s))^2 over pairs of attention maps, the second term of ZSKT, equation 1: a scalar.

    Raises:
        ValueError: if the numbers of maps or their resolutions differ.
    """
    _require_same_shapes(teacher, student, "attention maps")
    return torch.stack([(t - s).square().mean() for t, s in zip(teacher, student, strict=True)]).sum()


def hint_distance(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Sum mean (A_t - A_s)^2 / mean A_t^2 over pairs of layers, so that each layer counts alike: a scalar.

    A. Romero et al., "FitNets: hints for thin deep nets", arXiv:1412.6550, equation 3, for layers of equal widths.

    Raises:
        ValueError: if the numbers of layers or their shapes differ.
    """
    _require_same_shapes(teacher, student, "layers")
    pairs = zip(teacher, student, strict=True)
    return torch.stack([(t - s).square().mean() / _mean_square(t) for t, s in pairs]).sum()


def _mean_square(layer: Tensor) -> Tensor:
    """Return the mean square of a layer; 1 where it is dead: a scalar."""
    square = collectives.mean(layer.square().mean())
    return torch.where(square > 0, square, 1.0)


def _require_same_shapes(teacher: Sequence[Tensor], student: Sequence[Tensor], what: str) -> None:
    shapes = [[tuple(a.shape[1:]) for a in side] for side in (teacher, student)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{what} of the teacher {shapes[0]} do not match the student's {shapes[1]}")


def value_distance(teacher: Output, student: Output, scale: Tensor, gaussians: Sequence[GaussianHead] = ()) -> Tensor:
    """Return Huber's robust loss of (t - s) / scale, averaged over the R regressed values: (B,).

    P. J. Huber, Ann. Math. Statist. 35 (1964) 73: quadratic up to one ``scale`` (R,), linear beyond, so that a few
    values far out do not decide. A mean and its width are one entry of the average, `gaussian_divergence` of the two.
    """
    s, t = (output.extras["values"] / scale for output in (student, teacher))
    entries = nn.functional.huber_loss(s, t, reduction="none")
    if gaussians:
        paired = {i for head in gaussians for i in (head.mean, head.width)}
        s, t = (output.extras["values"] for output in (student, teacher))
        divergences = [gaussian_divergence(t, s, head) for head in gaussians]
        plain = [i for i in range(s.shape[1]) if i not in paired]
        entries = torch.cat([entries[:, plain], torch.stack(divergences, 1)], 1)
    return entries.mean(1)


def class_information(teacher: Tensor) -> Tensor:
    """Return how rare in its batch the teacher's belief is: -sum_c p_c(x) log mean p_c, logits (B, K) -> (B,), nats.

    Its mean is the entropy of the mean class probabilities, log K where all classes come up alike, and so is the
    mean's gradient: the information entropy of H. Chen et al., "Data-free learning of student networks" (DAFL),
    arXiv:1904.01186, equation 6.
    """
    p = teacher.softmax(-1)
    return -_summed(p * collectives.mean(p.detach().mean(0)).clamp(min=MIN_PROBABILITY).log())


def entropy(teacher: Tensor) -> Tensor:
    """Return the entropy of each belief, -sum_c p_c(x) log p_c(x), logits (B, K) -> (B,), nats.

    The mean of `class_information` less the mean of this is the mutual information of sample and class.
    """
    log_p = torch.log_softmax(teacher, dim=-1).clamp(min=MIN_LOG)
    return -_summed(log_p.exp() * log_p)


def own_class_cross_entropy(teacher: Tensor) -> Tensor:
    """Return the cross-entropy of each belief with its own top class, logits (B, K) -> (B,), nats: DAFL, equation 4."""
    pairs = teacher.flatten(0, -2)
    entropies = nn.functional.cross_entropy(pairs, pairs.argmax(1), reduction="none")
    return _summed(entropies.view(teacher.shape[:-1])) if teacher.dim() > 2 else entropies


def ascend(x: Tensor, kl: Tensor, distance: Tensor) -> Tensor:
    """Move each sample by its own Euclidean ``distance`` to where teacher and student disagree more.

    Args:
        x: (B, ...), with its graph to ``kl``.
        kl: (B,), KL(T || S) of each.
        distance: (B,), in units of x.
    """
    (gradient,) = torch.autograd.grad(kl.sum(), x)
    direction = nn.functional.normalize(gradient.flatten(1), dim=1).view_as(x)
    return (x + distance.view(-1, *[1] * (x.dim() - 1)) * direction).detach()


def finite(value: Tensor, term: str) -> Tensor:
    """Return ``value``, a scalar.

    On a GPU it is not read, which would stall the queue of kernels: `zskt.optim.step` sees to it.

    Raises:
        NonFiniteLoss: if it is NaN or infinite, naming ``term``.
    """
    if not value.is_cuda and not torch.isfinite(value):
        raise NonFiniteLoss(f"{term} is {value.item()}")
    return value


def generator_loss(reward: Tensor, log_prob: Tensor | None = None, penalty: Tensor | None = None) -> Tensor:
    """Return what a generator minimises: minus its mean reward; a scalar.

    Args:
        reward: (B,), KL(T || S) and whatever is added to it, with its graph back to the generator.
        log_prob: (B,), log probability of the discrete choices behind each sample, if the generator makes any: they
            follow the score-function gradient with the batch mean as baseline (Williams 1992, REINFORCE).
        penalty: a scalar that the generator pays for leaving its prior.
    """
    loss = -finite(reward.mean(), "generator's KL")
    if log_prob is not None:
        baseline = collectives.mean(reward.detach().mean())
        loss = loss - ((reward.detach() - baseline) * log_prob).mean()
    return loss if penalty is None else loss + finite(penalty, "generator's penalty")


@dataclass(frozen=True)
class Term:
    """One term of a student's loss."""

    weight: float = 1.0

    name: ClassVar[str] = "term"
    """What an error calls it."""
    needs_layers: ClassVar[bool] = False
    """Whether `capture` is shown the outputs of the layers that teacher and student have in common."""
    cacheable: ClassVar[bool] = True
    """Whether a replay buffer can keep what is captured; if not, the teacher is asked again in each student step."""

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return what is compared beside the logits, (B, ...) each, by names of `Output.extras`."""
        return {}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        """Return how far the student is from the teacher, averaged over the batch: a scalar."""
        raise NotImplementedError

    def check(self, teacher: Output, student: Output) -> None:
        """Raise `UserError` if the two networks have nothing that can be compared; called before a run begins."""


@dataclass(frozen=True)
class KL(Term):
    """KL(T || S) of the classes, `divergence`."""

    temperature: float = 1.0
    name = "student's KL"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return divergence(teacher.logits, student.logits, self.temperature).mean()


@dataclass(frozen=True)
class LogitDistance(Term):
    """The L1 distance of logits up to a constant, `logit_distance`."""

    name = "student's L1"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return logit_distance(teacher.logits, student.logits).mean()


@dataclass(frozen=True)
class CrossEntropy(Term):
    """Cross-entropy with the labels that a batch carries.

    Label smoothing (C. Szegedy et al., arXiv:1512.00567, section 7) gives that share of the truth to all K classes.
    """

    label_smoothing: float = 0.0
    name = "cross-entropy"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        labels = teacher.extras["labels"]
        return nn.functional.cross_entropy(student.logits, labels, label_smoothing=self.label_smoothing)


@dataclass(frozen=True)
class Attention(Term):
    """The match of attention maps, `attention_distance`.

    The weight multiplies a KL in nats per example. The authors' code divides its KL by the number of classes too, so
    that its beta = 250 is 250 K here.
    """

    name = "attention distance"
    needs_layers = True

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        return {f"attention.{i}": attention_map(a) for i, a in enumerate(layers)}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return attention_distance(teacher.numbered("attention"), student.numbered("attention"))

    def check(self, teacher: Output, student: Output) -> None:
        positions = [[a.shape[1] for a in output.numbered("attention")] for output in (teacher, student)]
        if not positions[0]:
            raise UserError(
                "attention_weight: teacher or student has no blocks to compare; take --set attention_weight=0"
            )
        if positions[0] != positions[1]:
            raise UserError(
                f"the teacher's attention maps have {positions[0]} positions, the student's {positions[1]}: choose a "
                "--student of the same resolutions, or a --preset without attention match"
            )


@dataclass(frozen=True)
class Hint(Term):
    """The match of the outputs of blocks, `hint_distance`; too large to be kept for replay."""

    name = "hint distance"
    needs_layers = True
    cacheable = False

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        return {f"activation.{i}": a for i, a in enumerate(layers)}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return hint_distance(teacher.numbered("activation"), student.numbered("activation"))

    def check(self, teacher: Output, student: Output) -> None:
        shapes = [[tuple(a.shape[1:]) for a in output.numbered("activation")] for output in (teacher, student)]
        if not shapes[0]:
            raise UserError("hint_weight: teacher or student has no blocks to compare; take --set hint_weight=0")
        if shapes[0] != shapes[1]:
            raise UserError(
                f"hint_weight: the teacher's blocks put out {shapes[0]}, the student's {shapes[1]}: choose a --student "
                "of the teacher's widths, or take --set hint_weight=0"
            )


@dataclass(frozen=True)
class Values(Term):
    """The robust distance of regressed values, `value_distance`."""

    scale: Tensor | None = None
    """(R,)"""
    gaussians: tuple[GaussianHead, ...] = ()
    """Which of the values are mean and width of one."""
    name = "distance of values"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        assert self.scale is not None
        return value_distance(teacher, student, self.scale, self.gaussians).mean()


@dataclass(frozen=True)
class Similarity(Term):
    """The match of which samples of a batch are alike, whatever the widths of the two networks.

    F. Tung and G. Mori, "Similarity-preserving knowledge distillation", arXiv:1907.09682, equations 1 to 4: the Gram
    matrix of the batch's last common layer, its rows of unit length, (B, B). It belongs to a batch: none can be kept.
    """

    name = "similarity distance"
    needs_layers = True
    cacheable = False

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        if not layers:
            raise UserError("terms.similarity: teacher or student names no layers (attention_layers); leave it out")
        flat = layers[-1].flatten(1)
        return {"similarity": nn.functional.normalize(flat @ collectives.whole(flat).T, dim=1)}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return (teacher.extras["similarity"] - student.extras["similarity"]).square().mean()


TERMS: dict[str, type[Term]] = {"attention": Attention, "hint": Hint, "similarity": Similarity}
"""Terms that any method can be given by ``--set terms.NAME=WEIGHT``; they need no argument but the weight."""


def student_loss(terms: Sequence[Term], teacher: Output, student: Output) -> Tensor:
    """Sum the terms: weight times distance, each; a scalar.

    Raises:
        NonFiniteLoss: naming the first term that is NaN or infinite.
    """
    loss: Tensor | None = None
    for term in terms:
        distance = finite(term.distance(teacher, student), term.name)
        part = distance if term.weight == 1 else term.weight * distance
        loss = part if loss is None else loss + part
    if loss is None:
        raise ValueError("a student's loss needs at least one term")
    return loss
