"""From the command line's flags to a recipe, and to where and on what it is played."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from teachers import TEACHERS
from zskt.errors import UserError, lookup
from zskt.experiments.aliases import SETTING_ALIASES
from zskt.experiments.catalog import adopt_files, adopt_run
from zskt.experiments.config import Config
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.presets import preset
from zskt.experiments.runner import Options
from zskt.files import read_json


def _recorded_files(given: argparse.Namespace) -> dict[str, Path]:
    """The files that a run began with, if it is resumed."""
    if not given.resume or given.out is None:
        return {}
    files = read_json(given.out / "config.json").get("files", {})
    return {name: Path(file["path"]) for name, file in files.items() if file["path"] is not None}


def options_of(given: argparse.Namespace) -> Options:
    """Where the job works; a run that is resumed takes the files that it began with, unless told where they are now."""
    recorded = _recorded_files(given)
    return Options(
        device=given.device,
        out=given.out,
        resume=given.resume,
        data=given.data or recorded.get("data"),
        teacher_path=given.teacher_path or recorded.get("teacher"),
        preprocess=given.preprocess or recorded.get("preprocess"),
        start=_one_run(given) or recorded.get("start"),
        progress=sys.stderr.isatty(),
    )


def _one_run(given: argparse.Namespace) -> Path | None:
    """The run to begin from, in mode few-shot."""
    if given.mode != "few-shot" or given.run is None:
        return None
    if len(given.run) > 1:
        raise UserError("--run: give one run whose student to begin from")
    run: Path = given.run[0]
    return run


def _recorded(run: Path, *, whole: bool = False) -> Config:
    """The recipe of a run."""
    adopt_run(run)
    recorded = read_json(run / "config.json")
    recorded.pop("files", None)
    return Config.from_dict(recorded, str(run / "config.json"), whole=whole)


def _beginning(given: argparse.Namespace) -> Config:
    """The recipe before the flags change it; a run that is resumed begins from what it recorded."""
    if given.resume and given.out is not None:
        start = _recorded(given.out, whole=True)
        if given.preset not in (None, start.preset) or given.mode != start.mode:
            raise UserError(
                f"--out {given.out}: the checkpoint is of preset {start.preset}, mode {start.mode}; "
                f"resume it with these, not {given.preset or start.preset}, {given.mode}"
            )
        return start.with_(images_per_class=given.images_per_class)
    run, m = _one_run(given), given.images_per_class or 0
    if run is None:
        found = preset(given.preset, given.teacher, given.mode)
        if given.mode != "few-shot":
            return found
        return few_shot(found.with_(teacher=given.teacher, student=given.student), images_per_class=m)
    begun = _recorded(run)
    for flag, mine in (("preset", begun.preset), ("teacher", begun.teacher), ("student", begun.student)):
        if getattr(given, flag) not in (None, mine):
            raise UserError(f"--run {run}: its {flag} is {mine}, not {getattr(given, flag)}; leave --{flag} out")
    return few_shot(begun, f"{begun.mode} {begun.preset}", m)


def config_of(given: argparse.Namespace) -> Config:
    """The recipe that the flags describe."""
    if given.teacher is not None:
        lookup(TEACHERS, given.teacher, "teacher")
    recorded = _recorded_files(given)
    if recorded and given.out is not None:
        adopt_run(given.out)
        name = str(read_json(given.out / "config.json").get("teacher"))
        fed, network = given.preprocess or recorded.get("preprocess"), given.teacher_path or recorded.get("teacher")
        if fed is not None:
            adopt_files(name, network, fed)
    else:
        given.teacher = adopt_files(given.teacher, given.teacher_path, given.preprocess)
    flags = ("teacher", "student", "generator", "seed", "pseudo_batches", "batch_size", "student_steps")
    config = _beginning(given)
    if given.without_teacher:
        config = config.with_(alpha=0.0, beta=0.0)
    return settings(config, given.set or []).with_(**{name: getattr(given, name) for name in flags})


def settings(config: Config, assignments: Sequence[str]) -> Config:
    """The recipe with fields changed by ``NAME=VALUE`` each.

    Raises:
        UserError: if there is no such field, it has a flag of its own, or the value is of another kind.
    """
    changed: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = {new: old for old, new in SETTING_ALIASES.items()}.get(name, name)
        free = {k: v for k, v in config.to_dict().items() if k not in ("preset", "mode", "teacher", "start")}
        if not equals:
            raise UserError(f"--set {assignment}: write it as NAME=VALUE")
        kind = type(lookup(free, name, "field of a recipe"))
        words: dict[str, Any] = {"true": True, "false": False}
        try:
            changed[name] = words[text.lower()] if kind is bool else kind(text)
        except (ValueError, KeyError):
            raise UserError(f"--set {assignment}: {name} is a {kind.__name__}, like {free[name]}") from None
    return config.with_(**changed)


def adopt_preprocess(given: argparse.Namespace) -> None:
    """The taggers of finished runs are fed as the user's file says, if one is given."""
    if given.preprocess is not None:
        for run in given.run:
            adopt_run(run)
            adopt_files(str(read_json(run / "config.json").get("teacher")), given.teacher_path, given.preprocess)


def one_of(given: argparse.Namespace) -> Path:
    """The run that a mode is about.

    Raises:
        UserError: if there is none, or more than one.
    """
    if given.run is None or len(given.run) > 1:
        raise UserError(f"--mode {given.mode}: say which run: --run runs/NAME")
    run: Path = given.run[0]
    return run
