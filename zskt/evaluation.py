"""Mode ``evaluate``: a finished run's student on any file of jets."""

from __future__ import annotations

import sys
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


def evaluate_run(run: Path, data: Path | None, teacher_path: Path | None, device: str) -> tuple[Path, dict[str, Any]]:
    """Write ``evaluate-<stem of the data>.json`` into the run folder; the ``result.json``'s keys, on other jets.

    Where the teacher cannot be had, what needs its answers is null and a line on standard error says so.

    Raises:
        UserError: if there is no such run, or the data cannot be read.
    """
    recorded = read_json(run / "config.json")
    known_path = recorded.pop("teacher_path", None)
    config = Config.from_dict(recorded, str(run / "config.json"))
    where = choose_device(device)
    card = TEACHERS[config.teacher]
    student = load_student(run, config).to(where)
    if teacher_path is None and known_path is not None and Path(known_path).is_file():
        teacher_path = Path(known_path)
    teacher: nn.Module | None = None
    try:
        if config.mode != "teacher":
            teacher = load_teacher(config.teacher, card, teacher_path).to(where)
    except UserError as error:
        if teacher_path is not None:
            raise
        print(f"train.py: {error}; without it, agreement and KL are left out", file=sys.stderr)
    judge = Judge.of(data or SAMPLE, card, teacher, where)
    name = config.teacher if config.mode == "teacher" else config.student
    result = read_json(run / "result.json") | judge.verdict(config, student, name)
    path = run / f"evaluate-{judge.source.stem}.json"
    write_json(path, result)
    return path, result
