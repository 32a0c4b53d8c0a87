"""The names of everything that can be chosen, known without importing torch.

``names.json`` is made from the catalogue by ``python -m zskt --write-names``; a test compares them. It lets ``--mode
list`` and a mistake in a name answer at once.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zskt.cli.listing import facts
from zskt.errors import SETTINGS_PAGE, UserError, lookup
from zskt.experiments.aliases import SETTING_ALIASES
from zskt.jets.data_file import refuse_several
from zskt.storage.run_files import CONFIG, has_checkpoint, require_makeable

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog

PATH = Path(__file__).with_name("names.json")
ROOT = Path(__file__).parents[2]
SOURCES = (
    "zskt/methods/*.py",
    "zskt/experiments/*presets.py",
    "zskt/experiments/method_recipes.py",
    "zskt/networks/students.py",
    "zskt/*/student_views.py",
    "generators/*.py",
    "teachers/*.py",
)
"""Files that name what can be chosen."""
TRAINS = ("zero-shot", "compress", "kd", "few-shot", "teacher")
"""Modes that leave a run folder."""
STALE_SECONDS = 60.0
"""Age difference beyond which ``names.json`` is taken for older than the sources: a checkout writes both at once."""
FILES_ALONE = ("preprocess", "classes", "inputs", "site")
"""Flags that take a file and no folder."""
KINDS = ("teachers", "students", "generators", "methods", "presets", "recipes")


def names_of(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Collect the names of a catalogue, each with its summary; what the list says beside; of methods their settings."""
    from zskt.domains import DOMAINS
    from zskt.experiments.config import METHOD_OF_MODE, RUN_SETTINGS, RunConfig
    from zskt.experiments.method_recipes import VARIANT_SUMMARIES, VARIANTS, summaries
    from zskt.experiments.presets import summary_of
    from zskt.methods import METHODS
    from zskt.viewed import described

    def first_line(kind: type) -> str:
        return (kind.__doc__ or "").strip().splitlines()[0]

    return {
        "domains": dict.fromkeys(DOMAINS, ""),
        "teachers": {name: card.summary for name, card in catalog.teachers.items()},
        "students": {name: entry.summary for name, entry in catalog.students.items()},
        "views": dict(described(kind) for domain in DOMAINS.values() for kind in domain.views.values()),
        "variations": {name: v.summary for domain in DOMAINS.values() for name, v in domain.variations.items()},
        "generators": {name: entry.summary for name, entry in catalog.generators.items()},
        "methods": {name: first_line(kind) for name, kind in METHODS.items()} | VARIANT_SUMMARIES,
        "presets": {name: summary_of(config) for name, config in catalog.presets.items()},
        "recipes": summaries(METHODS),
        "about": facts(catalog),
        "settings": {name: list(kind.Config.names()) for name, kind in METHODS.items()}
        | {name: list(METHODS[method].Config.names()) for name, method in VARIANTS.items()},
        "run": {
            "settings": list(RUN_SETTINGS),
            "with_flags": [*(name for name in RunConfig.names() if name not in RUN_SETTINGS), "init_from_run"],
            "method_of_mode": METHOD_OF_MODE,
            "method_of_preset": {name: config.method for name, config in catalog.presets.items()},
        },
    }


def write_names(catalog: Catalog) -> None:
    """Write ``names.json`` anew."""
    PATH.write_text(json.dumps(names_of(catalog), indent=1, ensure_ascii=False) + "\n")


def is_stale() -> bool:
    """Tell whether a source has changed since ``names.json`` was written: then the catalogue itself must be asked."""
    newest = max((path.stat().st_mtime for pattern in SOURCES for path in ROOT.glob(pattern)), default=0.0)
    return newest > PATH.stat().st_mtime + STALE_SECONDS


@cache
def read_names() -> dict[str, dict[str, Any]]:
    """Read ``names.json``."""
    names: dict[str, dict[str, Any]] = json.loads(PATH.read_text())
    return names


def require_names(flags: argparse.Namespace) -> None:
    """Raise `UserError` if a flag names an unknown entry or setting, or a file that is not there."""
    if not is_stale():
        for kind in KINDS:
            name = getattr(flags, kind.removesuffix("s"), None)
            if name is not None and not (kind == "students" and ":" in name):  # code of the user's
                lookup(_choices(kind, name, flags.mode), name, kind.removesuffix("s"))
        _require_settings(flags)
    missing = {
        "teacher_path": "give the teacher's file, or leave the flag out",
        "preprocess": "give the preprocess.json that belongs to the network",
        "classes": "give a text file with a name on each line",
        "inputs": "give a YAML or JSON file of features",
        "data": "give a file of jets, or a folder of images",
        "training_data": "give a file of samples to learn from",
        "site": "give a TOML file of the site's settings",
    }
    for flag, remedy in missing.items():
        path: Path | None = getattr(flags, flag)
        if path is not None and not path.exists():
            if flag == "data":
                refuse_several(path)
            raise UserError(f"--{flag.replace('_', '-')} {path}: no such file; {remedy}")
        if path is not None and flag in FILES_ALONE and path.is_dir():
            raise UserError(f"--{flag} {path}: is a folder; {remedy}")
    for path in flags.members or ():
        if not path.exists():
            raise UserError(f"--teacher-path {path}: no such file; {missing['teacher_path']}")
    networks = [flags.teacher_path.resolve(), *(path.resolve() for path in flags.members)] if flags.members else []
    if twice := next((path for i, path in enumerate(networks) if path in networks[:i]), None):
        raise UserError(f"--teacher-path {twice}: is there twice, so that its answers would count twice; name it once")
    if flags.queries == 0:
        raise UserError("--queries is 0: give at least 1, or leave the flag out, which sets no limit")
    if flags.workers is not None and flags.workers < 1:
        raise UserError(f"--workers is {flags.workers}, but must be at least 1")
    for run in (flags.run or ()) if flags.mode not in ("tables", "record") else ():
        if not (run / CONFIG).is_file():
            raise UserError(f"{run / 'config.json'}: no such file; give the folder of a run of zskt")
    begins = not flags.resume or flags.resume == "auto"
    if flags.out is not None and begins:
        require_makeable(flags.out)
    if flags.mode in TRAINS and flags.out is not None and begins and not (flags.resume and has_checkpoint(flags.out)):
        from zskt.storage.folder_lock import require_new_or_free

        require_new_or_free(flags.out)


def _choices(kind: str, name: str, mode: str) -> dict[str, Any]:
    """Return what can be chosen; of methods, where the name is unknown, those that learn without data in zero-shot."""
    entries = read_names()[kind]
    if kind != "methods" or mode != "zero-shot" or name in entries:
        return entries  # another mode's method is told by who plans the run
    others = {
        method for of, method in read_names()["run"]["method_of_mode"].items() if of in ("kd", "few-shot", "teacher")
    }
    return {entry: summary for entry, summary in entries.items() if entry not in others}


def _require_settings(flags: argparse.Namespace) -> None:
    """Raise `UserError` if ``--set`` names a setting that neither the run nor its method has."""
    run = read_names()["run"]
    method = flags.method or run["method_of_preset"].get(flags.preset) or run["method_of_mode"].get(flags.mode)
    if flags.mode != "zero-shot":  # another mode runs a preset by a method of its own
        method = run["method_of_mode"].get(flags.mode)
    if method not in read_names()["settings"]:
        return  # a method of the user's
    settings = dict.fromkeys([*read_names()["settings"][method], *run["settings"]])
    for assignment in flags.set or ():
        name = assignment.partition("=")[0].partition(".")[0]
        if "=" not in assignment or name in run["with_flags"]:
            continue  # which --set does not change: of these there is more to say
        if name == "iterations" and "epochs" in settings:
            continue  # what labels teach counts its rounds in epochs
        if name not in SETTING_ALIASES or SETTING_ALIASES[name] not in settings:
            lookup(settings, name, f"setting of --mode {flags.mode} (method {method})", SETTINGS_PAGE)
