"""From the flags of the command line to a run: its configuration, its catalogue, where it works."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from zskt.cli.compress_options import SMALLER, from_run_smaller
from zskt.contracts import Card
from zskt.errors import UserError, lookup
from zskt.experiments.aliases import SETTING_ALIASES
from zskt.experiments.build import member_roles, recorded_path, require_same_teacher
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.finished import as_begun, read_config
from zskt.experiments.presets import find_preset, for_mode
from zskt.experiments.runner import Options
from zskt.experiments.teacher_files import TeacherFiles
from zskt.storage.run_files import CONFIG, has_checkpoint

OF_A_RUN = ("student", "view", "generator", "seed", "teacher_access", "queries", *SMALLER)
"""Flags that are fields of `RunConfig`."""
BEGINS_FROM_RUN = ("zero-shot", "kd", "few-shot", "compress")
"""Modes whose student may be that of an earlier run."""
KEEPS_TEACHER = ("few-shot", "compress")
"""Those of them whose teacher is that of the earlier run, too."""


def read_run(flags: argparse.Namespace, catalog: Catalog) -> tuple[RunConfig, Catalog, Options]:
    """Read a run from the flags; one that is resumed begins from what it recorded."""
    options = read_options(flags)
    begun = _is_begun(flags)
    if begun:
        config, catalog = _resumed(flags, catalog, options)
    else:
        config, catalog = _begun(flags, catalog, options)
    config = assign(config, flags.set or [])
    names = {name: getattr(flags, name, None) for name in OF_A_RUN}
    settings = {name: getattr(flags, name, None) for name in ("batch_size", "student_steps", "samples_per_class")}
    config = config.with_(**names, **settings, members=1 + len(options.members))
    if flags.iterations is not None:
        config = config.with_length(flags.iterations)
    elif flags.queries and not begun and not _sets_length(flags):
        config = config.with_length_of_budget()
    if begun:
        config = as_begun(config, flags.out)
    if flags.mode == "few-shot" and flags.without_teacher and config.settings.has_teacher:
        raise UserError("--without-teacher: contradicts the --set that asks for a teacher; leave one of the two out")
    catalog.require(config)
    return config, catalog, options


def read_options(flags: argparse.Namespace) -> Options:
    """Read where a run works; a resumed run takes the files that it began with, unless told where they are now."""
    recorded, start = {}, one_run(flags) if flags.mode in BEGINS_FROM_RUN and flags.run is not None else None
    if _is_begun(flags):
        _, files = read_config(flags.out)
        recorded = {role: Path(file["path"]) for role, file in files.items() if file["path"] is not None}
    elif start is not None and flags.mode in KEEPS_TEACHER and not flags.without_teacher:
        recorded = _teacher_of(start, flags)
    return Options(
        device=flags.device,
        out=flags.out,
        resume=_is_begun(flags) and has_checkpoint(flags.out),
        data=flags.data or recorded.get("data"),
        teacher_path=flags.teacher_path or recorded.get("teacher"),
        members=flags.members or tuple(recorded[role] for role in member_roles(recorded)),
        preprocess=flags.preprocess or recorded.get("preprocess"),
        generator=_generator(flags),
        method=getattr(flags, "method", None),
        start=start or recorded.get("start"),
        progress=sys.stderr.isatty(),
        loggers=tuple(getattr(flags, "logger", None) or ()) or None,
        assigned=frozenset(SETTING_ALIASES.get(n, n) for n in (word.partition("=")[0] for word in flags.set or ())),
        judged=not getattr(flags, "without_evaluation", False),
    )


def _teacher_of(run: Path, flags: argparse.Namespace) -> dict[str, Path]:
    """Return where the files of a finished run's teacher are, by role: where the user says, or where the run had them.

    Raises:
        UserError: if one of several networks is not there, or a file is not the one of the run.
    """
    config, files = read_config(run)
    roles = [role for role in ("teacher", "preprocess", *member_roles(files)) if role in files]
    found = {role: path for role in roles if (path := recorded_path(files[role])) is not None}
    if flags.teacher_path is not None:
        found["teacher"] = flags.teacher_path
    if flags.members:
        found |= {f"teacher.{i}": path for i, path in enumerate(flags.members, 1)}
    networks = {role: path for role, path in found.items() if role != "preprocess"}
    if config.members > 1 and config.members != len(networks):
        raise UserError(f"--run {run}: {config.members} networks answered; name them again: --teacher-path FILE FILE")
    for role, path in networks.items():
        require_same_teacher(path, files.get(role, {}))
    return found


def _is_begun(flags: argparse.Namespace) -> bool:
    """Whether a run is to go on with what it recorded in its folder.

    One that was stopped before its first checkpoint has recorded what it is, and begins anew.

    Raises:
        UserError: if there is no folder to go on in, or nothing in it, and the user is sure that there is.
    """
    if not flags.resume:
        return False
    if flags.out is None:
        raise UserError("--resume: say which run to continue: --out runs/NAME")
    if not has_checkpoint(flags.out) and not (flags.out / CONFIG).is_file():
        if flags.resume == "auto":
            return False
        raise UserError(
            f"{flags.out / CONFIG}: no such file; give the folder of a run of zskt, or begin one: --resume auto"
        )
    return True


def _generator(flags: argparse.Namespace) -> str | None:
    """Return the generator that the user asked for by name, by its flag or by ``--set``."""
    chosen = [text for name, _, text in (word.partition("=") for word in flags.set or ()) if name == "generator"]
    name: str | None = getattr(flags, "generator", None)
    return name or (chosen[-1] if chosen else None)


def _sets_length(flags: argparse.Namespace) -> bool:
    """Return whether ``--set`` says how long a run is."""
    return any(word.partition("=")[0] in ("iterations", "pseudo_batches", "epochs") for word in flags.set or ())


def read_teacher_files(flags: argparse.Namespace) -> TeacherFiles:
    """Read what the user says of a teacher's files.

    Raises:
        UserError: if a flag is not written as it must be.
    """
    return TeacherFiles(
        network=flags.teacher_path,
        preprocess=flags.preprocess,
        layouts=read_layouts(flags),
        architecture=read_architecture(flags),
        input_shape=None if flags.input_shape is None else tuple(flags.input_shape),
        mean=None if flags.mean is None else tuple(flags.mean),
        std=None if flags.std is None else tuple(flags.std),
        classes=flags.classes,
        inputs=flags.inputs,
    )


def read_layouts(flags: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    """Read the layouts of a tagger's inputs, by name.

    Raises:
        UserError: if one is not written as NAME=AXES.
    """
    pairs = tuple((name, axes.upper()) for name, _, axes in (word.partition("=") for word in flags.layout or ()))
    for (name, axes), word in zip(pairs, flags.layout or (), strict=True):
        if not name or not axes:
            raise UserError(f"--layout {word}: write it as INPUT=AXES, as --layout pf_features=BPC")
    return pairs


def _resumed(flags: argparse.Namespace, catalog: Catalog, options: Options) -> tuple[RunConfig, Catalog]:
    config, _ = read_config(flags.out, whole=True)
    if flags.preset not in (None, config.preset) or flags.mode != config.mode:
        raise UserError(
            f"--out {flags.out}: the checkpoint is of preset {config.preset}, mode {config.mode}; "
            f"resume it with these, not {flags.preset or config.preset}, {flags.mode}"
        )
    catalog = catalog.with_run(flags.out)
    files = replace(read_teacher_files(flags), network=options.teacher_path, preprocess=options.preprocess)
    catalog, _ = catalog.with_files(config.teacher, files)
    return config, catalog


def _begun(flags: argparse.Namespace, catalog: Catalog, options: Options) -> tuple[RunConfig, Catalog]:
    """Begin a new run; the user's files become its teacher's."""
    files = read_teacher_files(flags)
    if options.start is not None and flags.mode in KEEPS_TEACHER:
        catalog = catalog.with_run(options.start)
        read = from_run_smaller if flags.mode == "compress" else _from_run
        config = read(flags, catalog, options.start)
        files = replace(files, network=options.teacher_path, preprocess=options.preprocess)
        catalog, _ = catalog.with_files(config.teacher, files)
        return config, catalog
    catalog, teacher = catalog.with_files(flags.teacher, files)
    config = _from_preset(flags, catalog, teacher)
    if options.start is not None:
        earlier, _ = read_config(options.start)
        config = config.with_(begins_from=f"{earlier.mode} {earlier.preset}")
    if teacher is None:  # the preset names it
        catalog, _ = catalog.with_files(config.teacher, replace(files, preprocess=None))
    return config, catalog


def _from_preset(flags: argparse.Namespace, catalog: Catalog, teacher: str | None) -> RunConfig:
    """Begin from the named preset, or the one that fits the teacher."""
    preset = find_preset(flags.preset, teacher, flags.mode, catalog.presets, catalog.teachers)
    preset = preset.with_(teacher=teacher, student=flags.student)
    if not preset.teacher:
        raise UserError(
            f"--preset {preset.preset}: say of which network: --teacher-path FILE --inputs description.yaml"
        )
    card = lookup(catalog.teachers, preset.teacher, "teacher")
    if flags.mode == "few-shot":
        config = few_shot(preset, card, samples_per_class=flags.samples_per_class or 0)
        return config.with_(kd_fraction=0.0, attention_weight=0.0) if flags.without_teacher else config
    config = for_mode(preset, flags.mode, card)
    return config if flags.method is None else config.with_method(flags.method, card.domain)


def _from_run(flags: argparse.Namespace, catalog: Catalog, run: Path) -> RunConfig:
    """Begin from the student of a finished run, in mode few-shot."""
    begun, _ = read_config(run)
    for flag, name in (("preset", begun.preset), ("teacher", begun.teacher), ("student", begun.student)):
        if getattr(flags, flag) not in (None, name):
            raise UserError(f"--run {run}: its {flag} is {name}, not {getattr(flags, flag)}; leave --{flag} out")
    config = few_shot(begun, catalog.card(begun), f"{begun.mode} {begun.preset}", flags.samples_per_class or 0)
    return config.with_(kd_fraction=0.0, attention_weight=0.0) if flags.without_teacher else config


def assign(config: RunConfig, assignments: Sequence[str]) -> RunConfig:
    """Return the configuration with settings changed by ``NAME=VALUE`` each.

    Raises:
        UserError: if there is no such setting, it has a flag of its own, or the value is of another kind.
    """
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"--set {assignment}: write it as NAME=VALUE")
        config = config.assigned(name, text)
    return config


def selected(card: Card, assignments: Sequence[str]) -> Card:
    """Return a card for other jets: ``radius``, ``pt_low`` and ``pt_high`` by ``NAME=VALUE`` each.

    Raises:
        UserError: if an assignment is of something else, or no number.
    """
    changes = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        try:
            changes[lookup({n: n for n in ("radius", "pt_low", "pt_high")}, name, "setting of jets")] = float(text)
        except ValueError as error:
            raise UserError(f"--set {assignment}: write it as {name}=NUMBER") from error
    return card.with_selection(**changes)


def read_architecture(flags: argparse.Namespace) -> tuple[str, str | None] | None:
    """Read what builds the network of a file that holds parameters alone: its name and its options; None if not given.

    Raises:
        UserError: if there are options of none.
    """
    name, options = flags.architecture, flags.architecture_options
    if options is not None and name is None:
        raise UserError(f"--architecture-options {options}: say of what: --architecture package.module:Class")
    return None if name is None else (name, options)


def with_teacher_files(flags: argparse.Namespace, catalog: Catalog) -> Catalog:
    """Return a catalogue in which the teachers of finished runs are fed as the user's file says, if one is given."""
    if flags.preprocess is not None:
        for run in flags.run:
            config, _ = read_config(run)
            catalog = catalog.with_run(run)
            catalog, _ = catalog.with_files(
                config.teacher, TeacherFiles(network=flags.teacher_path, preprocess=flags.preprocess)
            )
    return catalog


def one_run(flags: argparse.Namespace) -> Path:
    """Return the run that a mode is about.

    Raises:
        UserError: if there is more than one.
    """
    if len(flags.run) > 1:
        other = ", and another as --against runs/OTHER" if flags.mode == "transition" else ""
        raise UserError(f"--mode {flags.mode}: is about one run: --run runs/NAME{other}")
    run: Path = flags.run[0]
    return run
