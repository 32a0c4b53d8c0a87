"""What every run does around its loop: files, log, pictures, checkpoints, the result at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from teachers import TaggerCard, load_teacher
from teachers.files import locate
from zskt.checkpoint import TrainState
from zskt.domains import Source
from zskt.errors import UserError
from zskt.experiments.build import card_of
from zskt.experiments.config import Config
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.interrupt import Interruption
from zskt.experiments.presets import TAGGER, changes
from zskt.experiments.pseudo_pictures import Pictures
from zskt.experiments.run_folder import RunFolder, free_name, require_new
from zskt.files import read_json, sha256

RUNS = Path("runs")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user says besides the recipe."""

    device: str = "auto"
    out: Path | None = None
    resume: bool = False
    data: Path | None = None
    teacher_path: Path | None = None
    preprocess: Path | None = None
    """How a tagger from a file is fed."""
    start: Path | None = None
    """Run whose student is where this one begins."""
    progress: bool = True


def choose_device(name: str) -> torch.device:
    """Raises `UserError` if CUDA is asked for and not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "--device cuda: this machine has no CUDA device that PyTorch can use; take --device cpu or auto"
        )
    return torch.device("cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu"))


def teacher_of(config: Config, recorded: dict[str, Any], path: Path | None) -> nn.Module:
    """The teacher of a finished run.

    Args:
        recorded: what the run knows of the file, "path" and "sha256".
        path: where it is now, if the user says so.

    Raises:
        UserError: if it cannot be had, or is not the one of the run.
    """
    sha = recorded.get("sha256")
    file = locate(config.teacher, card_of(config), path or recorded_path(recorded))
    if sha is not None and sha256(file) != sha:
        raise UserError(f"{file}: is not the teacher that this run was distilled from; give that as --teacher-path")
    return load_teacher(config.teacher, card_of(config), file)


def recorded_path(recorded: dict[str, Any]) -> Path | None:
    """Where a finished run found a file or folder, if that is still there; ``recorded`` as in `teacher_of`."""
    place = recorded.get("path")
    return None if place is None or not Path(place).exists() else Path(place)


def require_room(options: Options) -> None:
    """Raise `UserError` if a run cannot begin in its folder: told before anything is read."""
    if options.out is not None and not options.resume:
        require_new(options.out)


def open_folder(config: Config, options: Options) -> RunFolder:
    """A new run's folder, or that of the run that is resumed."""
    parts = [config.mode, config.preset]
    if config.preset == TAGGER.preset:  # the one recipe of many teachers
        parts[-1] = config.teacher
    if config.mode != "teacher":
        parts += [config.student, config.generator]
    if config.mode == "few-shot":
        parts[-1:] = [f"{config.images_per_class or 'all'}-from-{config.start.replace(' ', '-')}"]
        parts += [] if config.alpha or config.beta else ["without-teacher"]
    default = "-".join([*parts, f"seed{config.seed}"])
    if options.resume and options.out is None:
        raise UserError("--resume: say which run to continue: --out runs/NAME")
    return RunFolder(options.out or free_name(RUNS, default), resume=options.resume)


def _files(config: Config, options: Options, data: Source) -> dict[str, Any]:
    """Which files a run is made of: paths as the user gave them, and what they held."""
    asked = config.mode != "teacher" and not (config.mode == "few-shot" and not (config.alpha or config.beta))
    teacher = locate(config.teacher, card_of(config), options.teacher_path) if asked else None
    card = card_of(config)
    fed = card.preprocess_file() if isinstance(card, TaggerCard) and asked else None
    begun = None if options.start is None else options.start / "student.safetensors"
    held = {
        "teacher": (options.teacher_path, None if teacher is None else sha256(teacher)),
        "data": (options.data, None if options.data is None else data.sha256()),
        "preprocess": (options.preprocess, None if fed is None else sha256(fed)),
        "start": (options.start, None if begun is None else sha256(begun)),
    }
    return {name: {"path": None if path is None else str(path), "sha256": sha} for name, (path, sha) in held.items()}


def start(
    folder: RunFolder, state: TrainState, config: Config, options: Options, device: torch.device, data: Source
) -> None:
    """Record what a new run begins with, or go on with a resumed one where its checkpoint is.

    Raises:
        UserError: if it is resumed with other files than it began with, or its checkpoint is not to be read.
    """
    files = _files(config, options, data)
    if not options.resume:
        folder.begin(config, device, files)
        state.save(folder.checkpoint, config.to_dict())  # stopped before its first turn, it can still go on
        return
    recorded = read_json(folder.path / "config.json")["files"]
    for name, file in files.items():
        judged_alone = name == "data" and config.mode == "zero-shot"  # it learns nothing from them
        before = recorded.get(name, {"path": None, "sha256": None})
        if file["sha256"] != before["sha256"] and not judged_alone:
            flag = {"teacher": "--teacher-path", "preprocess": "--preprocess", "data": "--data", "start": "--run"}[name]
            raise UserError(f"{flag} {file['path']}: not the file that this run began with ({before['path']})")
    state.load(folder.checkpoint, config.to_dict())
    folder.rewind(state.step)


def play(
    folder: RunFolder,
    state: TrainState,
    config: Config,
    options: Options,
    turns: Iterator[dict[str, float]],
    judge: Evaluator,
    student: nn.Module,
    pictures: Pictures | None,
) -> None:
    """Play the turns; log, look and save on the way. An interruption leaves a checkpoint to resume from."""
    begun = time.monotonic() - state.counters.get("seconds", 0.0)
    saved = said = time.monotonic()
    if not options.progress:
        print(f"{folder.path}: turn {state.step} of {config.pseudo_batches}", file=sys.stderr, flush=True)
    bar = tqdm(turns, config.mode, config.pseudo_batches, initial=state.step, disable=not options.progress, unit="turn")
    with Interruption() as interruption:
        for values in bar:
            turn, now = state.step, time.monotonic()
            state.counters["seconds"] = now - begun
            logged: dict[str, float | None] = dict(values)
            if config.evaluate_every and (turn % config.evaluate_every == 0 or turn == config.pseudo_batches):
                logged |= judge.quick(student)
                if pictures is not None:
                    pictures.show(folder.writer, turn)
            folder.log(turn, logged)
            due = turn % config.checkpoint_every == 0 or turn == config.pseudo_batches or now - saved > UNSAVED
            if interruption.asked or due:
                state.save(folder.checkpoint, config.to_dict())
                saved = time.monotonic()
            if interruption.asked:
                raise KeyboardInterrupt
            shown = " ".join(f"{k.split('/')[1]} {v:.3f}" for k, v in logged.items() if k in SHOWN and v)
            bar.set_postfix_str(shown)
            if not options.progress and now - said > SILENT:
                print(f"{folder.path}: turn {turn} of {config.pseudo_batches} {shown}", file=sys.stderr, flush=True)
                said = now


SHOWN = ("loss/student", "agreement/pseudo", "accuracy/training")
UNSAVED, SILENT = 300.0, 60.0
"""Seconds after which a run saves what it has, and tells a log file (a terminal has its bar) where it is."""


def conclude(
    folder: RunFolder, state: TrainState, config: Config, judge: Evaluator, student: nn.Module, name: str
) -> dict[str, Any]:
    """Keep the student of the last step, and write ``result.json``: what was asked, what it took, what it reached."""
    folder.save_student(student)
    asked = ["preset", "mode", "generator", "seed", "pseudo_batches", "batch_size"]
    asked += ["images_per_class", "alpha", "beta", "start"] if config.mode == "few-shot" else []
    result = {name: config.to_dict()[name] for name in asked}
    result["changes"] = changes(config)
    result["steps"] = int(state.counters.get("steps", 0))
    result["teacher_queries"] = int(state.counters.get("teacher_queries", 0))
    result["seconds"] = round(state.counters.get("seconds", 0.0), 1)
    result |= judge.verdict(config, student, name)
    folder.finish(result)
    return result
