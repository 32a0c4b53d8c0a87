"""Finished runs: opened again, and evaluated on other data (mode ``evaluate``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zskt.contracts import Card
from zskt.domains import DOMAINS, Source
from zskt.errors import UserError, listed
from zskt.experiments.build import choose_device, load_run_teacher, load_student, member_roles, recorded_path
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig, recorded_files
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.result import DATA_FREE, Result, upgrade
from zskt.shards import holds_answers
from zskt.storage.files import read_json, write_json
from zskt.storage.run_files import ASKED, CONFIG, RESULT
from zskt.terminal import note

MOST_NAMED = 3
"""Settings that a message tells of."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended, its student, and an evaluator."""

    folder: Path
    config: RunConfig
    student: nn.Module
    evaluator: Evaluator
    result: dict[str, Any]
    """Its ``result.json``, in the layout of today."""
    catalog: Catalog

    @property
    def card(self) -> Card:
        """The teacher's card."""
        return self.evaluator.card

    @property
    def student_name(self) -> str:
        """Name of the network that the run left."""
        return self.config.teacher if self.config.mode == "teacher" else self.config.student

    def evaluate(self) -> dict[str, Any]:
        """Return its result, with the entries that depend on the evaluator's samples made anew."""
        return self.result | self.evaluator.evaluate(self.student, self.config.teacher, self.student_name)


Evaluators = dict[tuple[object, ...], Evaluator]


def read_config(run: Path, *, whole: bool = False) -> tuple[RunConfig, dict[str, dict[str, str | None]]]:
    """Read a run's ``config.json``: its configuration, and the files that it was made of, by role.

    Raises:
        UserError: if there is no such run, or another version wrote it.
    """
    recorded = read_json(run / CONFIG)
    if recorded.get("mode") == "api":
        raise UserError(f"{run}: a run of the Python interface; read it with zskt.load_run")
    return RunConfig.read(recorded, str(run / CONFIG), whole=whole), recorded_files(recorded, run / CONFIG)


def as_begun(config: RunConfig, folder: Path) -> RunConfig:
    """Return the configuration of the run in a folder, if that was asked for the same; else the one that is given.

    A run exchanges by itself what cannot be as it was asked for: a length that its budget of queries does not pay for,
    a generator that its method does not train, a method that follows a gradient which there is not.
    """
    return config if _strange(config, folder) else read_config(folder)[0]


def require_same_config(
    folder: Path, planned: RunConfig, advice: str = "name another --out, or remove the folder"
) -> None:
    """Raise `UserError` if a run folder, where there is one, was begun with another configuration than ``planned``."""
    if not (folder / CONFIG).is_file():
        return
    if other := _strange(planned, folder):
        raise UserError(f"{folder}: was begun otherwise: {listed(other, MOST_NAMED)}; {advice}")


def _strange(config: RunConfig, folder: Path) -> list[str]:
    """Say what the run in a folder neither has nor was asked for: "NAME is X there, Y here"."""
    asked = read_json(folder / CONFIG).get(ASKED, {})
    begun, asked = read_config(folder)[0].flat(), asked if isinstance(asked, dict) else {}

    def known(name: str, value: Any) -> bool:
        return any(name in entries and entries[name] == value for entries in (begun, asked))

    def shown(value: object) -> str:
        return "not set" if value in (None, "") else str(value)

    before = begun | asked
    return [
        f"{name} is {shown(before.get(name))} there, {shown(value)} here"
        for name, value in config.flat().items()
        if not known(name, value)
    ]


def evaluation_source(config: RunConfig, card: Card, recorded: dict[str, str | None], data: Path | None) -> Source:
    """Return what a finished run is evaluated on: the user's data, or what the run was evaluated on, or what ships.

    Args:
        recorded: what the run knows of its data, "path" and "sha256".

    Raises:
        UserError: if other samples are there by now.
    """
    domain = DOMAINS[card.domain]
    before = _place(config, card, recorded) if data is None else None
    _, source = domain.sources(card, before or data, False)
    # What a run with data has recorded are those that it learned from.
    if before is not None and config.mode in DATA_FREE and source.sha256() != recorded["sha256"]:
        raise UserError(f"{before}: not the {source.unit}s that this run was evaluated on; say where they are: --data")
    return source


def _place(config: RunConfig, card: Card, recorded: dict[str, str | None]) -> Path | None:
    """Return where a run found samples of which some are for tests, as images are; a teacher's answers have none.

    Of domains of which no test samples ship, as vectors, it is the file that a run without data was judged on; a line
    says so where that is not there any more.
    """
    before, domain = recorded_path(recorded), DOMAINS[card.domain]
    if holds_answers(before):
        return None
    if domain.has_test_split:
        return before
    if config.mode not in DATA_FREE or recorded.get("path") is None or domain.sources(card, None, False)[1].files:
        return None
    if before is not None and domain.sources(card, before, False)[1].sha256() == recorded["sha256"]:
        return before
    why = "is not there any more" if before is None else "is another file by now"
    note(f"zskt: {recorded['path']}: was what this run was judged on, and {why}; say where it is: --data")
    return None


def judged_before(run: Path, card: Card) -> Path | None:
    """Return where a finished run found the samples that it was judged on; None if they are not there any more.

    Raises:
        UserError: if other samples are there by now.
    """
    config, files = read_config(run)
    recorded = files.get("data", {})
    place = _place(config, card, recorded)
    if place is not None:
        evaluation_source(config, card, recorded, None)  # which sees that they are the same
    return place


def open_run(
    folder: Path,
    catalog: Catalog,
    *,
    data: Path | None = None,
    teacher_path: Path | None = None,
    device: torch.device | None = None,
    evaluators: Evaluators | None = None,
    requires_teacher: bool = False,
) -> FinishedRun:
    """Open a finished run, its student to be evaluated on ``data``.

    Args:
        data: without it, images where the run found them, or the sample that ships.
        evaluators: those of other runs, to share: a teacher that several runs have is asked once.
        requires_teacher: whether a teacher that cannot be had is an error.

    Raises:
        UserError: if there is no such run, or the data cannot be read.
    """
    device = device or torch.device("cpu")
    config, files = read_config(folder)
    catalog = catalog.with_run(folder)
    card = catalog.card(config)
    networks = [files.get(role, {}) for role in ("teacher", *member_roles(files))]
    student = load_student(folder, config, catalog).to(device)
    source = evaluation_source(config, card, files.get("data", {}), data)
    teacher_key = (
        config.teacher,
        config.mode == "teacher",
        *(entry for file in networks for entry in (file.get("path"), file.get("sha256"))),
        str(config.selection),
        json.dumps(card.record(), sort_keys=True),  # how it is fed: one file may be read in several ways
    )
    key = (*teacher_key, source.name, source.files)
    evaluators = {} if evaluators is None else evaluators
    if key not in evaluators:
        load = load_run_teacher if requires_teacher else _teacher_if_there
        teacher = None if config.mode == "teacher" else load(card, files, teacher_path)
        evaluators[key] = Evaluator(source, card, None if teacher is None else teacher.to(device), device)
    result = upgrade(read_json(folder / RESULT))
    Result.from_dict(result, folder / RESULT)
    return FinishedRun(folder, config, student, evaluators[key], result, catalog)


def _teacher_if_there(card: Card, files: Mapping[str, dict[str, str | None]], path: Path | None) -> nn.Module | None:
    """Load the teacher of a run; None, and a line on standard error, where it cannot be had without a path."""
    try:
        return load_run_teacher(card, files, path)
    except UserError as error:
        if path is not None:
            raise
        note(f"zskt: {error}; without it, agreement and KL are left out")
        return None


def evaluate_runs(
    runs: Sequence[Path], catalog: Catalog, data: Path | None, teacher_path: Path | None, device: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Write ``evaluate-<stem of the data>.json`` into each run folder: the keys of ``result.json``, on these data.

    Where a teacher cannot be had, what needs its answers is null.

    Raises:
        UserError: if there is no such run, or the data cannot be read.
    """
    evaluators: Evaluators = {}
    opened = [
        open_run(
            folder,
            catalog,
            data=data,
            teacher_path=teacher_path,
            device=choose_device(device),
            evaluators=evaluators,
        )
        for folder in runs
    ]
    for run in opened:
        _require_own_samples(run)
    for run in opened:
        result = run.evaluate()
        path = _path(run)
        write_json(path, result)
        yield path, result


def _path(run: FinishedRun) -> Path:
    return run.folder / f"evaluate-{run.evaluator.source.stem}.json"


def _require_own_samples(run: FinishedRun) -> None:
    """Raise `UserError` if a file of the same name is about other data, or says more; before any network is asked."""
    path, source = _path(run), run.evaluator.source
    if not path.exists():
        return
    before = Result.read(path).to_dict()
    if not all(file.exists() for file in source.files):
        source.check()  # fetches them, or says why not
    if before["data"]["sha256"] != source.sha256():
        raise UserError(f"{path}: holds figures on another file, {before['data']['name']}; rename {source.name}")
    if before["student"].get("kl") is not None and run.evaluator.teacher is None:
        raise UserError(f"{path}: holds agreement with the teacher, kept; give --teacher-path, or move that file away")
