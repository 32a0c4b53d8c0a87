"""The terms that match the gradients of two networks by their input: of unit length, or in units of a detector.

Shapes: B batch, K classes, L independent labels, P particles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.forward import Output, evaluated_logits
from zskt.losses import hint_distance, jacobian_distance
from zskt.terms.term import Term, Trial

TRACK_RESOLUTION = 0.015
"""Of the transverse momentum of tracks of a few GeV (CMS, JINST 9 (2014) P10009, abstract)."""
CRYSTAL_RESOLUTION = 0.005
"""Radians, the width of an ECAL crystal, 0.0174 (CMS, JINST 3 (2008) S08004), over the root of 12."""
EVALUATED = "evaluated"
"""Name in `Output.extras` of what a student answers in evaluation mode."""


@dataclass
class Jacobian(Term):
    """The match of the gradients of the teacher's top logit by the input, `jacobian_distance`.

    S. Srinivas and F. Fleuret, "Knowledge transfer with Jacobian matching", arXiv:1803.00443, section 4: that class
    alone, both gradients of unit length. A teacher without gradient is asked about jittered samples instead, which is
    the same to first order (their proposition 1): see the setting ``jitter``.
    """

    name = "Jacobian distance"
    needs_gradient = True
    cacheable = False

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return input and logits of a network that learns, for the gradient in `distance`; of others that gradient.

        Which class is the teacher's top one, a student does not know.
        """
        if torch.is_grad_enabled():
            return self._learning(network, x, output) | {f"input.{i}": t for i, t in enumerate(x) if t.requires_grad}
        if not output.logits.requires_grad:
            raise UserError("terms.jacobian: the teacher has no gradient by its input; take --set jitter=0.1 instead")
        inputs = [t for t in x if t.requires_grad]
        return {f"jacobian.{i}": g for i, g in enumerate(top_gradient(output.logits, output.logits, inputs))}

    def _learning(self, network: nn.Module, x: Batch, output: Output) -> dict[str, Tensor]:
        return {EVALUATED: evaluated_logits(network, x, output)}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        logits = student.extras[EVALUATED]
        gradients = top_gradient(teacher.logits, logits, student.numbered("input"), create_graph=True)
        return jacobian_distance(teacher.numbered("jacobian"), gradients)

    def check(self, teacher: Output, student: Output) -> None:
        if not teacher.logits.shape[1]:
            raise UserError("terms.jacobian: the teacher has no classes, whose logits have gradients; leave it out")


@torch.enable_grad()
def top_gradient(teacher: Tensor, logits: Tensor, x: Sequence[Tensor], *, create_graph: bool = False) -> list[Tensor]:
    """Return the gradients of the logit of the teacher's top class, zeros where the network does not look.

    Args:
        teacher, logits: (B, K), or (B, L, 2), of which the top decision of all labels is taken.
        x: (B, ...) each.
    """
    top = teacher.flatten(1).argmax(1, keepdim=True)
    chosen = logits.flatten(1).gather(1, top).sum()
    gradients = torch.autograd.grad(chosen, list(x), create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for t, g in zip(x, gradients, strict=True)]


@dataclass
class JacobianInResolutions(Jacobian):
    """The match of how the teacher's top class reacts to each particle's log pT, pseudorapidity and azimuth.

    Each gradient is in units of a detector's resolution: the change of the logit by one standard deviation of the
    measurement. To first order it is the same as asking both networks about smeared jets (Srinivas and Fleuret,
    arXiv:1803.00443, proposition 1). Lengths count, in units of the teacher's mean square, as a systematic uncertainty
    is a length: it is no match of directions alone, as `Jacobian` is. The logit is taken less the mean of all classes,
    on which no probability depends.
    """

    momentum_resolution: float = TRACK_RESOLUTION
    angular_resolution: float = CRYSTAL_RESOLUTION
    name = "Jacobian distance in resolutions"
    needs_preparation = True
    _inputs: Any = field(default=None, init=False, compare=False, repr=False)
    """The input specification, once it is known."""

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return logits and whole input of a network that learns; of others their gradients by what is a number."""
        if torch.is_grad_enabled():
            return self._learning(network, x, output) | {f"input.{i}": t for i, t in enumerate(x)}
        return super().capture(network, x, Output(centred(output.logits)), layers)

    def distance(self, teacher: Output, student: Output) -> Tensor:
        x = student.numbered("input")
        logits = centred(student.extras[EVALUATED])
        of_student = top_gradient(teacher.logits, logits, [t for t in x if t.requires_grad], create_graph=True)
        gradients = [self._by_particle(x, g) for g in (teacher.numbered("jacobian"), of_student)]
        return hint_distance(gradients[:1], gradients[1:])

    def _by_particle(self, x: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
        """Return gradients by the input as those by log pT, eta and phi in units of the resolution: (B, 3, P)."""
        by_particle: Tensor = self._inputs.by_particle(x, gradients)
        units = [self.momentum_resolution, self.angular_resolution, self.angular_resolution]
        return by_particle * by_particle.new_tensor(units).view(1, 3, 1)

    def prepare(self, trial: Trial) -> None:
        if not hasattr(trial.inputs, "by_particle"):
            raise UserError(
                "terms.jacobian_in_resolutions: knows particles in the features of JetClass taggers alone; take "
                "terms.jacobian, the gradient by the input as it is"
            )
        self._inputs = trial.inputs


@torch.enable_grad()
def centred(logits: Tensor) -> Tensor:
    """Return logits less their mean over the classes, (B, K) or (B, L, 2)."""
    return logits - logits.mean(-1, keepdim=True)
