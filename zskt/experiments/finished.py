"""Mode ``evaluate``: a finished run's student on any file of jets."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zskt.domains import DOMAINS, Source
from zskt.errors import UserError
from zskt.experiments.build import card_of, load_student
from zskt.experiments.catalog import adopt_run
from zskt.experiments.config import Config
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.runner import choose_device, recorded_path, teacher_of
from zskt.files import read_json, write_json


def _teacher(config: Config, file: dict[str, Any], path: Path | None) -> nn.Module | None:
    """The teacher of a run; None, and a line on standard error, where it cannot be had without a path."""
    if config.mode == "teacher":
        return None
    try:
        return teacher_of(config, file, path)
    except UserError as error:
        if path is not None:
            raise
        print(f"train.py: {error}; without it, agreement and KL are left out", file=sys.stderr)
        return None


def _write(run: Path, judge: Evaluator, result: dict[str, Any]) -> Path:
    """Into the run folder, unless a file of the same name is about other jets."""
    path = run / f"evaluate-{judge.source.stem}.json"
    before = read_json(path) if path.exists() else None
    if before is not None and before["data"]["sha256"] != result["data"]["sha256"]:
        raise UserError(f"{path}: holds figures on another file named {judge.source.name}; rename one of the two")
    if before is not None and before["student"].get("kl") is not None and result["student"].get("kl") is None:
        raise UserError(f"{path}: holds agreement with the teacher, kept; give --teacher-path, or move that file away")
    write_json(path, result)
    return path


def evaluation_source(config: Config, recorded: dict[str, Any], data: Path | None) -> Source:
    """What a finished run is judged on: what the user says, or images where the run found them, or what ships.

    Args:
        recorded: what the run knows of its data, "path" and "sha256".

    Raises:
        UserError: if other images are there by now.
    """
    card = card_of(config)
    domain = DOMAINS[card.domain]
    before = recorded_path(recorded) if domain.split and data is None else None
    _, source = domain.sources(card, before or data, "evaluate")
    # What a run with data has recorded are those that it learned from.
    if before is not None and config.mode == "zero-shot" and source.sha256() != recorded["sha256"]:
        raise UserError(f"{before}: not the images that this run was judged on; say where they are: --data")
    return source


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended, and who judges it."""

    run: Path
    config: Config
    student: nn.Module
    judge: Evaluator
    result: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the network that it left."""
        return self.config.teacher if self.config.mode == "teacher" else self.config.student


Evaluators = dict[tuple[object, ...], Evaluator]


def finished(
    run: Path, data: Path | None, teacher_path: Path | None, where: torch.device, judges: Evaluators
) -> FinishedRun:
    """A run's student, to be judged on ``data`` (without it, images where the run found them, the sample that ships).

    Args:
        judges: those of other runs, to share: a teacher that several runs have is asked once.

    Raises:
        UserError: if there is no such run, or the data cannot be read.
    """
    adopt_run(run)
    recorded = read_json(run / "config.json")
    files = recorded.pop("files", {})
    file = files.get("teacher", {})
    config = Config.from_dict(recorded, str(run / "config.json"))
    student = load_student(run, config).to(where)
    source = evaluation_source(config, files.get("data", {}), data)
    asked = (config.teacher, config.mode == "teacher", file.get("path"), file.get("sha256"), config.radius)
    key = (*asked, source.name, source.files)
    if key not in judges:
        teacher = _teacher(config, file, teacher_path)
        judges[key] = Evaluator(source, card_of(config), None if teacher is None else teacher.to(where), where)
    return FinishedRun(run, config, student, judges[key], read_json(run / "result.json"))


def evaluate_runs(
    runs: Sequence[Path], data: Path | None, teacher_path: Path | None, device: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Write ``evaluate-<stem of the data>.json`` into each run folder: the keys of ``result.json``, on these jets.

    Where a teacher cannot be had, what needs its answers is null.

    Raises:
        UserError: if there is no such run, or the data cannot be read.
    """
    where = choose_device(device)
    judges: Evaluators = {}
    for run in runs:
        found = finished(run, data, teacher_path, where, judges)
        result = found.result | found.judge.verdict(found.config, found.student, found.name)
        yield _write(run, found.judge, result), result
