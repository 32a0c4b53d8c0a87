"""The terms that a student minimises, each with what it takes from a forward pass, and the table of those to choose.

A new term is one class, derived from `zskt.terms.term.Term`: what to capture of a network, and the distance of two
captures. A line in `TERMS` makes it a setting, ``--set terms.NAME=WEIGHT``. What a term needs (layers, a gradient by
the input, the members of an ensemble) it says itself, and that alone decides what the teacher is asked.

Shapes: B batch, K classes, L independent labels, R regressed values, C channels, M members of an ensemble. Logits are
(B, K), or (B, L, 2) of independent labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError, lookup
from zskt.forward import MEMBERS, Output
from zskt.gaussian import GaussianHead
from zskt.losses import (
    attention_distance,
    attention_map,
    dirichlet_nll,
    divergence,
    finite,
    gram_matrix,
    hint_distance,
    logit_distance,
    logit_l1,
    value_distance,
)
from zskt.parallel import collectives
from zskt.terms.discriminator import Discriminator
from zskt.terms.hint import Hint
from zskt.terms.jacobian import Jacobian, JacobianInResolutions
from zskt.terms.term import Term


@dataclass
class KL(Term):
    """KL(T || S) of the classes, `divergence`."""

    temperature: float = 1.0
    name = "student's KL"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return divergence(teacher.logits, student.logits, self.temperature).mean()


@dataclass
class LogitDistance(Term):
    """The L1 distance of logits up to a constant, `logit_distance`."""

    name = "student's L1"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return logit_distance(teacher.logits, student.logits).mean()


@dataclass
class LogitL1(Term):
    """The mean absolute difference of logits, `logit_l1`."""

    name = "student's L1"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return logit_l1(teacher.logits, student.logits).mean()


@dataclass
class CrossEntropy(Term):
    """Cross-entropy with the labels that a batch carries.

    Label smoothing (C. Szegedy et al., arXiv:1512.00567, section 7) gives that share of the truth to all K classes.
    """

    label_smoothing: float = 0.0
    name = "cross-entropy"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        labels = teacher.extras["labels"]
        return nn.functional.cross_entropy(student.logits, labels, label_smoothing=self.label_smoothing)


@dataclass
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


@dataclass
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


@dataclass
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


@dataclass
class Gram(Term):
    """The match of which channels of a block fire together, wherever they do: `gram_matrix`.

    L. A. Gatys, A. S. Ecker and M. Bethge, arXiv:1505.07376, equation 3. It forgets positions, so that a student that
    sees fewer particles or frames than its teacher can be compared; blocks need as many channels. (B, C, C) is too
    large to be kept.
    """

    name = "Gram distance"
    needs_layers = True
    cacheable = False

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        return {f"gram.{i}": gram_matrix(a) for i, a in enumerate(layers)}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return hint_distance(teacher.numbered("gram"), student.numbered("gram"))

    def check(self, teacher: Output, student: Output) -> None:
        channels = [[a.shape[1] for a in output.numbered("gram")] for output in (teacher, student)]
        if not channels[0] or channels[0] != channels[1]:
            raise UserError(
                f"terms.gram: the teacher's blocks have {channels[0] or 'no'} channels, the student's "
                f"{channels[1] or 'no'}: choose a --student of the teacher's widths, or leave it out"
            )


ANNEALED = 0.75
"""Share of the iterations after which the temperature of `Dirichlet` is 1."""


@dataclass
class Dirichlet(Term):
    """What each member of an ensemble believes, not their mean alone: `dirichlet_nll`.

    A. Malinin, B. Mlodozeniec and M. Gales, "Ensemble distribution distillation", arXiv:1905.00076, equation 8. The
    mean of the student's Dirichlet distribution is the softmax of its logits, so that it is used as any other student;
    the sum of their exponentials says how sure the ensemble is together. It takes the place of the KL: ``terms.kl=0``.

    The temperature falls to 1 on the way (section 4), evenly until `ANNEALED` of the iterations: at any other one the
    exponentials of the logits would be no parameters of a distribution.
    """

    temperature: float = 1.0
    """Temperature of members and student at the beginning."""
    name = "Dirichlet likelihood"
    probe = MEMBERS
    changes = True
    done: float = field(default=0.0, init=False, compare=False, repr=False)
    """The share of the iterations that is done."""

    def begin(self, done: float) -> None:
        self.done = done

    @property
    def latest_temperature(self) -> float:
        """The temperature of this iteration."""
        return self.temperature + (1 - self.temperature) * min(self.done / ANNEALED, 1.0)

    def distance(self, teacher: Output, student: Output) -> Tensor:
        return dirichlet_nll(teacher.extras[MEMBERS], student.logits, self.latest_temperature).mean()

    def check(self, teacher: Output, student: Output) -> None:
        if MEMBERS not in teacher.extras:
            raise UserError(
                "terms.dirichlet: the teacher answers as one network; give the files of several, --teacher-path A B C, "
                "without teacher_draw"
            )


def term_of(name: str, weight: float, settings: object = None) -> Term:
    """Make a term of `TERMS`, and give it what a method's settings say of it: its fields that are named as they are.

    Raises:
        UserError: if there is none of that name.
    """
    kind: Any = lookup(TERMS, name, "term of the loss")
    names = [f.name for f in fields(kind) if f.init and f.name != "weight" and hasattr(settings, f.name)]
    term: Term = kind(weight, **{name: getattr(settings, name) for name in names})
    return term


TERMS: dict[str, type[Term]] = {
    "kl": KL,
    "attention": Attention,
    "hint": Hint,
    "similarity": Similarity,
    "gram": Gram,
    "jacobian": Jacobian,
    "jacobian_in_resolutions": JacobianInResolutions,
    "dirichlet": Dirichlet,
    "discriminator": Discriminator,
}
"""Terms that any method can be given by ``--set terms.NAME=WEIGHT``: each a `Term` that needs no argument but the
weight; a temperature or a resolution is that of the method's settings. The KL is there with weight 1 unless told
otherwise."""


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
