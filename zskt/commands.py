"""From the command line's flags to jobs, and from results to what a user reads at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from generators import GENERATORS
from teachers import TEACHERS

from . import jobs, running
from .adopt import adopt_files, adopt_run
from .config import Config
from .domains import unit
from .errors import UserError, lookup
from .folder import free_name, read_json
from .presets import PRESETS, few_shot, line, preset
from .students import STUDENTS


def _recorded_files(given: argparse.Namespace) -> dict[str, Path]:
    """The files that a run began with, if it is resumed."""
    if not given.resume or given.out is None:
        return {}
    files = read_json(given.out / "config.json").get("files", {})
    return {name: Path(file["path"]) for name, file in files.items() if file["path"] is not None}


def _options(given: argparse.Namespace) -> running.Options:
    """Where the job works; a run that is resumed takes the files that it began with, unless told where they are now."""
    recorded = _recorded_files(given)
    return running.Options(
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
        return few_shot(found.with_(mode=given.mode, teacher=given.teacher, student=given.student), images_per_class=m)
    begun = _recorded(run)
    for flag, mine in (("preset", begun.preset), ("teacher", begun.teacher), ("student", begun.student)):
        if getattr(given, flag) not in (None, mine):
            raise UserError(f"--run {run}: its {flag} is {mine}, not {getattr(given, flag)}; leave --{flag} out")
    return few_shot(begun, f"{begun.mode} {begun.preset}", m)


def _config(given: argparse.Namespace) -> Config:
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


def distil(given: argparse.Namespace) -> None:
    folder, result = jobs.distil(_config(given), _options(given))
    print(report(result, folder))


def teacher(given: argparse.Namespace) -> None:
    folder, result = jobs.train_teacher(_config(given), _options(given))
    print(report(result, folder))


def few_shot_run(given: argparse.Namespace) -> None:
    folder, result = jobs.few_shot(_config(given), _options(given))
    print(report(result, folder))


def transition(given: argparse.Namespace) -> None:
    from .transition import transition_runs

    if given.run is None or len(given.run) > 1:
        raise UserError("--mode transition: say which run: --run runs/NAME, and another as --against runs/OTHER")
    runs = [*given.run, *([] if given.against is None else [given.against])]
    images = 1000 if given.images is None else given.images
    found, picture = transition_runs(
        runs, given.data, given.teacher_path, given.device, images, progress=sys.stderr.isatty()
    )
    for run, result in found:
        print(
            f"{run}: mean transition error {result['on_student']['mte']:.4f} stepping on the student, "
            f"{result['on_teacher']['mte']:.4f} on the teacher, {result['images']} images"
        )
    print(f"picture: {picture}")


def paper(given: argparse.Namespace) -> None:
    from .campaign import LONGEST, SEEDS, campaign, play

    if given.only is None:
        raise UserError("--mode paper: say for which data: --only cifar10, svhn or mnist")
    if given.minutes is not None and not 0 < given.minutes <= LONGEST:
        raise UserError(f"--minutes is {given.minutes}, but must be positive, and at most {LONGEST}")
    place = given.out or running.RUNS
    runs = list(campaign(given.only, SEEDS if given.seed is None else (given.seed,)))
    if given.pseudo_batches is not None:
        runs = [replace(run, config=run.config.with_(pseudo_batches=given.pseudo_batches)) for run in runs]
    left = play(runs, place, _options(given), given.minutes)
    print(f"{len(runs) - len(left)} of {len(runs)} runs are finished in {place}")
    if left:
        print(f"next: {left[0].name}; go on with the same command")


def evaluate(given: argparse.Namespace) -> None:
    from .evaluation import evaluate_runs

    if given.run is None:
        raise UserError("--mode evaluate: say which run: --run runs/NAME")
    adopt_preprocess(given)
    for path, result in evaluate_runs(given.run, given.data, given.teacher_path, given.device):
        print(report(result, path))


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


def html(given: argparse.Namespace) -> None:
    from .report import report_run

    run = one_of(given)
    adopt_preprocess(given)
    print(f"report: {report_run(run, given.data, given.teacher_path, given.device)}")


def simulate(given: argparse.Namespace) -> None:
    from .simulate import simulate as run

    if given.out is None:
        raise UserError("--mode simulate: say where to write: --out jets.root")
    run(given.out, per_class=given.per_class, seed=0 if given.seed is None else given.seed)
    print(f"{10 * given.per_class} jets in {given.out}")


def tables(given: argparse.Namespace) -> None:
    from .tables import everything, write

    if given.run is not None and len(given.run) > 1:
        raise UserError("--run: for tables, give one folder that holds the runs")
    folder = Path("runs/reference") if given.run is None else given.run[0]
    if given.out is None:
        print(everything(folder))
    else:
        write(folder, given.out)
        print(f"tables and pictures: {given.out}")


def show_list(given: argparse.Namespace) -> None:
    del given
    kinds: dict[str, dict[str, str]] = {
        "teachers": {name: card.line for name, card in TEACHERS.items()},
        "students": {name: student.line for name, student in STUDENTS.items()},
        "generators": {name: entry.line for name, entry in GENERATORS.items()},
        "presets": {name: line(config) for name, config in PRESETS.items()},
    }
    for kind, entries in kinds.items():
        print(f"{kind}:")
        for name, what in entries.items():
            print(f"  {name:<28} {what}")


def toy(given: argparse.Namespace) -> None:
    from .toy import run

    seed = 0 if given.seed is None else given.seed
    turns = 300 if given.pseudo_batches is None else given.pseudo_batches
    if not 0 <= seed <= 2**60 or turns < 1:
        raise UserError(f"--mode toy: --seed {seed} must be in [0, 2^60], --pseudo-batches {turns} at least 1")
    if given.out is not None and given.out.exists():
        raise UserError(f"--out {given.out}: exists already; choose another, nothing is overwritten")
    folder = given.out or free_name(running.RUNS, f"toy-seed{seed}")
    result = run(folder, seed, turns)
    print(f"teacher: {result['teacher']['accuracy']:.4f} of the points right")
    print(f"student: agrees with it on {result['student']['agreement']:.4f} of the square, from pseudo-points alone")
    print(f"run: {folder} (toy.png)")


def export(given: argparse.Namespace) -> None:
    from .export import export_run
    from .latency import table

    run = one_of(given)
    if given.out is None:
        raise UserError("--mode export: say where to write: --out student/")
    adopt_preprocess(given)
    out = export_run(run, given.out, given.data, given.teacher_path)
    measured = read_json(out / "export.json")
    for name in ("onnx", "int8", "hls4ml"):
        if name in measured:
            print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in measured[name].items()))
    if measured["latency"]:
        print(table(measured["latency"], "jet" if "jets" in measured else "image"))
    print(f"exported: {out}")


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "zero-shot": distil,
    "kd": distil,
    "few-shot": few_shot_run,
    "transition": transition,
    "paper": paper,
    "evaluate": evaluate,
    "report": html,
    "export": export,
    "teacher": teacher,
    "simulate": simulate,
    "toy": toy,
    "tables": tables,
    "list": show_list,
}


def report(result: dict[str, Any], where: Path) -> str:
    """The small table at the end of a run."""
    data = result["data"]
    kind = unit(data)
    rows: list[tuple[str, ...]] = [
        ("", "network", "parameters", "accuracy", "AUC", "agreement", "KL (nats)", f"ms per {kind}")
    ]
    for role in ("teacher", "student"):
        entry = result[role]
        cells = [entry.get(key) for key in ("parameters", "accuracy", "auc", "agreement", "kl", f"ms_per_{kind}")]
        rows.append((role, str(entry["name"]), *(_cell(value) for value in cells)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    values = [
        f"{name}: correlation with the teacher's {_cell(v['correlation'])}, "
        f"median difference {_cell(v['median_difference'])}"
        for name, v in result["student"].get("values", {}).items()
    ]
    return "\n".join([f"\non {data[f'{kind}s']} {kind}s of {data['name']}:", *lines, *values, f"run: {where}"])


def _cell(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:.4f}"
