"""Mode ``record``: keep of finished runs what tables, pictures and later checks need, in few small files.

A folder of records holds ``index.jsonl`` (a line per run, see `zskt.results.records.IndexEntry`),
``environments.json`` (each machine with its versions once), and per run a folder with thinned ``metrics.jsonl``. Where
the student is kept, that folder has what evaluates it again: ``config.json``, ``result.json`` and ``inputs.json``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.experiments.loggers.logger import CLASS_SHARE
from zskt.jets.sample import SAMPLE
from zskt.results.records import INDEX, IndexEntry, read_index, read_run
from zskt.storage.files import read_json, write_json
from zskt.storage.metric_lines import read_lines
from zskt.storage.run_files import CONFIG, ENVIRONMENT, INPUTS, METRICS, RESULT, STUDENT
from zskt.storage.whole_files import replacing

ENVIRONMENTS = "environments.json"
MAX_POINTS = 50
"""Points that are kept of a run's curves, evaluations not counted."""
DIGITS = 5
"""Significant digits of a point of a curve."""
STUDENT_FILES = (CONFIG, STUDENT, INPUTS, "toy.png")
"""Copied as they are where the student is kept. ``inputs.json`` is what a tagger takes; ``toy.png`` shows the networks
of mode toy, which leaves no other student."""


def record_runs(
    runs: Sequence[Path], out: Path, *, with_students: bool = False, tabulate: Sequence[str] | None = None
) -> list[Path]:
    """Add finished runs to a folder of records, and return their places in it.

    Args:
        runs: folders of finished runs.
        out: made if it is not there; ``--mode tables --run OUT`` reads it.
        with_students: keep the students, so that the runs can be evaluated and exported again.
        tabulate: stems of the evaluations that tables show in place of the runs' own figures. By default all figures
            that a run has, but for its own on the sample that ships if it was evaluated on others.

    Raises:
        UserError: if a run is not finished, is recorded already, or lacks an evaluation. Nothing is written then.
    """
    index = read_index(out) if (out / INDEX).is_file() else []
    environments = read_json(out / ENVIRONMENTS) if (out / ENVIRONMENTS).is_file() else {}
    entries = [_entry(run, tabulate, environments) for run in runs]
    names = [entry.run for entry in index]
    for run, entry in zip(runs, entries, strict=True):
        if entry.run in names or (out / entry.run).exists():
            raise UserError(f"{run}: {out} has a run of this name already; rename the folder, nothing is overwritten")
        if with_students and not any((run / name).is_file() for name in (STUDENT, "toy.png")):
            raise UserError(f"{run}: has no student.safetensors to keep; leave the students out")
        names.append(entry.run)
    for run, entry in zip(runs, entries, strict=True):
        _copy(run, entry, out / entry.run, with_students)
    write_json(out / ENVIRONMENTS, environments)
    _write_index(out, [*index, *entries])
    return [out / entry.run for entry in entries]


def new_runs(runs: Sequence[Path], out: Path) -> list[Path]:
    """Return those finished runs that a folder of records does not hold with the same result."""
    held = {entry.run: entry.result for entry in read_index(out)} if (out / INDEX).is_file() else {}
    return [run for run in runs if held.get(run.name) != read_run(run).result]


def _entry(run: Path, tabulate: Sequence[str] | None, environments: dict[str, Any]) -> IndexEntry:
    """Read the entry of a run, and add its environment to those that are known."""
    entry = read_run(run.resolve())
    own = entry.result.get("data") or {}
    stems = None if tabulate is None else list(tabulate)
    if stems is None and own.get("name") == SAMPLE.name:
        stems = list(entry.evaluations)
    missing = [stem for stem in stems or () if stem not in entry.evaluations]
    if missing:
        raise UserError(f"{run}: has no evaluate-{missing[0]}.json; evaluate it first, --mode evaluate")
    environment = read_json(run / ENVIRONMENT)
    command = _as_typed(environment.pop("command", None))
    key = hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()[:8]
    environments[key] = environment
    return replace(
        entry,
        tabulate=stems,
        transitions={stem: _round_curves(transition) for stem, transition in entry.transitions.items()},
        environment=key,
        command=command,
        config=read_json(run / CONFIG) if (run / CONFIG).is_file() else None,
    )


def _as_typed(command: str | None) -> str | None:
    """Return a command line as a user would type it, where another process of ours started the run by a path."""
    return None if command is None else re.sub(r"^python \S*zskt/__main__\.py", "python train.py", command)


def _copy(run: Path, entry: IndexEntry, place: Path, with_student: bool) -> None:
    """Copy what is kept of a run beside its line in the index."""
    place.mkdir(parents=True)
    if (run / METRICS).is_file():
        lines = thin(read_lines(run / METRICS))
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        (place / METRICS).write_text(text)
    if with_student:
        write_json(place / RESULT, entry.result)
        for name in STUDENT_FILES:
            if (run / name).is_file():
                shutil.copy(run / name, place / name)
    if not any(place.iterdir()):
        place.rmdir()


def _write_index(out: Path, entries: Iterable[IndexEntry]) -> None:
    """Write the index atomically, runs in the order of their names."""
    lines = [entry.to_json() for entry in sorted(entries, key=lambda entry: entry.run)]
    with replacing(out / INDEX) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines))


def thin(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return about `MAX_POINTS` lines of metrics: the first, the last, all evaluations, and others evenly between.

    Numbers are rounded to `DIGITS` significant digits. Shares of the classes are left out: they are much of the text,
    and no table or picture shows them.
    """
    metrics = [dict(line) for line in lines if len(line) > 1]  # others are of iterations without a student step
    stride = -(-len(metrics) // MAX_POINTS)
    last = len(metrics) - 1
    chosen = [
        line
        for i, line in enumerate(metrics)
        if i % max(stride, 1) == 0 or i == last or any(name.startswith("test/") for name in line)
    ]
    return [
        {name: round_floats(value) for name, value in line.items() if not name.startswith(CLASS_SHARE)}
        for line in chosen
    ]


def _round_curves(transition: Mapping[str, Any]) -> dict[str, Any]:
    """Return transition curves with their points rounded, and all figures of merit as they were."""
    rounded = dict(transition)
    for direction in ("on_student", "on_teacher"):
        curves = rounded.get(direction, {})
        rounded[direction] = {k: round_floats(v) if isinstance(v, list) else v for k, v in curves.items()}
    return rounded


def round_floats(values: Any) -> Any:
    """Return nested lists and dictionaries with every float rounded to `DIGITS` significant digits."""
    if isinstance(values, float):
        return float(f"{values:.{DIGITS}g}")
    if isinstance(values, Mapping):
        return {name: round_floats(value) for name, value in values.items()}
    if isinstance(values, list):
        return [round_floats(value) for value in values]
    return values
