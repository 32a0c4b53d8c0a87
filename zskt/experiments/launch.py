"""Launch a run of any method: build who takes part, check that they fit, run the loop, leave a run folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled, of_each_class, only_labelled
from zskt.domains import DOMAINS, Source
from zskt.ensemble import Drawn
from zskt.errors import UserError
from zskt.experiments.answers_data import answers_source, open_shards
from zskt.experiments.build import build_student, choose_device, load_student, load_teacher, taken_for
from zskt.experiments.catalog import Catalog
from zskt.experiments.compress import begin_healing, start_smaller
from zskt.experiments.config import LEARNS_FROM_DATA, RUN_SETTINGS, RunConfig, is_unused
from zskt.experiments.divergence import saying_what_is_left
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.finished import judged_before
from zskt.experiments.interrupt import working_in
from zskt.experiments.loggers.logger import RunDescription
from zskt.experiments.preparation import calibrate, require_fit, without_attention, without_layers
from zskt.experiments.projection import show_projection
from zskt.experiments.pseudo_pictures import PseudoPictures
from zskt.experiments.query_ledger import noted
from zskt.experiments.run_folder import RunFolder
from zskt.experiments.runner import (
    Options,
    begin_or_resume,
    keep_ledger,
    open_folder,
    require_room,
    train_loop,
    write_result,
)
from zskt.experiments.transfer import start_from_run
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.markdown import integer
from zskt.methods import BY_ANSWERS, METHODS, Method, Setup, require_affordable
from zskt.networks.regression_head import RegressionHead
from zskt.parallel.collectives import from_leader
from zskt.parallel.distributed import group, in_turn, placed
from zskt.query_budget import METER, BudgetSpent, QueryMeter
from zskt.storage.folder_lock import FolderLock
from zskt.storage.run_files import QUERIES, require_new
from zskt.teacher_access import GRADIENT, PROBABILITIES, AnswersOnly, granted, refusal
from zskt.terminal import note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEFORE = "before the run begins; give more"
"""When a budget is spent that does not last for what is tried first."""


def launch(config: RunConfig, catalog: Catalog, options: Options) -> tuple[Path, dict[str, Any]]:
    """Run a configuration, on all processes that torchrun started; the run folder and its result.

    Raises:
        UserError: if anything that was asked for cannot be.
        NonFiniteLoss: if the run diverges.
        RankLost: if another process of it ends before.
    """
    require_room(options)
    catalog.require(config)
    device = placed(choose_device(options.device))
    again = options.out or "RUN_FOLDER"
    with group(device, f"; continue with the same command and --resume --out {again}"):
        return _run(config, catalog, options, device)


def _run(config: RunConfig, catalog: Catalog, options: Options, device: torch.device) -> tuple[Path, dict[str, Any]]:
    card = catalog.card(config)
    domain = DOMAINS[card.domain]
    if config.mode == "compress" and options.data is None and options.start is not None:
        options = replace(options, data=judged_before(options.start, card))
    shards = open_shards(config, card, options)
    if shards is not None and config.queries:
        raise UserError(f"--queries {config.queries}: the answers in {options.data} are there already; leave it out")
    if shards is None:
        train_source, test_source = domain.sources(card, options.data, config.mode in LEARNS_FROM_DATA)
    else:
        train_source, test_source = None, domain.sources(card, None, False)[1]
    requested = config
    has_teacher = config.mode != "teacher" and getattr(config.settings, "has_teacher", True)
    with in_turn():  # the first one downloads what is not there
        teacher = domain.place(load_teacher(card, options.members), device) if has_teacher else None
    config, access = with_access(config, teacher, catalog, options)
    draws = None if teacher is None or not config.teacher_draw else _draws(config, device)
    asked = teacher if teacher is None or draws is None else Drawn(teacher, config.teacher_draw, draws)
    asked = asked if asked is None or access == GRADIENT else AnswersOnly(asked, access)
    meter = QueryMeter(config.queries) if asked is not None and (config.queries or access != GRADIENT) else None
    student = domain.place(_student(config, card, catalog, options), device).train()
    if "attention_weight" not in options.assigned:
        config = without_attention(config, teacher, student)
    config = config.with_(**without_layers(METHODS[config.method], config.settings, teacher, options.assigned))
    evaluator = Evaluator(test_source, card, teacher, device)
    with in_turn():
        data = None if train_source is None else _training_data(train_source, config, card, options)
        evaluator.missing = None if options.judged else "left out (--without-evaluation)"
        evaluator.missing = evaluator.missing or evaluator.look()
    if evaluator.missing is not None and options.judged:
        note(f"zskt: {evaluator.missing}; this run is not judged")
    if meter is not None:
        evaluator.teacher_predictions()  # no query of the method's: asked before the meter runs
    needs_generator = METHODS[config.method].needs_generator
    generator = _generator(config.generator, card, catalog, device) if needs_generator else None
    prior = _generator(config.prior, card, catalog, device) if config.prior else None
    scale = student.scale if isinstance(student, RegressionHead) else None
    setup = Setup(
        pair=Pair(asked, student, scale, card.gaussians, config.precision, config.attention_layers, meter),
        generator=generator,
        prior=prior,
        data=data,
        shards=shards,
        inputs=card.inputs,
        classes=card.classes,
        chosen=options.assigned,
        seed=config.seed,
        device=device,
    )
    if teacher is not None and not options.resume:
        config = config.within_budget(setup)
        options = replace(options, asked=exchanged(requested, config))
        name = config.settings.length_name
        if name in options.asked:
            said = f"{integer(config.settings.iterations)} of {integer(options.asked[name])} {name}"
            print(f"--queries {config.queries} pays for {said}")
    source = (train_source or test_source) if shards is None else answers_source(shards)
    with nullcontext() if meter is None else meter.on(asked):
        return _play(config, catalog, options, setup, evaluator, source, draws)


def _draws(config: RunConfig, device: torch.device) -> torch.Generator:
    """Make the random stream by which one of a teacher's networks is drawn for each question."""
    return torch.Generator(device).manual_seed(4 * config.seed + 3)


def _play(
    config: RunConfig,
    catalog: Catalog,
    options: Options,
    setup: Setup,
    evaluator: Evaluator,
    source: Source,
    draws: torch.Generator | None,
) -> tuple[Path, dict[str, Any]]:
    """Run the method in its folder, from its beginning or its checkpoint."""
    card, pair, generator = evaluator.card, setup.pair, setup.generator
    trial = QueryMeter(0 if pair.meter is None else pair.meter.limit)  # counts what is asked before the run
    before = noted(options.out / QUERIES) if options.resume and options.out is not None and trial.limit else 0
    trial.asked = before = from_leader(before)
    when = "and its run needs some to go on" if options.resume else BEFORE
    with _telling_spent(config.queries, when), trial.counting(pair.teacher):
        method = METHODS[config.method](config.settings, setup)
        if not options.resume or any(term.needs_preparation for term in method.terms):
            require_fit(method, setup)
    if pair.meter is not None:
        method.state.parts[METER] = pair.meter
    if draws is not None:
        method.state.streams["teacher"] = draws
    if not options.resume:
        require_affordable(method, config.settings)
    if generator is not None and card.describe() and not options.resume:
        print(card.describe())
    if not options.resume and (words := taken_for(evaluator.teacher)):
        print(words)
    folder = open_folder(config, options)
    locked = FolderLock(folder.path) if folder.writes else nullcontext()
    told = saying_what_is_left(folder, method.state)
    with told, locked, working_in(folder.path, speaks=folder.writes):
        if folder.writes and not options.resume:
            require_new(folder.path)  # another process may have begun and left in the meantime
        begin_or_resume(folder, method, config, options, card, source, pair.teacher is not None)
        takes_back = not options.resume and pair.meter is None  # what a budget has paid for stays noted
        with folder.taken_back(method.state) if takes_back else nullcontext():
            keep_ledger(folder, pair.meter, before, trial.asked - before, resumed=options.resume)
            folder.show(_description(folder, config, card), begins=not method.state.step)
            if config.mode == "compress":
                begin_healing(method, setup, evaluator)
            elif not method.state.step:
                with _telling_spent(config.queries, BEFORE), trial.counting(pair.teacher):
                    calibrate(setup)
            if pair.meter is None and not method.state.step and trial.asked:
                method.state.counters["teacher_queries"] = trial.asked
            pictures = None if generator is None else _pictures(generator, evaluator, card, config, setup.device)
            if pictures is not None and folder.writes and config.evaluate_every and not method.state.step:
                pictures.show(folder, 0)
            train_loop(folder, method, config, options, evaluator, pictures)
            _show_diagnosis(folder, evaluator, method)
            if pictures is not None and folder.writes:
                show_projection(folder, pictures, method.result, evaluator, method.state.step)
            name = config.teacher if config.mode == "teacher" else config.student
            answers = None if setup.shards is None else setup.shards.manifest.samples
            return folder.path, write_result(folder, method, config, evaluator, catalog, name, answers)


@contextmanager
def _telling_spent(queries: int, when: str) -> Iterator[None]:
    """Raise `UserError` where a budget is spent before the method's loop, which ends by itself."""
    try:
        yield
    except BudgetSpent as error:
        raise UserError(f"--queries {queries}: spent {when}") from error


def with_access(
    config: RunConfig, teacher: nn.Module | None, catalog: Catalog, options: Options
) -> tuple[RunConfig, str]:
    """Return the configuration that what is seen of the teacher allows, and what the method gets to see of it.

    Where the method follows a gradient that there is not, and nobody asked for that method, it is "prior-only".

    Raises:
        UserError: if the user asked for a method, or a generator, that needs more of the teacher than it gives.
    """
    if teacher is None:
        return config, GRADIENT
    has_gradient = getattr(teacher, "differentiable", True)
    access = granted(config.teacher_access, has_gradient, METHODS[config.method].accesses)
    if access is None:
        gives = config.teacher_access or PROBABILITIES
        why = f"is to give {gives} alone" if config.teacher_access else _without_gradient(teacher)
        if options.method is not None or config.mode != "zero-shot":
            raise UserError(f"{config.teacher}: {refusal(config.method, gives, METHODS)} as --method")
        replaced, config = config.method, config.with_method(BY_ANSWERS)
        _require_settings(config, options.assigned, f"{config.teacher} {why}, so that it takes the place of {replaced}")
        print(f"{config.teacher}: {why}; method {BY_ANSWERS} in place of {replaced}")
        access = granted(config.teacher_access, has_gradient, METHODS[BY_ANSWERS].accesses)
    assert access is not None
    return _without_training(config, catalog, options), access


def _without_gradient(teacher: nn.Module) -> str:
    """Say that a teacher has no gradient, and of an ensemble which of its networks."""
    lacking = [i for i, m in enumerate(getattr(teacher, "networks", ()), 1) if not getattr(m, "differentiable", True)]
    return f"its network no. {lacking[0]} has no gradient by its input" if lacking else "has no gradient by its input"


def _require_settings(config: RunConfig, assigned: Iterable[str], why: str) -> None:
    """Raise `UserError` if the user gave settings that the method which a run takes by itself does not have."""
    known = {*config.settings.names(), *RUN_SETTINGS}
    lost = [n for n in sorted(assigned) if n.partition(".")[0] not in known or is_unused(METHODS[config.method], n)]
    if lost:
        raise UserError(f"--set {', '.join(lost)}: method {config.method} has no use for it; {why}; leave it out")


def exchanged(requested: RunConfig, config: RunConfig) -> dict[str, Any]:
    """Return what a run was asked to be, by name, where it is something else: its length, its generator, its method."""
    before, now = requested.flat(), config.flat()
    return {name: value for name, value in before.items() if name not in now or now[name] != value}


def _without_training(config: RunConfig, catalog: Catalog, options: Options) -> RunConfig:
    """Return the configuration with the prior of its generator, if its method trains none.

    Raises:
        UserError: if the user asked for a generator that is trained.
    """
    if config.generator is None or METHODS[config.method].trains_generator:
        return config
    entry = catalog.generators[config.generator]
    prior = entry.mix or entry.prior
    if not prior:
        return config
    if options.generator is not None:
        raise UserError(
            f"--generator {config.generator}: is trained, and method {config.method} trains none; take "
            f"--generator {prior}"
        )
    print(f"method {config.method}: trains no generator; {prior} in place of {config.generator}")
    return config.with_(generator=prior)


def _student(config: RunConfig, card: Card, catalog: Catalog, options: Options) -> nn.Module:
    """Build the network that learns: a student, the student of an earlier run, or, in mode teacher, a teacher."""
    if config.mode == "teacher":
        torch.manual_seed(config.seed)
        return card.build()
    if config.mode == "compress":
        return start_smaller(config, card, catalog, options.start)
    student = build_student(config, card, catalog)
    if options.start is None:
        return student
    if config.begins_from:
        start_from_run(student, config.student, options.start, catalog)
        return student
    # The earlier run may be of any mode: its student is what this configuration names.
    return load_student(options.start, replace(config, mode="few-shot"), catalog)


def _training_data(source: Source, config: RunConfig, card: Card, options: Options) -> Labelled:
    """Read the samples, choose those to learn from, and see that they carry what the method needs."""
    data = source.read()
    if not METHODS[config.method].needs_labels:
        return data
    if card.values:
        raise UserError(f"--mode {config.mode} learns classes, but {config.teacher} regresses, too: use --mode kd")
    if card.bernoulli:
        raise UserError(
            f"--mode {config.mode} learns one class a {source.unit}, but {config.teacher} has independent labels: use "
            "--mode kd"
        )
    data = only_labelled(data, card.classes, f"--data {options.data}")
    count = config.settings.samples_per_class
    return of_each_class(data, dict(enumerate(card.classes)), count, config.seed) if count else data


def _generator(name: str | None, card: Card, catalog: Catalog, device: torch.device) -> Generator:
    """Build a generator, after the student: it goes on with the same random stream."""
    generator: Generator = catalog.generators[str(name)].build(card.inputs)
    DOMAINS[card.domain].place(generator, device)
    return generator.train()


def _pictures(
    generator: Generator, evaluator: Evaluator, card: Card, config: RunConfig, device: torch.device
) -> PseudoPictures:
    domain = DOMAINS[card.domain]

    def draw(batch: PseudoBatch) -> Figure | None:
        return domain.picture(batch, None if evaluator.missing else evaluator.data, card)

    return PseudoPictures(generator, draw, domain.pictured, config.seed, device)


def _show_diagnosis(folder: RunFolder, evaluator: Evaluator, method: Method) -> None:
    """Put what the people of the domain look at on TensorBoard."""
    if not DOMAINS[evaluator.card.domain].diagnosed_in_runs:
        return
    diagnosis = evaluator.diagnose(method.result)
    if diagnosis is not None and folder.writes:
        for plot in diagnosis.overview():
            for panel in plot.panels:
                name = f"physics/{plot.title} {panel.name}".rstrip()
                folder.figure(name, panel.figure, method.state.step)


def _description(folder: RunFolder, config: RunConfig, card: Card) -> RunDescription:
    """Return what loggers show of a run's settings, and of its teacher's classes."""
    values = {name: value for name, value in config.to_dict().items() if name != "settings"}
    return RunDescription(folder.path.resolve().name, values | config.settings.to_dict(), card.classes)
