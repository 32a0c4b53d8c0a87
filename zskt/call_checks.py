"""What a call of `zskt.distill` must satisfy: source and settings fit the method, the networks run and answer alike.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from zskt.arguments import Loader, Network, precision_remedy, read_loader, shapes_of
from zskt.contracts import Batch
from zskt.dataset import Labelled, TensorSamples, of_each_class
from zskt.errors import SETTINGS_PAGE, UserError, listed, lookup, quoted
from zskt.experiments.config import is_unused
from zskt.experiments.preparation import first_samples
from zskt.forward import Pair, evaluating
from zskt.methods import METHODS, Method, Setup
from zskt.probabilities import are_probabilities
from zskt.settings import Settings
from zskt.teacher_access import GRADIENT, PROBABILITIES, AnswersOnly, granted, refusal

N_TRIED = 8
"""Samples on which networks are tried before a run begins."""


def require_method(kind: Any) -> None:
    """Check that a class of a user's own is a method, with all that `zskt.Method` leaves to it.

    Raises:
        UserError: if it is not.
    """
    remedy = "derive a class from zskt.Method, or give a name in zskt.METHODS"
    if not (isinstance(kind, type) and issubclass(kind, Method)):
        raise UserError(f"method: is {getattr(kind, '__name__', repr(kind))}, which is none; {remedy}")
    if missing := ", ".join(sorted(kind.__abstractmethods__)):
        raise UserError(f"method {kind.__name__}: lacks {missing}, which zskt.Method leaves to it")
    config: Any = getattr(kind, "Config", None)
    lengths = ("iterations", "epochs")
    if not (isinstance(config, type) and issubclass(config, Settings)) or not any(n in config.names() for n in lengths):
        raise UserError(
            f"method {kind.__name__}: lacks settings; give it Config, a frozen dataclass that derives from "
            "zskt.settings.Settings and has iterations and batch_size"
        )


def require_source(kind: type[Method], name: str, teacher: Network | None, generator: Any, data: Loader | None) -> None:
    """Check that a method is given what it learns from, and nothing that it leaves unused.

    Raises:
        UserError: if it is not.
    """
    if kind.needs_teacher and teacher is None:
        raise UserError(f"method {name} needs a teacher; without one, take method='supervised' and labelled data=")
    if kind.needs_generator and generator is None:
        raise UserError(
            f"method {name} needs a generator: for example generator=zskt.generators.tabular(low, high), "
            "zskt.generators.convnet(channels, size), or an iterator of your own pseudo-samples"
        )
    if kind.needs_data and data is None:
        raise UserError(f"method {name} learns from samples: give data=, a tensor or a DataLoader")
    if not kind.needs_data and data is not None:
        raise UserError(f"method {name} uses no data: leave data= out, or take method='kd'")
    if not kind.needs_generator and generator is not None:
        raise UserError(f"method {name} learns from data alone: leave generator= out, or data= and take method='zskt'")


def require_own_layers(teacher: nn.Module, student: nn.Module) -> None:
    """Raise `UserError` if training the student would change the teacher: a trained parameter or a buffer of both."""
    held = {id(t) for t in (*teacher.parameters(), *teacher.buffers())}
    trained = [(name, p) for name, p in student.named_parameters() if p.requires_grad]
    shared = [name for name, t in (*trained, *student.named_buffers()) if id(t) in held]
    if shared:
        raise UserError(
            f"student: shares {shared[0]} with the teacher, which training would change; give it a copy of its own, as "
            "by copy.deepcopy"
        )


def training_data(kind: type[Method], name: str, loader: Loader, settings: Any, seed: int) -> Labelled:
    """Read the samples that a method learns from; of each class as many as its settings say.

    Raises:
        UserError: if they lack the labels that it needs, are no batches, or a class has too few.
    """
    data = read_loader(loader, "data")
    if kind.needs_labels and bool((data.labels < 0).any()):
        raise UserError(
            f"method {name} needs labels: give data= as batches (x, labels), labels of integers, or take method='kd'"
        )
    count = getattr(settings, "samples_per_class", 0)
    if not count:
        return data
    classes = {k: str(k) for k in torch.unique(data.labels).tolist()}
    return of_each_class(data, classes, count, seed, asked_by="samples_per_class")


def settings_of(kind: type[Method], name: str, iterations: int | None, settings: dict[str, Any]) -> Settings:
    """Make the settings of a method from those of a call; ``iterations`` of a method without are its epochs.

    Raises:
        UserError: if the method has no such setting, or a value cannot be.
    """
    names = dict.fromkeys(kind.Config.names())
    if "init_from_run" in settings and "init_from_run" in names:
        raise UserError("init_from_run: is what the command line records; give student=zskt.load_run(FOLDER).student")
    for setting in settings:
        lookup(names, setting, f"setting of method {name}", SETTINGS_PAGE)
        if is_unused(kind, setting):
            raise UserError(f"{setting}: method {name} trains no generator; leave it out")
    length = {} if iterations is None else {kind.Config.length_name: iterations}
    if twice := ", ".join(length.keys() & settings.keys()):
        both = f"iterations={iterations} and {twice}={settings[twice]}"
        raise UserError(f"{both}: are the same of method {name}; give one of them")
    return kind.Config(**length, **settings)


def asked_of(network: nn.Module, kind: type[Method], name: str, requested: str) -> nn.Module:
    """Return what a method gets to see of a teacher.

    Raises:
        UserError: if it needs more.
    """
    access = granted(requested, getattr(network, "differentiable", True), kind.accesses)
    if access is None:
        raise UserError(f"{refusal(name, requested or PROBABILITIES, METHODS)} as method=")
    if access == GRADIENT:
        return network
    return AnswersOnly(network, access, may_be_probabilities=True)


@torch.no_grad()
def tried(setup: Setup, asked: nn.Module | None, *, needs_labels: bool) -> Batch:
    """Run both networks on a few samples, and return these; modes and random streams stay as they were.

    Args:
        asked: the teacher itself, of which the method may see less.

    Raises:
        UserError: if a network does not run on them, or the two answer different numbers of classes; or if some data
            are NaN or infinite, with which the student cannot do.
    """
    meter = setup.pair.meter
    with evaluating(setup.generator):
        x = first_samples(setup, N_TRIED if meter is None else meter.affordable(N_TRIED))
    teacher, student = setup.pair.teacher, setup.pair.student
    remedy = "choose another generator" if setup.data is None else "give data= of another shape or kind"
    shapes = {}
    if teacher is not None and not isinstance(teacher, AnswersOnly):
        shapes["teacher"] = _answer("teacher", teacher, teacher, x, remedy).shape[1]
    with torch.enable_grad():
        logits = _answer("student", student, student, x, remedy)
    if are_probabilities(logits[:, : logits.shape[1] - getattr(student, "regressions", 0)]):
        raise UserError("student: answers probabilities, but losses take logits; leave its softmax out")
    shapes["student"] = logits.shape[1]
    if setup.data is not None:
        _require_finite(student, setup.data, setup.device)
    if isinstance(teacher, AnswersOnly):
        teacher.classes = shapes["student"]  # which one that answers classes does not say
        shapes["teacher"] = _answer("teacher", teacher, teacher if asked is None else asked, x, remedy).shape[1]
    if len(set(shapes.values())) > 1:
        raise UserError(
            f"the teacher answers {shapes['teacher']} numbers a sample, the student {shapes['student']}: give the "
            "student as many outputs"
        )
    require_same_heads(setup.pair)
    if not logits.requires_grad:
        raise UserError(
            "student: its answers have no gradient by its parameters; let some have requires_grad, and forward detach "
            "nothing"
        )
    if needs_labels and setup.data is not None and len(setup.data):
        require_classes(setup.data.labels, shapes["student"])
    return x


def _require_finite(student: nn.Module, data: Labelled, device: torch.device) -> None:
    """Raise `UserError` if samples have NaN or infinity, of which the student makes no numbers."""
    assert isinstance(data.samples, TensorSamples)
    broken = [~t.isfinite() for t in data.samples.x]
    rows = torch.stack([b.flatten(1).any(1) for b in broken]).any(0)
    if not rows.any():
        return
    with evaluating(student):
        answer = student(*(t[rows][:N_TRIED].to(device) for t in data.samples.x))
    if answer.isfinite().all():
        return
    columns = broken[0].any(0).nonzero().flatten().tolist() if len(broken) == 1 and broken[0].dim() == 2 else []
    name = "column" if len(columns) == 1 else "columns"
    where = f" in {name} {listed([str(i) for i in columns], N_TRIED)}" if columns else ""
    raise UserError(
        f"data: {int(rows.sum())} of {len(data)} samples have empty or infinite entries (NaN, inf){where}; leave these "
        "samples out, or fill the entries"
    )


def _answer(role: str, network: nn.Module, own: nn.Module, x: Batch, remedy: str) -> Tensor:
    """Ask a network in evaluation mode, and return (B, K + R).

    Args:
        own: the network itself, of which less may be seen.

    Raises:
        UserError: if it does not run, or answers anything else.
    """
    try:
        with evaluating(network):
            logits = network(*x)
    except UserError:
        raise
    except Exception as error:  # networks raise whatever their operators do
        raise does_not_run(role, own, x, error, remedy) from error
    return require_logits(role, network, logits, len(x[0]))


def require_logits(role: str, network: nn.Module, answer: Any, samples: int) -> Tensor:
    """Return what a network answers, if it is (B, K + R).

    Args:
        samples: B.

    Raises:
        UserError: if it is something else, or one number a sample that nothing says to be a label of its own.
    """
    if not isinstance(answer, Tensor) or answer.dim() != 2:
        shape = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        if role == "teacher" and shape == (samples,) and not answer.is_floating_point():
            raise UserError(f'teacher: answers with classes {shape}, not logits (B, K); say teacher_access="top-class"')
        raise UserError(f"{role}: answers with {shape}, not with logits (B, K); wrap it in a function that does")
    if len(answer) != samples:
        raise UserError(f"{role}: answers {samples} samples with {len(answer)} rows; give one for each of them")
    if answer.shape[1] == 1 and not any(getattr(network, head, 0) for head in ("regressions", "bernoulli")):
        raise UserError(
            f"{role}: answers one number a sample, which is no choice of classes; if it is the logit of a "
            f"probability, wrap both networks as zskt.networks.bernoulli_head.BernoulliHead({role})"
        )
    return answer


def does_not_run(role: str, network: nn.Module, x: Batch, error: Exception, remedy: str) -> UserError:
    """Word the error of a network that fails on samples; ``remedy`` is what to do, if its precision is theirs."""
    if len(x) > 1 and x[-1].dim() == 1:
        remedy = f"the last tensor is {str(x[-1].dtype).removeprefix('torch.')}, and taken for an input; if it holds "
        remedy += "labels, give labels.long()"
    else:
        remedy = precision_remedy(role, network, x, str(error)) or remedy
    return UserError(f"{role}: does not run on samples of shape {shapes_of(x)} ({quoted(error)}); {remedy}")


def require_same_heads(pair: Pair) -> None:
    """Raise `UserError` if teacher and student do not answer alike: classes, independent labels, regressed values."""
    if pair.teacher is None:
        return
    values = getattr(pair.teacher, "regressions", 0)
    if values != getattr(pair.student, "regressions", 0):
        raise UserError(
            f"the teacher regresses {values} values beside its classes: wrap the student as "
            f"zskt.networks.regression_head.RegressionHead(student, {values})"
        )
    labels, others = (bool(getattr(network, "bernoulli", False)) for network in (pair.teacher, pair.student))
    if labels != others:
        role, other = ("teacher", "student") if labels else ("student", "teacher")
        raise UserError(
            f"the {role} answers independent labels, the {other} one choice of classes: wrap the {other} as "
            f"zskt.networks.bernoulli_head.BernoulliHead({other})"
        )


def require_classes(labels: Tensor, count: int, *, has_none: bool = False) -> None:
    """Raise `UserError` if a label is of none of the student's classes.

    Args:
        has_none: whether one more says that a sample is of none of them.
    """
    if int(labels.max()) >= count + has_none:
        raise UserError(f"labels: go up to {int(labels.max())}, but the student's classes are 0 to {count - 1}")
