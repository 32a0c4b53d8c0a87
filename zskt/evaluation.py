"""Mode ``evaluate``: a finished run's student on any file of jets."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from teachers import TEACHERS, load_teacher
from teachers.load import locate, sha256

from .config import Config
from .domains import DOMAINS
from .errors import UserError
from .folder import read_json, write_json
from .jobs import Judge, build_student, choose_device


def load_student(run: Path, config: Config) -> nn.Module:
    """The student of a run, in evaluation mode.

    Raises:
        UserError: if the run has none, or one that does not fit its configuration.
    """
    path = run / "student.safetensors"
    if not path.is_file():
        raise UserError(f"{path}: no such file; the run is not finished: continue it with --resume --out {run}")
    card = TEACHERS[config.teacher]
    network = card.build() if config.mode == "teacher" else build_student(config, card)
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise UserError(
            f"{path}: does not hold the {config.student} of {run / 'config.json'}; fetch the run again"
        ) from error
    return network.eval()


def _teacher(config: Config, path: Path | None, sha: str | None) -> nn.Module | None:
    """The teacher of a run; None, and a line on standard error, where it cannot be had without a path."""
    if config.mode == "teacher":
        return None
    card = TEACHERS[config.teacher]
    try:
        file = locate(config.teacher, card, path)
        if sha is not None and sha256(file) != sha:
            raise UserError(f"{file}: is not the teacher that this run was distilled from; give that as --teacher-path")
        return load_teacher(config.teacher, card, file)
    except UserError as error:
        if path is not None:
            raise
        print(f"train.py: {error}; without it, agreement and KL are left out", file=sys.stderr)
        return None


def _write(run: Path, judge: Judge, result: dict[str, Any]) -> Path:
    """Into the run folder, unless a file of the same name is about other jets."""
    path = run / f"evaluate-{judge.source.stem}.json"
    if path.exists() and read_json(path)["data"]["sha256"] != result["data"]["sha256"]:
        raise UserError(f"{path}: holds figures on another file named {judge.source.name}; rename one of the two")
    write_json(path, result)
    return path


def evaluate_runs(
    runs: Sequence[Path], data: Path | None, teacher_path: Path | None, device: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Write ``evaluate-<stem of the data>.json`` into each run folder: the keys of ``result.json``, on these jets.

    A teacher that several runs share is asked once. Where it cannot be had, what needs its answers is null.

    Raises:
        UserError: if there is no such run, or the data cannot be read.
    """
    where = choose_device(device)
    judges: dict[tuple[object, ...], Judge] = {}
    for run in runs:
        recorded = read_json(run / "config.json")
        file = recorded.pop("files", {}).get("teacher", {"path": None, "sha256": None})
        config = Config.from_dict(recorded, str(run / "config.json"))
        student = load_student(run, config).to(where)
        known = Path(file["path"]) if file["path"] is not None and Path(file["path"]).is_file() else None
        path = teacher_path or known
        key = (config.teacher, config.mode == "teacher", path, file["sha256"])
        if key not in judges:
            teacher = _teacher(config, path, file["sha256"])
            card = TEACHERS[config.teacher]
            _, source = DOMAINS[card.inputs.domain].sources(card, data, "evaluate")
            judges[key] = Judge(source, card, None if teacher is None else teacher.to(where), where)
        name = config.teacher if config.mode == "teacher" else config.student
        result = read_json(run / "result.json") | judges[key].verdict(config, student, name)
        yield _write(run, judges[key], result), result
