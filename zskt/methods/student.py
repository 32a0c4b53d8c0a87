"""The student's side of every method: the terms that it minimises, and a step on a batch that is answered.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zskt.checkpoint import TrainState
from zskt.contracts import Batch
from zskt.cuda_graphs import Replayed, is_replayable
from zskt.errors import UserError
from zskt.forward import Output, Pair
from zskt.images.augment import cutmix, mixup
from zskt.losses import divergence
from zskt.markdown import integer
from zskt.methods.method import Metrics
from zskt.optim import require_finite, set_rate, step
from zskt.parallel import collectives
from zskt.terms import KL, TERMS, Attention, Values, student_loss, term_of
from zskt.terms.hint import Hint
from zskt.terms.term import Term, Trial

MAX_LISTED_CLASSES = 20
"""Of more classes, an iteration logs how many come up, not the share of each."""


class FurtherTerms(Protocol):
    """The setting of a method that names terms of the student's loss."""

    @property
    def terms(self) -> Mapping[str, float]: ...


class StudentSettings(FurtherTerms, Protocol):
    """The settings of a method from which `student_terms` makes the list of terms."""

    @property
    def temperature(self) -> float: ...
    @property
    def attention_weight(self) -> float: ...
    @property
    def hint_weight(self) -> float: ...
    @property
    def regression_weight(self) -> float: ...


def student_terms(config: StudentSettings, pair: Pair) -> list[Term]:
    """List the terms of ZSKT's equation 1, and whatever else the settings ask for; a term of weight 0 is left out.

    Raises:
        UserError: if one needs labels or has a setting of its own, or none is left.
    """
    regression_weight = config.regression_weight if pair.regression_scale is not None else 0.0
    terms: list[Term] = [
        KL(config.terms.get("kl", 1.0), temperature=config.temperature),
        Attention(config.attention_weight),
        Hint(config.hint_weight),
        Values(regression_weight, scale=pair.regression_scale, gaussians=pair.gaussians),
        *further_terms(config),
    ]
    for name, weight in config.terms.items():
        if weight and TERMS[name].needs_labels:
            raise UserError(f"terms.{name}: needs labels, from which --mode few-shot alone learns; leave it out")
    return some_of(terms)


def further_terms(config: FurtherTerms) -> list[Term]:
    """Make the terms that ``terms`` names, but for the KL, whose weight the methods read themselves.

    Raises:
        UserError: if there is none of a name, or it has a setting of its own, to which it would be added.
    """
    names = [name for name in config.terms if name != "kl"]
    for name in names:
        if hasattr(config, f"{name}_weight"):
            weight = f"{name}_weight={config.terms[name]:g}"
            raise UserError(f"terms.{name}: has a setting of its own; take {weight} instead")
    return [term_of(name, config.terms[name], config) for name in names]


def some_of(terms: Sequence[Term]) -> list[Term]:
    """Return those terms of a loss that have a weight.

    Raises:
        UserError: if none has one.
    """
    weighed = [term for term in terms if term.weight]
    if not weighed:
        raise UserError(
            "terms.kl is 0, and the student's loss has no other term: leave it out, or give another one a weight, such "
            "as attention_weight or terms.jacobian"
        )
    return weighed


@dataclass
class StudentStep:
    """One step of the student on a batch and the answers that it is to give.

    Args:
        optimizer: of the student's parameters.
        average: an exponential moving average of the student, if one is kept.
    """

    pair: Pair
    terms: Sequence[Term]
    state: TrainState
    optimizer: torch.optim.Optimizer
    max_grad_norm: float = 0.0
    average: AveragedModel | None = None
    _replayed: Replayed[tuple[Tensor, Output]] = field(init=False)

    def __post_init__(self) -> None:
        fixed = not any(term.needs_gradient or term.changes for term in self.terms)
        self._replayed = Replayed(self._step, allowed=is_replayable(self.pair.student) and fixed)
        self.state.count("steps", 0)  # a student that has taken none is told from one whose steps nobody counts

    def __call__(self, x: Batch, target: Output, lr: float) -> tuple[Tensor, Output]:
        """Minimise the terms at a learning rate; the loss and the student's output, both without graph.

        On a GPU both are overwritten by the next step.
        """
        set_rate(self.optimizer, lr)
        names = tuple(target.extras)
        learning = [term for term in self.terms if term.part is not None]
        take = self._step if learning else self._replayed
        loss, output = take(*x, target.logits, *target.extras.values(), key=names)
        for term in learning:
            term.learn(target, output, lr)
        self.state.count("steps", 1)
        return loss, output

    def _step(self, *tensors: Tensor, key: tuple[str, ...]) -> tuple[Tensor, Output]:
        """Take the step; tensors are those of x, the logits, and the extras whose names are ``key``."""
        inputs = len(tensors) - len(key) - 1
        x, target = tensors[:inputs], Output(tensors[inputs], dict(zip(key, tensors[inputs + 1 :], strict=True)))
        output = self.pair.ask_student(x, self.terms)
        loss = student_loss(self.terms, target, output)
        step(loss, self.optimizer, self.max_grad_norm)
        if self.average is not None:
            update_average(self.average, self.pair.student)
        return loss.detach(), output.detach()

    def metrics(self, loss: Tensor, teacher: Tensor, student: Tensor) -> Metrics:
        """Return what an iteration logs of its last step: the loss, and `batch_metrics` of logits (B, K).

        Raises:
            NonFiniteLoss: on a GPU, if a loss or gradient of the iteration was NaN or infinite.
        """
        require_finite(self.optimizer, "student's")
        return {
            **as_numbers({"loss/student": loss}),
            **batch_metrics(collectives.whole(teacher), collectives.whole(student)),
        }

    @property
    def result(self) -> nn.Module:
        """The student that a run leaves: the average of the latest ones, if one is kept."""
        network: nn.Module = self.pair.student if self.average is None else self.average.module
        return network


def trainable(student: nn.Module) -> list[nn.Parameter]:
    """List the parameters of a student that are trained: those that are not frozen.

    Raises:
        UserError: if there are none.
    """
    parameters = [p for p in student.parameters() if p.requires_grad]
    if not parameters:
        raise UserError("student: all its parameters are frozen; call student.requires_grad_(True)")
    return parameters


class Alterations(Protocol):
    """The settings that change a batch before both networks answer it; the teacher is asked anew."""

    @property
    def cutmix(self) -> float: ...
    @property
    def mixup(self) -> bool: ...
    @property
    def jitter(self) -> float: ...


def alters(config: Alterations) -> bool:
    """Whether a batch is changed at all."""
    return bool(config.cutmix or config.mixup or config.jitter)


def altered(x: Batch, config: Alterations, rng: torch.Generator) -> Batch:
    """Change the first input of a batch, of which each rank has its own rows before and after, as the settings say."""
    if not alters(config):
        return x
    first = collectives.whole(x[0])
    if config.cutmix:
        first = cutmix(first, config.cutmix, rng)
    if config.mixup:
        first = mixup(first, rng)
    if config.jitter:
        first = first + config.jitter * torch.randn(first.shape, generator=rng, device=rng.device).to(first.device)
    return (collectives.own(first), *x[1:])


def require_gradient(answer: Output) -> None:
    """Raise `UserError` if the teacher's answer has no gradient by its input, which a trained generator follows."""
    if not answer.logits.requires_grad:
        raise UserError(
            "teacher: gives no gradient by its input, which a trained generator needs; say "
            'teacher_access="probabilities", or take a generator without parameters, or set generator_every=0'
        )


def require_comparable(terms: Sequence[Term], pair: Pair, x: Batch, inputs: Any = None, seed: int = 0) -> None:
    """Raise `UserError` if a term has nothing to compare in the two networks, tried on a few samples; else prepare it.

    Args:
        x: the samples, (B, ...) each.
        inputs: the input specification of both networks, where it is known.
        seed: of the initial parameters of what terms learn.
    """
    if pair.teacher is None:
        return
    teacher, student = (pair.forward(network, x, terms) for network in (pair.teacher, pair.student))
    for term in terms:
        term.check(teacher, student)
        term.prepare(Trial(pair, teacher, student, inputs, seed))


@torch.no_grad()
def copy_layers(source: nn.Module, target: nn.Module) -> int:
    """Copy the layers that are of the same name and shapes in both networks, whole or not at all.

    Returns:
        How many parameters of ``target`` were copied.
    """
    layers = dict(source.named_modules())
    copied = 0
    for name, module in target.named_modules():
        shapes = {key: tensor.shape for key, tensor in module.state_dict().items()}
        if name not in layers or any(module.children()) or not shapes:
            continue
        state = layers[name].state_dict()
        if {key: tensor.shape for key, tensor in state.items()} == shapes:
            module.load_state_dict(state)
            copied += sum(p.numel() for p in module.parameters())
    return copied


def init_from_teacher(pair: Pair) -> None:
    """Copy the teacher's layers of the same name and shapes into the student, statistics of normalisations included.

    V. Sanh et al., "DistilBERT", arXiv:1910.01108, section 2, begin a student so, from every other layer: a shallower
    network of the same widths begins as the teacher with blocks left out. A layer is taken whole or not at all: one
    whose normalisation was folded into it is another layer.

    Raises:
        UserError: if that is less than half of the student.
    """
    assert pair.teacher is not None
    copied = copy_layers(pair.teacher, pair.student)
    total = sum(p.numel() for p in pair.student.parameters())
    if 2 * copied < total:
        raise UserError(
            f"init_from_teacher: of the student's {integer(total)} parameters {integer(copied)} are in layers that the "
            "teacher has too, less than half: take a --student of the teacher's family and widths, or --set "
            "init_from_teacher=False"
        )


def ema_of(student: nn.Module, decay: float) -> AveragedModel | None:
    """Make an exponential moving average of the student's parameters and buffers; None without decay."""
    if not decay:
        return None
    weigh = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(student, multi_avg_fn=weigh, use_buffers=True)


@torch.no_grad()
def update_average(average: AveragedModel, student: nn.Module) -> None:
    """Update as `AveragedModel.update_parameters` does, but for its copy of a count to a GPU, which waits for it."""
    if not average.n_averaged:  # the first student is copied
        average.update_parameters(student)
        return
    assert average.multi_avg_fn is not None
    pairs: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for mean, latest in zip(_tensors(average.module), _tensors(student), strict=True):
        means, latests = pairs.setdefault(mean.dtype, ([], []))
        means.append(mean.detach())
        latests.append(latest.detach())
    for means, latests in pairs.values():
        average.multi_avg_fn(means, latests, average.n_averaged)
    average.n_averaged += 1


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()


def batch_metrics(teacher: Tensor, student: Tensor) -> Metrics:
    """Measure how sure both networks are, how far apart, and the teacher's classes: (B, K) of logits each.

    Of L independent labels, (B, L, 2), the share of positives stands for that of a class.
    """
    if not teacher.shape[1]:
        return {}
    p, q = teacher.softmax(-1), student.softmax(-1)
    top = teacher.argmax(-1)
    if teacher.dim() > 2:
        shares = (top == 0).float().mean(0)
    else:
        shares = (top.unsqueeze(1) == torch.arange(teacher.shape[1], device=top.device)).float().mean(0)
    classes = {f"teacher_class/{k}": share for k, share in enumerate(shares)}
    if len(shares) > MAX_LISTED_CLASSES:
        classes = {"teacher_classes": (shares > 0).sum()}
    return as_numbers(
        {
            "kl/pseudo": divergence(teacher, student).mean(),
            "confidence/teacher": p.amax(-1).mean(),
            "confidence/student": q.amax(-1).mean(),
            "agreement/pseudo": (top == q.argmax(-1)).float().mean(),
            **classes,
        }
    )


def as_numbers(scalars: Mapping[str, Tensor]) -> Metrics:
    """Read scalars, averaged over ranks, all at once: each reading of a GPU waits for it."""
    if not scalars:
        return {}
    values = collectives.mean(torch.stack([s.detach().float() for s in scalars.values()]))
    return dict(zip(scalars, values.tolist(), strict=True))
