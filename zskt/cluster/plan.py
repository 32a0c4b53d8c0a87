"""What a sweep consists of: presets times methods times seeds, and the teachers that have to be trained first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from zskt.contracts import Card
from zskt.domains import DOMAINS
from zskt.errors import UserError, lookup
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import LEARNS_FROM_DATA, METHOD_OF_MODE, RunConfig
from zskt.experiments.method_recipes import VARIANTS
from zskt.methods import METHODS

TEACHER_SEED = 0
"""Seed of a teacher that is trained for the runs of others."""


@dataclass(frozen=True, kw_only=True)
class SweepRun:
    """One run of a sweep."""

    mode: str
    preset: str
    method: str | None
    """None where the mode has but one."""
    seed: int
    needs: str | None = None
    """Name of the run that trains its teacher."""
    takes_data: bool = True
    """Whether ``--data`` is for it."""
    takes_recipe: bool = True
    """Whether settings of the command line are for it; teachers beside students keep their preset's."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        method = [] if self.mode == "teacher" else [self.method or METHOD_OF_MODE[self.mode]]
        return "-".join([self.mode, self.preset, *method, f"seed{self.seed}"])


def plan(
    presets: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
    catalog: Catalog,
    *,
    teacher: str | None = None,
    has_teacher_file: bool = False,
) -> list[SweepRun]:
    """List the runs of a sweep, teachers first, without repetition.

    Args:
        methods: empty for the presets' own.
        teacher: name of a teacher that takes the place of the presets'.
        has_teacher_file: whether the user gives the teacher's file.

    Raises:
        UserError: if a preset or a method is unknown.
    """
    runs: dict[str, SweepRun] = {}
    configs = [lookup(catalog.presets, name, "preset") for name in presets]
    only_teachers = all(config.mode == "teacher" for config in configs)
    for config in configs:
        for seed in seeds:
            for run in _runs_of(config, methods, seed, only_teachers):
                if run.mode != "teacher" and not has_teacher_file:
                    trains = _training_run(catalog.teachers.get(teacher or config.teacher))
                    if trains is not None:
                        runs.setdefault(trains.name, trains)
                        run = replace(run, needs=trains.name)
                runs.setdefault(run.name, run)
    ordered = sorted(runs.values(), key=lambda run: run.mode != "teacher")
    return _with_data(ordered, catalog)


def _runs_of(config: RunConfig, methods: Sequence[str], seed: int, only_teachers: bool) -> Iterator[SweepRun]:
    if config.mode == "teacher":
        yield SweepRun(mode="teacher", preset=config.preset, method=None, seed=seed, takes_recipe=only_teachers)
        return
    modes = {"kd": "kd", "supervised": "few-shot"}
    for method in methods or (config.method,):
        lookup({**METHODS, **VARIANTS}, method, "method")
        mode = modes.get(method, "zero-shot")
        yield SweepRun(mode=mode, preset=config.preset, method=method if mode == "zero-shot" else None, seed=seed)


def _training_run(card: Card | None) -> SweepRun | None:
    """Return the run that trains a teacher that nobody publishes; None where its file is to be had."""
    if card is None or card.training_preset is None:
        return None
    try:
        card.files()
    except UserError:
        return SweepRun(mode="teacher", preset=card.training_preset, method=None, seed=TEACHER_SEED, takes_recipe=False)
    return None


def _with_data(runs: list[SweepRun], catalog: Catalog) -> list[SweepRun]:
    """Say for whom ``--data`` is: where training and test samples are different files, for those that learn from it."""
    learners = [run for run in runs if run.mode in LEARNS_FROM_DATA]

    def takes(run: SweepRun) -> bool:
        card = catalog.teachers.get(catalog.presets[run.preset].teacher)
        has_split = card is not None and DOMAINS[card.domain].has_test_split
        return not learners or has_split or run in learners

    return [replace(run, takes_data=takes(run)) for run in runs]
