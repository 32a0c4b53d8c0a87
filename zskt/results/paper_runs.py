"""Mode ``paper``: every run behind the paper's tables, in pieces that resume where they stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zskt.errors import NonFiniteLoss, UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.finished import require_same_config
from zskt.experiments.launch import launch
from zskt.experiments.runner import Options
from zskt.experiments.teacher_files import TeacherFiles
from zskt.results.published import FEW_SHOT_PRESETS, IMAGES_PER_CLASS, PAIRS, TRANSITION_PRESETS, Pair
from zskt.results.transition import transition_runs
from zskt.storage.run_files import RESULT, STUDENT, has_checkpoint
from zskt.terminal import note

SEEDS = (0, 1, 2)
DATA_SETS = tuple(dict.fromkeys(pair.data for pair in PAIRS))
"""Data sets of the paper's tables."""
MAX_MINUTES = 100_000
IMAGES_WITH_TRANSITION = 200
"""Images per class of the few-shot run whose transition curves are measured."""
FROM_ALL_IMAGES: dict[str, dict[str, float]] = {
    "labels": {"kd_fraction": 0.0, "attention_weight": 0.0},
    "kd": {"attention_weight": 0.0},
    "kd-at": {},
}
"""Runs that see every training image, as upper bounds: from labels alone, KD, KD+AT."""


@dataclass(frozen=True)
class PlannedRun:
    """A run of the campaign."""

    name: str
    """Name of its folder."""
    config: RunConfig
    init_from: str | None = None
    """Name of the run whose student this one starts from."""
    measures_transition: bool = False
    """Whether transition curves are measured after it."""


def planned_runs(data: str, catalog: Catalog, seeds: Sequence[int] = SEEDS) -> Iterator[PlannedRun]:
    """Yield all runs on a data set: its teachers first, then seed by seed, each run behind those that it needs.

    Raises:
        UserError: if the paper's tables have no such data.
    """
    pairs = [pair for pair in PAIRS if pair.data == data]
    if not pairs:
        raise UserError(f"--only {data}: no table is about it; choose one of {', '.join(DATA_SETS)}, or seeds")
    # The pair that the paper studies in most detail comes first: time may run out.
    pairs.sort(key=lambda pair: pair.preset not in TRANSITION_PRESETS)
    for teacher in dict.fromkeys(f"{pair.data}-{pair.teacher}" for pair in pairs):
        yield PlannedRun(f"teacher-{teacher}-seed0", catalog.presets[teacher])
    for seed in seeds:
        for pair in pairs:
            yield from _runs_of_pair(pair, seed, catalog)


def _runs_of_pair(pair: Pair, seed: int, catalog: Catalog) -> Iterator[PlannedRun]:
    """Yield the runs of one teacher and one student: without data, from all images, and few-shot."""
    has_transition, has_few_shot_curve = pair.preset in TRANSITION_PRESETS, pair.preset in FEW_SHOT_PRESETS
    for name in (f"{pair.preset}-paper", pair.preset):
        config = catalog.presets[name].with_(seed=seed)
        yield PlannedRun(f"zero-shot-{name}-seed{seed}", config, measures_transition=has_transition)
    preset = catalog.presets[pair.preset]
    card = catalog.teachers[preset.teacher]
    for name, settings in FROM_ALL_IMAGES.items():
        config = few_shot(preset, card).with_(seed=seed, **settings)
        yield PlannedRun(f"few-shot-{pair.preset}-all-{name}-seed{seed}", config)
    for m in IMAGES_PER_CLASS if has_few_shot_curve else (IMAGES_WITH_TRANSITION,):
        name, config = f"few-shot-{pair.preset}-{m}", few_shot(preset, card, samples_per_class=m).with_(seed=seed)
        measures_transition = has_transition and m == IMAGES_WITH_TRANSITION
        yield PlannedRun(f"{name}-kd-at-seed{seed}", config, measures_transition=measures_transition)
        if has_few_shot_curve:
            yield PlannedRun(f"{name}-labels-seed{seed}", config.with_(kd_fraction=0.0, attention_weight=0.0))
            tuned = few_shot(preset, card, f"zero-shot {pair.preset}", m).with_(seed=seed)
            yield PlannedRun(f"{name}-tuned-seed{seed}", tuned, f"zero-shot-{pair.preset}-seed{seed}")


class _Deadline:
    """Raise SIGINT, as Ctrl-C does, after so many minutes; None never does."""

    def __init__(self, minutes: float | None) -> None:
        self.passed = False
        self.timer = threading.Timer((minutes or 0) * 60, self._pass)
        self.timer.daemon = True
        if minutes is not None:
            self.timer.start()

    def _pass(self) -> None:
        self.passed = True
        signal.raise_signal(signal.SIGINT)


def run_campaign(
    runs: Sequence[PlannedRun], folder: Path, catalog: Catalog, options: Options, minutes: float | None
) -> list[PlannedRun]:
    """Run what is not finished yet, as far as the time goes, and return what is left.

    A run that fails is reported on standard error, and the next one is begun.

    Args:
        folder: folder of all runs.
        options: machine and data; run folders are set here.
        minutes: time until a checkpoint is written and the rest is left. None goes on to the end.

    Raises:
        UserError: if a folder there holds another recipe's run.
    """
    for run in runs:
        require_same_config(folder / run.name, run.config)
    deadline = _Deadline(minutes)
    try:
        for run in runs:
            try:
                _run(run, folder, catalog, options)
            except (UserError, NonFiniteLoss) as error:
                note(f"zskt: {run.name}: {error}")
    except KeyboardInterrupt:
        if not deadline.passed:
            raise
    finally:
        deadline.timer.cancel()
    return [run for run in runs if not _is_finished(run, folder)]


def _is_finished(run: PlannedRun, folder: Path) -> bool:
    """Tell whether a run has its result, and its transition curves if it needs them."""
    has_transition = not run.measures_transition or any((folder / run.name).glob("transition-*.json"))
    return (folder / run.name / RESULT).is_file() and has_transition


def _run(run: PlannedRun, folder: Path, catalog: Catalog, options: Options) -> None:
    """Begin, resume or complete one run."""
    place = folder / run.name
    if not (place / RESULT).is_file():
        resumes = has_checkpoint(place)
        trained_teacher = folder / f"teacher-{run.config.teacher}-seed0" / STUDENT
        has_teacher = run.config.mode != "teacher" and trained_teacher.is_file()
        run_options = replace(
            options,
            out=place,
            resume=resumes,
            teacher_path=trained_teacher if has_teacher else None,
            start=None if run.init_from is None else folder / run.init_from,
        )
        trained = run_options.teacher_path
        run_catalog, _ = catalog.with_files(run.config.teacher if trained else None, TeacherFiles(network=trained))
        launch(run.config, run_catalog, run_options)
    if not _is_finished(run, folder):
        transition_runs([place], catalog, options.data, None, options.device, progress=options.progress)
