"""What every run does around a method's loop: files, log, pictures, checkpoints, the result at the end."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zskt.checkpoint import TrainState
from zskt.contracts import Card
from zskt.domains import DOMAINS, Source
from zskt.errors import UserError
from zskt.experiments.catalog import TEACHER_RECORD, Catalog
from zskt.experiments.compress import compression_entry
from zskt.experiments.config import METHOD_OF_MODE, RunConfig, recorded_files
from zskt.experiments.cost import COUNTERS, Meter, peak_memory
from zskt.experiments.divergence import require_finite_parameters
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.interrupt import SIGNALS, Interrupted, Interruption
from zskt.experiments.loggers import require_loggers
from zskt.experiments.presets import FOR_FILES, changes
from zskt.experiments.progress import Progress, terminal_of_errors
from zskt.experiments.pseudo_pictures import PseudoPictures
from zskt.experiments.query_ledger import QueryLedger
from zskt.experiments.result import DATA_FREE, SCHEMA
from zskt.experiments.run_folder import RunFolder, free_name
from zskt.markdown import integer
from zskt.methods import Method, iterate, require_a_step
from zskt.parallel.collectives import any_of, from_leader
from zskt.query_budget import METER, QueryMeter
from zskt.storage.files import read_json, sha256, write_json
from zskt.storage.folder_lock import require_new_or_free
from zskt.storage.run_files import CONFIG, QUERIES, STUDENT
from zskt.terminal import note

RUNS = Path("runs")
CHECKPOINT_SECONDS = 300.0
"""Seconds after which a run saves what it has."""
FLAGS_OF_FILES = {"teacher": "--teacher-path", "preprocess": "--preprocess", "data": "--data", "start": "--run"}
"""Role of a file that a run is made of -> the flag that gives it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where and on what a run works: what a user says beside the recipe."""

    device: str = "auto"
    out: Path | None = None
    resume: bool = False
    data: Path | None = None
    teacher_path: Path | None = None
    members: tuple[Path, ...] = ()
    """Files of further networks that are the teacher together with the first."""
    preprocess: Path | None = None
    """How a tagger from a file is fed."""
    generator: str | None = None
    """The generator that the user asked for by name."""
    method: str | None = None
    """The method that the user asked for by name."""
    start: Path | None = None
    """Run whose student is where this one begins."""
    progress: bool = True
    loggers: tuple[str, ...] | None = None
    """Who looks on, by name in `zskt.experiments.loggers.LOGGERS`; None for TensorBoard, or as the run began."""
    assigned: frozenset[str] = frozenset()
    """Settings that the user gave himself, by name."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What the user asked for, by name, where the run has something else, as the length that its budget pays for."""
    judged: bool = True
    """Whether the student is scored. A trial of what a run costs has no use for that."""


def require_room(options: Options) -> None:
    """Raise `UserError` if a run cannot begin in its folder, or its loggers are not there: before anything is read."""
    require_loggers(options.loggers or ())
    if options.out is not None and not options.resume:
        require_new_or_free(options.out)


def open_folder(config: RunConfig, options: Options) -> RunFolder:
    """Open a new run's folder, or that of the run that is resumed."""
    parts = [config.mode, config.preset]
    if config.preset in FOR_FILES:  # the one recipe of many teachers
        parts[-1] = config.teacher
    if config.mode != "teacher":
        seen = f"-{config.view}" if config.view else ""
        parts += [re.sub(r"[^\w.-]+", "-", config.student + seen), config.generator or "none"]
    parts += [f"{name}-{value:g}" for name, value in config.compression.items()]
    if config.mode in DATA_FREE and config.method != METHOD_OF_MODE[config.mode]:
        parts += [config.method]
    if config.begins_from:
        parts += [f"from-{config.begins_from.replace(' ', '-')}"]
    if config.mode == "few-shot":
        settings = config.settings
        parts[-1:] = [f"{settings.samples_per_class or 'all'}-from-{settings.init_from_run.replace(' ', '-')}"]
        parts += [] if settings.has_teacher else ["without-teacher"]
    default = "-".join([*parts, f"seed{config.seed}"])
    if options.resume and options.out is None:
        raise UserError("--resume: say which run to continue: --out runs/NAME")
    path = options.out or from_leader(free_name(RUNS, default))
    return RunFolder(path, resume=options.resume, loggers=options.loggers)


def _files(card: Card, options: Options, data: Source, *, has_teacher: bool) -> dict[str, Any]:
    """List the files that a run is made of: paths as the user gave them, and what they held."""
    files = card.files() if has_teacher else {}
    begun = None if options.start is None else options.start / STUDENT
    paths: dict[str, tuple[Path | None, Path | None]] = {
        "teacher": (options.teacher_path, files.get("teacher")),
        "preprocess": (options.preprocess, files.get("preprocess")),
        "start": (options.start, begun),
    } | {f"teacher.{i}": (path, path) for i, path in enumerate(options.members, 1)}
    recorded = {role: (path, None if file is None else sha256(file)) for role, (path, file) in paths.items()}
    recorded["data"] = (options.data, None if options.data is None else data.sha256())
    return {
        role: {"path": None if path is None else str(path.absolute()), "sha256": sha}
        for role, (path, sha) in recorded.items()
    }


def given_networks(options: Options) -> dict[str, str]:
    """Return the SHA-256 of the files of a teacher that a user gives, by role, of those that are there."""
    paths = {"teacher": options.teacher_path, "preprocess": options.preprocess}
    paths |= {f"teacher.{i}": path for i, path in enumerate(options.members, 1)}
    return {role: sha256(path) for role, path in paths.items() if path is not None and path.is_file()}


def given_files(config: RunConfig, card: Card, options: Options) -> dict[str, str | None]:
    """Return the SHA-256 of what a user gives a run, by role: its teacher's files, and what it is judged on."""
    found: dict[str, str | None] = dict(given_networks(options))
    if config.mode in DATA_FREE:
        judged = None if options.data is None else DOMAINS[card.domain].sources(card, options.data, False)[1]
        found["data"] = None if judged is None else judged.sha256()
    return found


def require_same_files(folder: Path, given: Mapping[str, str | None]) -> None:
    """Raise `UserError` if a run folder, where there is one, was begun with other files.

    Args:
        given: of `given_files`.
    """
    path = folder / CONFIG
    if not path.is_file():
        return
    recorded = recorded_files(read_json(path), path)
    for role, sha in given.items():
        before = recorded.get(role, {})
        if before.get("sha256") != sha:
            flag, was = FLAGS_OF_FILES[role.partition(".")[0]], before.get("path") or "none"
            raise UserError(f"{folder}: was begun with another {flag} ({was}); name another --out, or give what it had")


def begin_or_resume(
    folder: RunFolder, method: Method, config: RunConfig, options: Options, card: Card, data: Source, has_teacher: bool
) -> None:
    """Record what a new run begins with, or load the checkpoint of a resumed one.

    Raises:
        UserError: if it is resumed with other files than it began with, or its checkpoint is not to be read.
    """
    files, state = _files(card, options, data, has_teacher=has_teacher), method.state
    if not options.resume:
        folder.begin(config, state.device, files, card.record(), options.asked)
        state.save(folder.checkpoint, config.to_dict())  # stopped before its first iteration, it can still go on
        return
    recorded = recorded_files(read_json(folder.path / CONFIG), folder.path / CONFIG)
    for role, file in files.items():
        only_evaluated_on = role == "data" and config.mode in DATA_FREE  # it learns nothing from them
        before = recorded.get(role, {"path": None, "sha256": None})
        if file["sha256"] != before["sha256"] and not only_evaluated_on:
            flag = FLAGS_OF_FILES[role.partition(".")[0]]
            raise UserError(f"{flag} {file['path']}: not the file that this run began with ({before['path']})")
    state.load(folder.checkpoint, config.to_dict())
    folder.rewind(state.step)
    if card.record() is not None and folder.writes:
        write_json(folder.path / TEACHER_RECORD, card.record() or {})


def save(folder: RunFolder, state: TrainState, config: RunConfig) -> None:
    """Write a checkpoint, and give back what of a budget of queries was set aside."""
    state.save(folder.checkpoint, config.to_dict())
    meter = state.parts.get(METER)
    if isinstance(meter, QueryMeter):
        meter.settle()


def keep_ledger(folder: RunFolder, meter: QueryMeter | None, noted: int, tried: int, *, resumed: bool) -> None:
    """Let a budget count what a resumed run had asked after its checkpoint, and asks anew; from now on it is noted.

    Args:
        noted: what the ledger said.
        tried: what was asked to see that all fits.
    """
    if meter is None or not meter.limit:
        return
    if resumed:
        lost = noted - meter.asked
        meter.asked = min(max(meter.asked, noted) + tried, meter.limit)
        if lost > 0 and folder.writes:
            left = f"{meter.limit - meter.asked} of {meter.limit} are left"
            note(f"zskt: {folder.path}: {lost} queries count that were asked or set aside after its checkpoint; {left}")
    if folder.writes:
        meter.ledger = QueryLedger(folder.path / QUERIES, meter.limit)
        meter.ledger.reserve(meter.asked)


def train_loop(
    folder: RunFolder,
    method: Method,
    config: RunConfig,
    options: Options,
    evaluator: Evaluator,
    pictures: PseudoPictures | None,
) -> None:
    """Run the method; log, look and save on the way. An interruption leaves a checkpoint to resume from."""
    state, total = method.state, config.settings.iterations
    begun = time.monotonic() - state.counters.get("seconds", 0.0)
    saved, query_meter = time.monotonic(), state.parts.get(METER)
    progress = Progress(str(folder.path), total, state.step, terminal_of_errors() if options.progress else None)
    clock = Meter(state)
    with Interruption() as interruption, progress:
        for metrics in iterate(method):
            clock.stop()
            iteration, now = state.step, time.monotonic()
            state.counters["seconds"] = now - begun
            logged: dict[str, float | None] = dict(metrics)
            beside: dict[str, float] = {}
            due = iteration % config.checkpoint_every == 0 or iteration == total or now - saved > CHECKPOINT_SECONDS
            due = due or (isinstance(query_meter, QueryMeter) and query_meter.needs_saving)
            evaluates = config.evaluate_every and (iteration % config.evaluate_every == 0 or iteration == total)
            if evaluates:
                require_finite_parameters(state)
                logged |= evaluator.monitor(method.result) | clock.costs()
                beside = evaluator.teacher_figures()
                if pictures is not None and folder.writes:
                    pictures.show(folder, iteration)
            folder.log(iteration, logged, beside)
            signalled = interruption.requested
            due, *signals = any_of(due, *(signalled == number for number in SIGNALS))
            stop = any(signals)
            if stop or due:
                require_finite_parameters(state)  # what is saved is good
                state.counters["peak_memory"] = max(state.counters.get("peak_memory", 0.0), peak_memory(state.device))
                folder.flush()
                save(folder, state, config)
                saved = time.monotonic()
            if stop:
                raise Interrupted(SIGNALS[signals.index(True)], folder.path)
            progress.update(iteration, logged, state.counters.get("teacher_queries", 0))
            clock.start()
    if state.step < total:  # a budget of queries is spent
        save(folder, state, config)
    require_a_step(method)
    if state.step < total:
        asked = f"{integer(int(state.counters['teacher_queries']))} of {integer(config.queries)}"
        print(f"{folder.path}: {asked} queries are spent after iteration {state.step} of {total}")


def write_result(
    folder: RunFolder,
    method: Method,
    config: RunConfig,
    evaluator: Evaluator,
    catalog: Catalog,
    student_name: str,
    answers: int | None = None,
) -> dict[str, Any]:
    """Keep the student of the last step, and write ``result.json``: what was asked, what it took, what it reached.

    Args:
        answers: `zskt.experiments.result.Result.answers`.
    """
    folder.save_student(method.result)
    state, settings = method.state, config.settings.to_dict()
    recorded = ["iterations", "epochs", "batch_size"]
    if config.mode == "few-shot":
        recorded += ["samples_per_class", "kd_fraction", "attention_weight", "init_from_run"]
    names = ("preset", "mode", "method", "generator", "seed")
    result: dict[str, Any] = {"schema": SCHEMA} | {name: getattr(config, name) for name in names}
    result |= {name: settings[name] for name in recorded if name in settings}
    result["changes"] = changes(config, catalog.presets, evaluator.card)
    result["steps"] = int(state.counters.get("steps", 0))
    if answers is not None:
        result["answers"] = answers
    result["teacher_queries"] = int(state.counters.get("teacher_queries", 0))
    if config.teacher_access:
        result["teacher_access"] = config.teacher_access
    if config.queries:
        result["queries"] = config.queries
        if state.step < config.settings.iterations:
            result["ended_after"] = state.step
    state.counters["peak_memory"] = max(state.counters.get("peak_memory", 0.0), peak_memory(state.device))
    for name in ("seconds", *COUNTERS, "peak_memory"):
        result[name] = round(state.counters.get(name, 0.0), 1)
    result |= evaluator.evaluate(method.result, config.teacher, student_name)
    if config.compression:
        result["compression"] = compression_entry(config, evaluator.card, catalog, method.result, state.counters)
    folder.finish(result, state.step)
    return result
