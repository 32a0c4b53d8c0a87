"""The Python interface: distil any network into any other, for a notebook; no files unless asked.

Shapes: B batch, K classes.
"""

from __future__ import annotations

import sys
import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from zskt.arguments import (
    FunctionNetwork,
    Loader,
    Network,
    as_device,
    as_generator,
    as_integer,
    as_network,
    frozen,
    read_loader,
    shapes_of,
)
from zskt.contracts import Batch
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.errors import RankLost, UserError, lookup
from zskt.experiments.config import require_settings
from zskt.experiments.preparation import calibrate, first_samples, require_fit
from zskt.forward import LAYERS, PRECISIONS, Pair, evaluating
from zskt.methods import BY_ANSWERS, METHODS, Method, Setup, iterate, iterations_of
from zskt.metrics import Predictions, compare, network_metrics, predict
from zskt.networks.regression_head import RegressionHead
from zskt.parallel.collectives import make_same
from zskt.parallel.distributed import group, placed
from zskt.parallel.ranks import announced, world
from zskt.query_budget import METER, BudgetSpent, QueryMeter
from zskt.settings import MOST_SEED, Settings
from zskt.teacher_access import ACCESSES, GRADIENT, PROBABILITIES, TOP_CLASS, AnswersOnly, granted, refusal

N_TRIED = 8
"""Samples on which networks are tried before a run begins."""


@dataclass
class Run:
    """A run of a method: what it left, and what it measured."""

    student: nn.Module
    """The student, in evaluation mode."""
    method: str
    """Name of the method, in `zskt.METHODS`."""
    settings: Settings
    """The method's settings."""
    seed: int = 0
    precision: str = "float32"
    """In what both networks computed, one of `zskt.forward.PRECISIONS`."""
    attention_layers: str = "last"
    """Which layers were compared, one of `zskt.forward.LAYERS`."""
    metrics: list[dict[str, float]] = field(default_factory=list)
    """What each iteration logged; "test/..." where it was evaluated."""
    evaluation: dict[str, Any] = field(default_factory=dict)
    """Metrics of the student on the samples that it was evaluated on; empty without any."""
    teacher_queries: int = 0
    """Samples that the teacher was asked about."""
    steps: int = 0
    """Steps of the student."""
    seconds: float = 0.0
    example: Batch = ()
    """A few samples of what the networks take."""

    def save(self, folder: str | Path) -> Path:
        """Write the run into a new folder: `zskt.load_run` reads it. Of several ranks the first one writes.

        Raises:
            UserError: if the folder is not empty.
        """
        from zskt.saved import save_run

        return save_run(self, Path(folder)) if announced().leader else Path(folder)


def distill(
    teacher: Network | None,
    student: nn.Module,
    *,
    generator: Any = None,
    prior: Any = None,
    data: Loader | None = None,
    method: str | type[Method] | None = None,
    iterations: int | None = None,
    teacher_access: str | None = None,
    queries: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    precision: str = "float32",
    attention_layers: str = "last",
    evaluate: Loader | None = None,
    evaluate_every: int = 0,
    progress: bool | None = None,
    **settings: Any,
) -> Run:
    """Distil a teacher into a student, without data or from samples; under torchrun on all its processes together.

    Args:
        teacher: any network, or any function that answers a batch with logits (B, K). It is frozen meanwhile, and left
            as it was. A generator that is trained needs gradients through it, unless ``teacher_access`` says that it
            has none: then a function, which may ask a service, may also answer probabilities (B, K), or classes (B,).
        student: trained in place, on ``device``.
        generator: a `zskt.Generator`, such as ``zskt.generators.tabular(low, high)``; or a user's own pseudo-samples:
            an iterator of batches, or a function of (count, rng).
        prior: with methods that invert the teacher, as "fast": a second generator, or pseudo-samples of your own, which
            are not trained and teach beside those that the method makes.
        data: samples to learn from instead: a tensor, a DataLoader.
        method: a name in `zskt.METHODS`, or a class of your own that derives from `zskt.Method`; by default "kd" with
            data, and with a generator "zskt", or "prior-only" where answers alone are seen.
        iterations: of the method; epochs of method "supervised".
        teacher_access: what the method sees of the teacher: "gradient", "probabilities" or "top-class"; by default what
            the method is made for.
        queries: samples that the teacher may be asked about, at most; by default any number. All are counted, those
            that see whether teacher and student fit among them, but for ``evaluate``. Without ``iterations`` the run is
            as long as they last, where the method says what an iteration costs.
        seed: seed of every random stream; torch's own stream is left as it was.
        precision: "float32", or "bf16" for processors and GPUs that are faster in it: networks then compute in it
            wherever PyTorch's automatic mixed precision takes it. Parameters, losses and evaluation are float32.
        attention_layers: which layers an attention match or a hint compares where one network names more of them: as
            many as both have, the "last" or the "first".
        evaluate: samples, with labels if there are any, on which the student is measured, at the end and
            ``evaluate_every`` iterations; never used to choose a student.
        progress: whether to draw a bar; by default on a terminal.
        settings: the method's other settings, as ``batch_size=256``: see ``zskt.METHODS[method].Config``.

    Raises:
        UserError: if something does not fit together; one line says what to do.
        NonFiniteLoss: if a loss or a gradient is NaN or infinite, naming iteration and term.
        RankLost: if another process of the same run ends.
    """
    seed, queries = as_integer("seed", seed), None if queries is None else as_integer("queries", queries)
    if not -MOST_SEED <= seed <= MOST_SEED:
        raise UserError(f"seed: is {seed}; give one of at most {MOST_SEED}")
    if teacher_access:
        lookup(dict.fromkeys(ACCESSES), teacher_access, "teacher access")
    lookup(dict.fromkeys(PRECISIONS), precision, "precision")
    lookup(dict.fromkeys(LAYERS), attention_layers, "choice of attention_layers")
    by_answers = teacher_access in (PROBABILITIES, TOP_CLASS) or not getattr(teacher, "differentiable", True)
    method = method or ("kd" if data is not None else BY_ANSWERS if by_answers else "zskt")
    kind = lookup(METHODS, method, "method") if isinstance(method, str) else method
    registered = {other: name for name, other in METHODS.items()}
    name = registered.get(kind, kind.__name__)
    _require_source(kind, name, teacher, generator, data)
    if prior is not None and not kind.takes_prior:
        able = ", ".join(name for name, other in METHODS.items() if other.takes_prior)
        raise UserError(f"method {name} takes no prior: leave prior= out, or take one of {able}")
    config = _settings(kind, name, iterations, settings)
    if iterations is None and "iterations" not in settings and queries:
        config = config.with_(iterations=iterations_of(kind, config, queries))
    device = placed(as_device(device))
    if not isinstance(student, nn.Module):
        raise UserError(f"student: is a {type(student).__name__}; give an nn.Module, which can be trained")
    if teacher is student:
        raise UserError("student: is the teacher itself; give another network")
    network = None if teacher is None else as_network(teacher).to(device)
    asked = None if network is None else _asked(network, kind, name, teacher_access or "")
    meter = QueryMeter(queries or 0) if isinstance(asked, AnswersOnly) or queries else None
    test = None if evaluate is None else read_loader(evaluate)
    counting = nullcontext() if meter is None else meter.on(asked)
    with group(device), torch.random.fork_rng(), frozen(network or nn.Identity()), counting:
        torch.manual_seed(seed)
        student = student.to(device).train()
        make_same(network, student)
        setup = Setup(
            pair=Pair(
                teacher=asked,
                student=student,
                regression_scale=student.scale if isinstance(student, RegressionHead) else None,
                gaussians=student.gaussians if isinstance(student, RegressionHead) else (),
                precision=precision,
                attention_layers=attention_layers,
                meter=meter,
            ),
            generator=as_generator(generator).to(device).train() if kind.needs_generator else None,
            prior=None if prior is None else as_generator(prior).to(device).eval().requires_grad_(False),
            data=None if data is None else _training_data(kind, name, data),
            inputs=TensorInputs() if data is not None else None,
            seed=seed,
            device=device,
        )
        example = _try(setup, needs_labels=kind.needs_labels)
        with evaluating(setup.generator):
            calibrate(setup)
        if test is not None:
            _evaluate(student, None, test, device)  # what cannot be judged is told before the run, not after it
        is_image = len(example) == 1 and example[0].dim() == 4
        require_settings(config, "images" if is_image else "tensors", "of this call")
        trained = kind(config, setup)
        if meter is not None:
            trained.state.parts[METER] = meter
        try:
            require_fit(trained, setup, example)
        except BudgetSpent as error:
            raise UserError(f"queries={queries}: spent before the run begins; give more") from error
        run = Run(student, name, config, seed, precision, attention_layers, example=tuple(t.cpu() for t in example))
        shown = (sys.stderr.isatty() if progress is None else progress) and world().leader
        judge = asked if isinstance(network, FunctionNetwork) else network
        _train(trained, run, judge, test, evaluate_every, shown)
        run.student = trained.result.eval()
        if test is not None:
            with nullcontext() if meter is None else meter.paused():
                run.evaluation = _evaluate(run.student, judge, test, device)
    return run


def _asked(network: nn.Module, kind: type[Method], name: str, requested: str) -> nn.Module:
    """Return what a method gets to see of a teacher.

    Raises:
        UserError: if it needs more.
    """
    access = granted(requested, getattr(network, "differentiable", True), kind.accesses)
    if access is None:
        raise UserError(f"{refusal(name, requested or PROBABILITIES, METHODS)} as method=")
    if access == GRADIENT:
        return network
    return AnswersOnly(network, access, may_be_probabilities=isinstance(network, FunctionNetwork))


def _require_source(
    kind: type[Method], name: str, teacher: Network | None, generator: Any, data: Loader | None
) -> None:
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


def _training_data(kind: type[Method], name: str, loader: Loader) -> Labelled:
    data = read_loader(loader)
    if kind.needs_labels and bool((data.labels < 0).any()):
        raise UserError(
            f"method {name} needs labels: give data= as batches (x, labels), labels of integers, or take method='kd'"
        )
    return data


def _settings(kind: type[Method], name: str, iterations: int | None, settings: dict[str, Any]) -> Settings:
    names = dict.fromkeys(kind.Config.names())
    for setting in settings:
        lookup(names, setting, f"setting of method {name}")
    length = {} if iterations is None else {"iterations" if "iterations" in names else "epochs": iterations}
    return kind.Config(**length, **settings)


@torch.no_grad()
def _try(setup: Setup, *, needs_labels: bool) -> Batch:
    """Run both networks on a few samples, and return these; modes and random streams stay as they were.

    Raises:
        UserError: if a network does not run on them, or the two answer different numbers of classes.
    """
    meter = setup.pair.meter
    with evaluating(setup.generator):
        x = first_samples(setup, N_TRIED if meter is None else meter.affordable(N_TRIED))
    if isinstance(setup.pair.teacher, AnswersOnly):
        with evaluating(setup.pair.student):
            setup.pair.teacher.classes = setup.pair.student(*x).shape[1]
    shapes = {}
    for role, network in (("teacher", setup.pair.teacher), ("student", setup.pair.student)):
        if network is None:
            continue
        try:
            with evaluating(network), torch.set_grad_enabled(role == "student"):
                logits = network(*x)
        except UserError:
            raise
        except Exception as error:  # networks raise whatever their operators do
            remedy = "choose another generator" if setup.data is None else "give data= of another shape or kind"
            raise _does_not_run(role, x, error, remedy) from error
        if not isinstance(logits, Tensor) or logits.dim() != 2:
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise UserError(f"{role}: answers with {shape}, not with logits (B, K); wrap it in a function that does")
        shapes[role] = logits.shape[1]
        if logits.shape[1] == 1 and not any(getattr(network, head, 0) for head in ("regressions", "bernoulli")):
            raise UserError(
                f"{role}: answers one number a sample, which is no choice of classes; if it is the logit of a "
                f"probability, wrap both networks as zskt.networks.bernoulli_head.BernoulliHead({role})"
            )
    if len(set(shapes.values())) > 1:
        raise UserError(
            f"the teacher answers {shapes['teacher']} numbers a sample, the student {shapes['student']}: give the "
            "student as many outputs"
        )
    _require_same_heads(setup.pair)
    if not logits.requires_grad:  # the student's, which are the last
        raise UserError(
            "student: its answers have no gradient by its parameters; let some have requires_grad, and forward detach "
            "nothing"
        )
    if needs_labels and setup.data is not None and len(setup.data):
        _require_classes(setup.data.labels, shapes["student"])
    return x


def _does_not_run(role: str, x: Batch, error: Exception, remedy: str) -> UserError:
    first = " ".join(str(error).split())[:160]
    return UserError(f"{role}: does not run on samples of shape {shapes_of(x)} ({first}); {remedy}")


def _require_same_heads(pair: Pair) -> None:
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


def _train(
    method: Method, run: Run, teacher: nn.Module | None, test: Labelled | None, every: int, progress: bool
) -> None:
    """Run the method; Ctrl-C ends it early, and the run keeps what it has."""
    settings: Any = run.settings  # of every method: they have iterations
    begin, total = time.monotonic(), int(settings.iterations)
    try:
        for metrics in tqdm(iterate(method), run.method, total, disable=not progress, unit="it"):
            if every and test is not None and method.state.step % every == 0:
                meter = method.state.parts.get(METER)
                with meter.paused() if isinstance(meter, QueryMeter) else nullcontext():
                    scores = _evaluate(method.result, teacher, test, method.state.device)
                metrics |= {f"test/{key}": value for key, value in scores.items() if isinstance(value, float)}
            run.metrics.append(metrics)
    except KeyboardInterrupt:
        warnings.warn(f"stopped after {method.state.step} of {total} iterations", stacklevel=3)
    run.seconds = time.monotonic() - begin
    run.steps = int(method.state.counters.get("steps", 0))
    run.teacher_queries = int(method.state.counters.get("teacher_queries", 0))


@torch.no_grad()
def _predictions(role: str, network: nn.Module, data: Labelled, device: torch.device) -> Predictions:
    """Ask a network about all samples.

    Raises:
        UserError: if it does not run on them, or answers with NaN.
    """
    first = data[:N_TRIED].samples
    assert isinstance(first, TensorSamples)
    try:
        answers = predict(network, data, TensorInputs(), device)
    except (UserError, RankLost):
        raise
    except Exception as error:  # networks raise whatever their operators do
        remedy = "give samples that it takes; labels are integers, (B,)"
        raise _does_not_run(role, first.x, error, remedy) from error
    if broken := int(answers.logits.isnan().flatten(1).any(1).sum()):
        raise UserError(f"{role}: answers with NaN for {broken} of {len(data)} samples; leave these samples out")
    return answers


def _evaluate(student: nn.Module, teacher: nn.Module | None, data: Labelled, device: torch.device) -> dict[str, Any]:
    answers = _predictions("student", student, data, device)
    labels = _positions(data.labels, answers.logits)
    reference = None if teacher is None else _predictions("teacher", teacher, data, device)
    if reference is not None and reference.logits.shape != answers.logits.shape:
        shapes = [tuple(p.logits.shape[1:]) for p in (reference, answers)]
        raise UserError(
            f"the teacher answers {shapes[0]} numbers a sample, the student {shapes[1]}: they cannot be compared"
        )
    regressed = () if answers.values is None else tuple(map(str, range(answers.values.shape[1])))
    scores = network_metrics("student", None, answers, labels) | compare(reference, answers, regressed)
    names = ("agreement", "kl", "accuracy", "auc", "ece", *(["values"] if "values" in scores else []))
    return {name: scores[name] for name in names} | {"count": len(data)}


def _require_classes(labels: Tensor, count: int, *, has_none: bool = False) -> None:
    """Raise `UserError` if a label is of none of the student's classes.

    Args:
        has_none: whether one more says that a sample is of none of them.
    """
    if int(labels.max()) >= count + has_none:
        raise UserError(f"labels: go up to {int(labels.max())}, but the student's classes are 0 to {count - 1}")


def _positions(labels: Tensor, logits: Tensor) -> Tensor:
    """Return labels (B,) as metrics take them: of one label that is or is not, 1 is the one, and first in the logits.

    Raises:
        UserError: if a label is of no class.
    """
    is_one = logits.dim() > 2 and logits.shape[1] == 1
    _require_classes(labels, 2 if is_one else logits.shape[1], has_none=logits.dim() > 2 and not is_one)
    return torch.where(labels >= 0, 1 - labels, labels) if is_one else labels


def evaluate(
    student: Network, teacher: Network | None, loader: Loader, *, device: str | torch.device = "cpu"
) -> dict[str, Any]:
    """Measure a student beside its teacher: agreement, KL (nats), accuracy, AUC, calibration error, count of samples.

    Regressed values are compared as "values", by their number. Of a network of one label, as
    `zskt.networks.bernoulli_head.BernoulliHead` has it, a sample with the label 1 has it, and one with 0 has not.

    Args:
        teacher: None leaves agreement and KL out.
        loader: samples, with labels behind if there are any; without, accuracy, AUC and ECE are None.

    Raises:
        UserError: if the loader yields nothing, or what is no batch.
    """
    device = as_device(device)
    networks = [None if n is None else as_network(n).to(device) for n in (student, teacher)]
    assert networks[0] is not None
    return _evaluate(networks[0], networks[1], read_loader(loader), device)
