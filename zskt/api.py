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
from torch import nn
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
    require_usable,
)
from zskt.call_checks import (
    asked_of,
    require_method,
    require_own_layers,
    require_source,
    settings_of,
    training_data,
    tried,
)
from zskt.contracts import Batch
from zskt.dataset import Labelled, TensorInputs
from zskt.errors import UserError, lookup
from zskt.experiments.config import require_settings
from zskt.experiments.preparation import calibrate, require_fit, without_layers
from zskt.forward import LAYERS, PRECISIONS, Pair, evaluating
from zskt.judged import evaluated
from zskt.methods import (
    BY_ANSWERS,
    METHODS,
    Method,
    Setup,
    iterate,
    iterations_of,
    require_a_step,
    require_affordable,
)
from zskt.networks.regression_head import RegressionHead
from zskt.parallel.collectives import make_same
from zskt.parallel.distributed import group, placed
from zskt.parallel.ranks import announced, world
from zskt.query_budget import METER, BudgetSpent, QueryMeter
from zskt.settings import MOST_SEED, Settings
from zskt.teacher_access import ACCESSES, PROBABILITIES, TOP_CLASS, AnswersOnly, answering_logits


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
            A function may answer with arrays of NumPy, which have no gradient.
        student: trained in place, on ``device``.
        generator: a `zskt.Generator`, such as ``zskt.generators.tabular(low, high)``; or a user's own pseudo-samples:
            an iterator of batches, or a function of (count, rng).
        prior: with methods that invert the teacher, as "fast": a second generator, or pseudo-samples of your own, which
            are not trained and teach beside those that the method makes.
        data: samples to learn from instead: a tensor, an array of NumPy, a DataLoader.
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
    if not 0 <= seed <= MOST_SEED:
        raise UserError(f"seed: is {seed}; give one of at {'least 0' if seed < 0 else f'most {MOST_SEED}'}")
    if teacher_access:
        lookup(dict.fromkeys(ACCESSES), teacher_access, "teacher access")
    lookup(dict.fromkeys(PRECISIONS), precision, "precision")
    lookup(dict.fromkeys(LAYERS), attention_layers, "choice of attention_layers")
    by_answers = teacher_access in (PROBABILITIES, TOP_CLASS) or not getattr(teacher, "differentiable", True)
    method = method or ("kd" if data is not None else BY_ANSWERS if by_answers else "zskt")
    fitting = {n: k for n, k in METHODS.items() if n == method or k.needs_data == (data is not None)}
    kind = lookup(fitting, method, "method") if isinstance(method, str) else method
    require_method(kind)
    registered = {other: name for name, other in METHODS.items()}
    name = registered.get(kind, kind.__name__)
    require_source(kind, name, teacher, generator, data)
    if prior is not None and not kind.takes_prior:
        able = ", ".join(name for name, other in METHODS.items() if other.takes_prior)
        raise UserError(f"method {name} takes no prior: leave prior= out, or take one of {able}")
    if evaluate_every and evaluate is None:
        raise UserError(f"evaluate_every={evaluate_every}: give samples to measure the student on, as evaluate=loader")
    config = settings_of(kind, name, iterations, settings)
    if iterations is None and "iterations" not in settings and queries:
        length = iterations_of(kind, config, queries)
        config = config if length is None else config.with_length(length)
    device = placed(as_device(device))
    if not isinstance(student, nn.Module):
        raise UserError(f"student: is a {type(student).__name__}; give an nn.Module, which can be trained")
    if teacher is student:
        raise UserError("student: is the teacher itself; give another network")
    require_usable("student", student, learns=True)
    network = None if teacher is None else as_network(teacher)
    if network is not None:
        require_usable("teacher", network, learns=False)
        require_own_layers(network.to(device), student)
    config = config.with_(**without_layers(kind, config, network, settings))
    asked = None if network is None else asked_of(network, kind, name, teacher_access or "")
    meter = QueryMeter(queries or 0) if isinstance(asked, AnswersOnly) or queries else None
    test = None if evaluate is None else read_loader(evaluate, "evaluate")
    counting = nullcontext() if meter is None else meter.on(asked)
    softmax = answering_logits(network if asked is network else None)  # answers alone are read by `AnswersOnly`
    with group(device), torch.random.fork_rng(), frozen(network or nn.Identity()), softmax, counting:
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
            data=None if data is None else training_data(kind, name, data, config, seed),
            inputs=TensorInputs() if data is not None else None,
            seed=seed,
            device=device,
        )
        trial = QueryMeter()  # of what is asked before the run, where no meter counts all
        try:
            with trial.counting(asked):
                example = tried(setup, network, needs_labels=kind.needs_labels)
                with evaluating(setup.generator):
                    calibrate(setup)
                if test is not None:
                    evaluated(student, None, test, device)  # what cannot be judged is told before the run, not after it
                require_settings(config, domain_of(example), "of this call")
                if asked is not None:
                    config = kind.within_budget(config, queries or 0, setup)
                trained = kind(config, setup)
                require_fit(trained, setup, example)
        except BudgetSpent as error:
            raise UserError(f"queries={queries}: spent before the run begins; give more") from error
        if meter is not None:
            trained.state.parts[METER] = meter
        elif trial.asked:
            trained.state.count("teacher_queries", trial.asked)
        require_affordable(trained, config)
        run = Run(student, name, config, seed, precision, attention_layers, example=tuple(t.cpu() for t in example))
        shown = (sys.stderr.isatty() if progress is None else progress) and world().leader
        judge = asked if isinstance(network, FunctionNetwork) else network
        _train(trained, run, judge, test, evaluate_every, shown)
        run.student = trained.result.eval()
        if test is not None:
            with nullcontext() if meter is None else meter.paused():
                run.evaluation = evaluated(run.student, judge, test, device)
    return run


def domain_of(x: Batch) -> str:
    """Name the domain of what a teacher is called with, by its shape: settings are for some domains alone.

    Args:
        x: one tensor (B, F) of vectors, (B, C, H, W) of images, (B, T, F) or (B, T, C, H, W) of frames, or others.
    """
    one = len(x) == 1
    return {2: "vectors", 3: "frames", 4: "images", 5: "frames"}.get(x[0].dim() if one else 0, "tensors")


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
                    scores = evaluated(method.result, teacher, test, method.state.device)
                metrics |= {f"test/{key}": value for key, value in scores.items() if isinstance(value, float)}
            run.metrics.append(metrics)
    except KeyboardInterrupt:
        untrained = "" if method.state.student_steps else ", before the student's first step"
        warnings.warn(f"stopped after {method.state.step} of {total} iterations{untrained}", stacklevel=3)
    else:
        require_a_step(method)
    run.seconds = time.monotonic() - begin
    run.steps = int(method.state.counters.get("steps", 0))
    run.teacher_queries = int(method.state.counters.get("teacher_queries", 0))


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
    networks = [None if n is None else as_network(n) for n in (student, teacher)]
    for role, network in zip(("student", "teacher"), networks, strict=True):
        if network is not None:
            require_usable(role, network, learns=False)
            network.to(device)
    assert networks[0] is not None
    return evaluated(networks[0], networks[1], read_loader(loader), device)
