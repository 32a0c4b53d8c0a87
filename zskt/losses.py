"""Algorithm 1 of Micaelli and Storkey (2019): a generator and a student play over a teacher's answers.

P. Micaelli and A. Storkey, "Zero-shot knowledge transfer via adversarial belief matching", arXiv:1905.09768.
Shapes: B batch, K classes, C channels. Every divergence is in nats per example.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zskt.forward import Output


class NonFiniteLoss(RuntimeError):
    """A loss term is NaN or infinite; raised before any parameter is changed by it."""


def divergence(teacher: Tensor, student: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(T || S) of the softened class probabilities, times temperature squared: two (B, K) of logits -> (B,), nats.

    The square keeps gradients of one size as the temperature changes (Hinton, Vinyals and Dean, arXiv:1503.02531).
    """
    log_t = torch.log_softmax(teacher / temperature, dim=1)
    log_s = torch.log_softmax(student / temperature, dim=1)
    return (log_t.exp() * (log_t - log_s)).sum(1) * temperature**2


def attention_distance(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Sum over pairs of attention maps of mean (f(A_t) - f(A_s))^2, the second term of equation 1: a scalar.

    Raises:
        ValueError: if the numbers of maps or their resolutions differ.
    """
    shapes = [[tuple(a.shape[1:]) for a in side] for side in (teacher, student)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"attention maps of the teacher {shapes[0]} do not match the student's {shapes[1]}")
    return torch.stack([(t - s).square().mean() for t, s in zip(teacher, student, strict=True)]).sum()


def hint_distance(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Sum over pairs of layers of mean (A_t - A_s)^2 / mean A_t^2, so that each layer counts alike: a scalar.

    A. Romero et al., "FitNets: hints for thin deep nets", arXiv:1412.6550, equation 3, for layers of equal widths: what
    a sample tells of the teacher's layers is much more than its K logits.

    Raises:
        ValueError: if the numbers of layers or their shapes differ.
    """
    shapes = [[tuple(a.shape[1:]) for a in side] for side in (teacher, student)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"layers of the teacher {shapes[0]} do not match the student's {shapes[1]}")
    pairs = zip(teacher, student, strict=True)
    return torch.stack([(t - s).square().mean() / t.square().mean() for t, s in pairs]).sum()


def value_distance(teacher: Output, student: Output, scale: Tensor) -> Tensor:
    """Huber's robust loss of (t - s) / scale, averaged over the R regressed values: -> (B,).

    P. J. Huber, Ann. Math. Statist. 35 (1964) 73: quadratic up to one ``scale`` (R,), linear beyond, so that a few
    values far out do not decide.
    """
    assert teacher.values is not None and student.values is not None
    apart = nn.functional.huber_loss(student.values / scale, teacher.values / scale, reduction="none")
    return apart.mean(1)


def finite(value: Tensor, term: str) -> Tensor:
    """``value`` itself, a scalar.

    Raises:
        NonFiniteLoss: if it is NaN or infinite, naming ``term``.
    """
    if not torch.isfinite(value):
        raise NonFiniteLoss(f"{term} is {value.item()}")
    return value


def class_information(teacher: Tensor) -> Tensor:
    """How rare in its batch is what the teacher believes: -sum_c p_c(x) log mean p_c, logits (B, K) -> (B,), nats.

    Its mean is the entropy of the mean belief, log K where all classes come up alike, and so is the mean's gradient:
    the information entropy of H. Chen et al., "Data-free learning of student networks", arXiv:1904.01186, equation 6.
    """
    p = teacher.softmax(1)
    return -(p * p.detach().mean(0).clamp(min=1e-12).log()).sum(1)


def entropy(teacher: Tensor) -> Tensor:
    """Entropy of each belief, -sum_c p_c(x) log p_c(x), logits (B, K) -> (B,), nats.

    The mean of `class_information` less that of this is the mutual information of sample and class.
    """
    log_p = torch.log_softmax(teacher, dim=1)
    return -(log_p.exp() * log_p).sum(1)


def ascend(x: Tensor, kl: Tensor, distance: Tensor) -> Tensor:
    """Each sample moved by its own Euclidean ``distance`` to where teacher and student disagree more.

    Args:
        x: (B, ...), with its graph to ``kl``.
        kl: (B,), KL(T || S) of each.
        distance: (B,), in units of x.
    """
    (gradient,) = torch.autograd.grad(kl.sum(), x)
    direction = nn.functional.normalize(gradient.flatten(1), dim=1).view_as(x)
    return (x + distance.view(-1, *[1] * (x.dim() - 1)) * direction).detach()


def generator_loss(reward: Tensor, log_prob: Tensor | None = None, penalty: Tensor | None = None) -> Tensor:
    """What the generator minimises: minus its reward, averaged; a scalar.

    Args:
        reward: (B,), KL(T || S) and whatever is added to it, with its graph back to the generator.
        log_prob: (B,), log probability of the discrete choices behind each sample, if the generator makes any: they
            follow the score-function gradient with the batch mean as baseline (Williams 1992, REINFORCE).
        penalty: a scalar that the generator charges for leaving its prior.
    """
    loss = -finite(reward.mean(), "generator's KL")
    if log_prob is not None:
        loss = loss - ((reward - reward.mean()).detach() * log_prob).mean()
    return loss if penalty is None else loss + finite(penalty, "generator's penalty")


def student_loss(
    teacher: Output,
    student: Output,
    beta: float = 0.0,
    temperature: float = 1.0,
    regression: float = 0.0,
    scale: Tensor | None = None,
    hint: float = 0.0,
) -> Tensor:
    """What the student minimises, equation 1: KL(T || S) + beta * attention distance; a scalar.

    Where there are regressed values, `value_distance` in units of ``scale`` is added, ``regression`` times; and
    `hint_distance`, ``hint`` times.

    beta weighs a KL in nats per example. The authors' code divides its KL by the number of classes too, so that its
    beta = 250 is 250 K here.
    """
    loss = finite(divergence(teacher.logits, student.logits, temperature).mean(), "student's KL")
    if beta:
        loss = loss + beta * finite(attention_distance(teacher.attention, student.attention), "attention distance")
    if hint:
        loss = loss + hint * finite(hint_distance(teacher.activations, student.activations), "hint distance")
    if regression and scale is not None:
        loss = loss + regression * finite(value_distance(teacher, student, scale).mean(), "distance of values")
    return loss


def step(loss: Tensor, optimizer: torch.optim.Optimizer, clip: float = 0.0) -> None:
    """One step on ``loss`` of the optimizer's parameters alone, their gradient clipped to norm ``clip`` if positive.

    Raises:
        NonFiniteLoss: if the gradient is NaN or infinite; the parameters stay as they were.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
    finite(nn.utils.clip_grad_norm_(parameters, clip or math.inf), "norm of the gradient")
    optimizer.step()
