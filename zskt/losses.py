"""Losses of distillation, each as in its paper; `zskt.terms` makes those of a student the terms of its loss.

P. Micaelli and A. Storkey, "Zero-shot knowledge transfer via adversarial belief matching", arXiv:1905.09768 (ZSKT).
Shapes: B batch, K classes, R regressed values, C channels. Every divergence is in nats per example. Logits are (B, K)
of one choice of K classes, or (B, L, 2) of L independent labels: what is said of K classes then holds for the two of
each label, and is summed over the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zskt.errors import NonFiniteLoss
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


def logit_l1(teacher: Tensor, student: Tensor) -> Tensor:
    """Return |T - S| of the logits, averaged over classes: (B, K) -> (B,).

    G. Fang et al., "Data-free adversarial distillation" (DFAD), arXiv:1912.11006: its gradient by the logits
    does not vanish where the student is near, nor where the teacher is sure.
    """
    return (teacher - student).abs().flatten(1).mean(1)


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


def gram_matrix(activation: Tensor) -> Tensor:
    """Return F F^T / positions, which channels fire together: (B, C, positions...) -> (B, C, C)."""
    flat = activation.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def jacobian_distance(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Return the mean |J_t / |J_t| - J_s / |J_s||^2 of gradients by the input, (B, ...) each: a scalar.

    S. Srinivas and F. Fleuret, arXiv:1803.00443, equation 10. A network may take several inputs: a sample's gradient is
    that by all of them.
    """
    _require_same_shapes(teacher, student, "gradients")
    t, s = (nn.functional.normalize(torch.cat([g.flatten(1) for g in side], 1), dim=1) for side in (teacher, student))
    return (t - s).square().sum(1).mean()


SMOOTHING = 1e-3
"""Share of each member's belief that all classes are given alike: the logarithm of a Dirichlet density stays finite."""


def dirichlet_nll(members: Tensor, student: Tensor, temperature: float = 1.0) -> Tensor:
    """Return minus the mean log density of the members' beliefs under Dir(exp(z / T)), times T^2: (B,), nats.

    A. Malinin et al., arXiv:1905.00076, equation 8, with the softened and smoothed targets of section 4.

    Args:
        members: (B, M, K), log probabilities.
        student: (B, K), logits z.
    """
    k = members.shape[-1]
    log_p = torch.log_softmax(members / temperature, -1)
    log_p = torch.log((1 - SMOOTHING) * log_p.exp() + SMOOTHING / k)
    alpha = (student / temperature).exp()
    log_norm = torch.lgamma(alpha).sum(-1) - torch.lgamma(alpha.sum(-1))
    log_density = ((alpha - 1) * log_p.mean(1)).sum(-1) - log_norm
    return -log_density * temperature**2
