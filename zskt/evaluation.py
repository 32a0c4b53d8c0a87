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

from .config import Config
from .data import SAMPLE
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


def _teacher(config: Config, path: Path | None) -> nn.Module | None:
    """The teacher of a run; None, and a line on standard error, where it cannot be had without a path."""
    if config.mode == "teacher":
        return None
    try:
        return load_teacher(config.teacher, TEACHERS[config.teacher], path)
    except UserError as error:
        if path is not None:
            raise
        print(f"train.py: {error}; without it, agreement and KL are left out", file=sys.stderr)
        return None


def evaluate_runs(
    runs: Sequence[Path], data: Path | None, teacher_path: Path | None, device: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Write ``evaluate-<stem of the data>.json`` into each run folder: the keys of ``result.json``, on these jets.

    A teacher that several runs share is asked once. Where it cannot be had, what needs its answers is null.

    Raises:
        UserError: if there is no such run, or the data cannot be read.
    """
    where = choose_device(device)
    judges: dict[tuple[str, Path | None], Judge] = {}
    for run in runs:
        recorded = read_json(run / "config.json")
        known = recorded.pop("teacher_path", None)
        config = Config.from_dict(recorded, str(run / "config.json"))
        student = load_student(run, config).to(where)
        path = teacher_path or (Path(known) if known is not None and Path(known).is_file() else None)
        key = (config.teacher if config.mode != "teacher" else "", path)
        if key not in judges:
            teacher = _teacher(config, path)
            judges[key] = Judge.of(
                data or SAMPLE, TEACHERS[config.teacher], None if teacher is None else teacher.to(where), where
            )
        name = config.teacher if config.mode == "teacher" else config.student
        result = read_json(run / "result.json") | judges[key].verdict(config, student, name)
        written = run / f"evaluate-{judges[key].source.stem}.json"
        write_json(written, result)
        yield written, result
