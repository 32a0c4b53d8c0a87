"""What each ``--mode`` does with the flags that it was given, and what it prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from generators import GENERATORS
from teachers import TEACHERS
from zskt.cli.options import adopt_preprocess, config_of, one_of, options_of
from zskt.errors import UserError
from zskt.experiments import launch as jobs
from zskt.experiments import runner as running
from zskt.experiments.catalog import Catalog
from zskt.experiments.presets import PRESETS, line
from zskt.experiments.run_folder import free_name
from zskt.experiments.summary import summary
from zskt.files import read_json
from zskt.networks.students import STUDENTS

CATALOG = Catalog(TEACHERS, STUDENTS, GENERATORS, PRESETS)


def distil(given: argparse.Namespace) -> None:
    """Modes ``zero-shot`` and ``kd``."""
    folder, result = jobs.distil(config_of(given), options_of(given))
    print(summary(result, folder))


def teacher(given: argparse.Namespace) -> None:
    """Mode ``teacher``."""
    folder, result = jobs.train_teacher(config_of(given), options_of(given))
    print(summary(result, folder))


def few_shot_run(given: argparse.Namespace) -> None:
    """Mode ``few-shot``."""
    folder, result = jobs.few_shot(config_of(given), options_of(given))
    print(summary(result, folder))


def transition(given: argparse.Namespace) -> None:
    """Mode ``transition``: curves of the student between classes, beside its teacher's."""
    from zskt.results.transition import transition_runs

    if given.run is None or len(given.run) > 1:
        raise UserError("--mode transition: say which run: --run runs/NAME, and another as --against runs/OTHER")
    runs = [*given.run, *([] if given.against is None else [given.against])]
    images = 1000 if given.images is None else given.images
    results, picture = transition_runs(
        runs, given.data, given.teacher_path, given.device, images, progress=sys.stderr.isatty()
    )
    for run, result in results:
        print(
            f"{run}: mean transition error {result['on_student']['mte']:.4f} stepping on the student, "
            f"{result['on_teacher']['mte']:.4f} on the teacher, {result['count']} images"
        )
    print(f"picture: {picture}")


def paper(given: argparse.Namespace) -> None:
    """Mode ``paper``: the runs behind the tables, for so many minutes."""
    from zskt.results.paper_runs import DATA_SETS, MAX_MINUTES, SEEDS, planned_runs, run_campaign

    if given.only is None:
        raise UserError(f"--mode paper: say for which data: --only {' or '.join(DATA_SETS)}")
    if given.minutes is not None and not 0 < given.minutes <= MAX_MINUTES:
        raise UserError(f"--minutes is {given.minutes}, but must be positive, and at most {MAX_MINUTES}")
    place = given.out or running.RUNS
    runs = list(planned_runs(given.only, CATALOG, SEEDS if given.seed is None else (given.seed,)))
    if given.pseudo_batches is not None:
        runs = [replace(run, config=run.config.with_(pseudo_batches=given.pseudo_batches)) for run in runs]
    left = run_campaign(runs, place, options_of(given), given.minutes)
    print(f"{len(runs) - len(left)} of {len(runs)} runs are finished in {place}")
    if left:
        print(f"next: {left[0].name}; go on with the same command")


def evaluate(given: argparse.Namespace) -> None:
    """Mode ``evaluate``."""
    from zskt.experiments.finished import evaluate_runs

    if given.run is None:
        raise UserError("--mode evaluate: say which run: --run runs/NAME")
    adopt_preprocess(given)
    for path, result in evaluate_runs(given.run, given.data, given.teacher_path, given.device):
        print(summary(result, path))


def html(given: argparse.Namespace) -> None:
    """Mode ``report``."""
    from zskt.results.report import report_run

    run = one_of(given)
    adopt_preprocess(given)
    print(f"report: {report_run(run, given.data, given.teacher_path, given.device, CATALOG)}")


def simulate(given: argparse.Namespace) -> None:
    """Mode ``simulate``."""
    from zskt.simulation.simulate import simulate as run

    if given.out is None:
        raise UserError("--mode simulate: say where to write: --out jets.root")
    run(given.out, per_class=given.per_class, seed=0 if given.seed is None else given.seed)
    print(f"{10 * given.per_class} jets in {given.out}")


def tables(given: argparse.Namespace) -> None:
    """Mode ``tables``: on the screen, or into a folder with pictures."""
    from zskt.results.pages import write_pages
    from zskt.results.tables import all_tables

    if given.run is not None and len(given.run) > 1:
        raise UserError("--run: for tables, give one folder that holds the runs")
    folder = Path("runs/reference") if given.run is None else given.run[0]
    if given.out is None:
        print(all_tables(folder, CATALOG))
    else:
        write_pages(folder, given.out, CATALOG)
        print(f"tables and pictures: {given.out}")


def show_list(given: argparse.Namespace) -> None:
    """Mode ``list``."""
    del given
    kinds: dict[str, dict[str, str]] = {
        "teachers": {name: card.summary for name, card in TEACHERS.items()},
        "students": {name: student.summary for name, student in STUDENTS.items()},
        "generators": {name: entry.summary for name, entry in GENERATORS.items()},
        "presets": {name: line(config) for name, config in PRESETS.items()},
    }
    for kind, entries in kinds.items():
        print(f"{kind}:")
        width = max(map(len, entries))
        for name, what in entries.items():
            print(f"  {name:<{width}}  {what}")


def toy(given: argparse.Namespace) -> None:
    """Mode ``toy``."""
    from zskt.experiments.toy import run

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
    """Mode ``export``."""
    from zskt.export.export import export_run
    from zskt.export.latency import table

    run = one_of(given)
    if given.out is None:
        raise UserError("--mode export: say where to write: --out student/")
    adopt_preprocess(given)
    out = export_run(run, given.out, given.data, given.teacher_path)
    measured = read_json(out / "export.json")
    for name in ("onnx", "int8", "hls4ml"):
        if name in measured:
            shown = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in measured[name].items()}
            print(f"{name}: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in shown.items()))
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
