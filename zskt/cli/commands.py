"""What each mode does with its flags, and what it prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.cli.cluster_commands import answers, sweep
from zskt.cli.compare_command import compare
from zskt.cli.fetch_command import fetch
from zskt.cli.options import one_run, read_options, read_run, read_teacher_files, selected, with_teacher_files
from zskt.errors import UserError, closest
from zskt.experiments.catalog import Catalog
from zskt.experiments.runner import RUNS
from zskt.storage.files import read_json
from zskt.storage.run_files import RESULT, is_finished
from zskt.terminal import printable, say

if TYPE_CHECKING:
    from zskt.results.printed_table import PrintedTable

ALL_SYSTEMS = "seeds"
"""What --only says of all published systems: those that the seeds of the project name."""
REFERENCE = Path("runs/reference")
"""Where a checkout of the project keeps its recorded results."""
DEFAULT_PER_CLASS, DEFAULT_IMAGES, DEFAULT_TOY_ITERATIONS = 1000, 1000, 300


def train(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run the modes ``zero-shot``, ``compress``, ``kd``, ``few-shot`` and ``teacher``."""
    from zskt.experiments.finished import require_same_config
    from zskt.experiments.launch import launch
    from zskt.experiments.runner import given_networks, require_same_files
    from zskt.experiments.summary import summary, truth_line

    config, catalog, options = read_run(flags, catalog)
    if options.resume and options.out is not None and is_finished(options.out):
        require_same_config(options.out, config, "resume with the flags that it was started with")
        require_same_files(options.out, given_networks(options))
        say(f"{options.out}: is finished, nothing is left to do; see {options.out / RESULT}")
        return
    folder, result = launch(config, catalog, options)
    print(summary(result, folder))
    if sys.stdout.isatty():  # for people
        print(truth_line(result))


def transition(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``transition``: curves of the student between classes, beside its teacher's."""
    from zskt.results.transition import transition_runs

    runs = [one_run(flags), *([] if flags.against is None else [flags.against])]
    images = DEFAULT_IMAGES if flags.images is None else flags.images
    results, picture = transition_runs(
        runs, catalog, flags.data, flags.teacher_path, flags.device, images, progress=sys.stderr.isatty()
    )
    for run, result in results:
        print(
            f"{run}: mean transition error {result['on_student']['mte']:.4f} stepping on the student, "
            f"{result['on_teacher']['mte']:.4f} on the teacher, {result['count']} images"
        )
    say(f"picture: {picture}")


def paper(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``paper``: the runs behind the paper's tables, for so many minutes."""
    from zskt.results.paper_runs import DATA_SETS, MAX_MINUTES, SEEDS, planned_runs, run_campaign
    from zskt.systems import SYSTEMS

    if flags.minutes is not None and not 0 < flags.minutes <= MAX_MINUTES:
        raise UserError(f"--minutes is {flags.minutes}, but must be positive, and at most {MAX_MINUTES}")
    folder = flags.out or RUNS
    if flags.only == ALL_SYSTEMS or flags.only in SYSTEMS:
        _systems(flags, folder, catalog)
        return
    if flags.only not in DATA_SETS:
        close = closest(flags.only, [*DATA_SETS, ALL_SYSTEMS, *SYSTEMS])
        if close:
            raise UserError(f"--only {flags.only}: no table is about it; did you mean {' or '.join(close)}?")
        raise UserError(
            f"--only {flags.only}: no table is about it; choose one of {', '.join(DATA_SETS)}, {ALL_SYSTEMS}, "
            f"or a system of docs/explanation/systems.md, such as {next(iter(SYSTEMS))}"
        )
    runs = list(planned_runs(flags.only, catalog, SEEDS if flags.seed is None else (flags.seed,)))
    if flags.iterations is not None:
        runs = [replace(run, config=run.config.with_length(flags.iterations)) for run in runs]
    left = run_campaign(runs, folder, catalog, read_options(flags), flags.minutes)
    say(f"{len(runs) - len(left)} of {len(runs)} runs are finished in {folder}")
    if left:
        print(f"next: {left[0].name}; go on with the same command")


def _systems(flags: argparse.Namespace, folder: Path, catalog: Catalog) -> None:
    """Repeat published systems, and print their table."""
    from zskt.results.system_records import read_systems, system_table
    from zskt.systems import SYSTEMS
    from zskt.systems.campaign import repeat

    if flags.iterations is not None:
        raise UserError(f"--iterations: --only {flags.only} has lengths of its own; leave it out")
    quick = [name for name, system in SYSTEMS.items() if system.by_default]
    names = quick if flags.only == ALL_SYSTEMS else [flags.only]
    seeds = None if flags.seed is None else (flags.seed,)
    complete = repeat(names, folder, flags.data, seeds, flags.minutes, catalog)
    recorded = read_systems(folder)
    print("\n\n".join(system_table(recorded[name]) for name in names if name in recorded))
    if not complete:
        print("\nnot all of it is done; go on with the same command")


def evaluate(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``evaluate``."""
    from zskt.experiments.finished import evaluate_runs, read_config
    from zskt.experiments.summary import summary

    catalog = with_teacher_files(flags, catalog)
    if flags.vary is not None:
        from zskt.results.varied import varied_table, vary_runs

        rows = vary_runs(flags.run, catalog, flags.data, flags.teacher_path, flags.device, flags.vary)
        _print_table(varied_table(rows), flags)
        return
    results, files = [], []
    for path, result in evaluate_runs(flags.run, catalog, flags.data, flags.teacher_path, flags.device):
        results.append((str(path.parent), result))
        files.append(read_config(path.parent)[1])
        if flags.format is None and len(flags.run) == 1:
            print(summary(result, path))
    if flags.format is not None or len(flags.run) > 1:
        from zskt.results.scores_table import scores_table

        _print_table(scores_table(results, files), flags)


def _print_table(table: PrintedTable, flags: argparse.Namespace) -> None:
    from zskt.results.printed_table import FORMATS

    print(printable(FORMATS[flags.format or "text"](table), lines=True))


def inspect(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``inspect``."""
    from zskt.experiments.inspection import inspection

    catalog, name = catalog.with_files(flags.teacher, read_teacher_files(flags))
    if name is None:
        raise UserError("--mode inspect: say which teacher: --teacher NAME, or --teacher-path FILE --preprocess FILE")
    print(inspection(selected(catalog.teachers[name], flags.set or [])))


def report(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``report``."""
    from zskt.results.report import report_run

    label, catalog = flags.experiment_label or "", with_teacher_files(flags, catalog)
    if len(flags.run) > 1:
        from zskt.results.report_several import report_runs

        page = report_runs(flags.run, catalog, flags.data, flags.teacher_path, flags.device, flags.out, label)
    elif flags.out is not None:
        raise UserError("--out: a report on one run goes into its folder; leave it out, or give several runs")
    else:
        page = report_run(flags.run[0], catalog, flags.data, flags.teacher_path, flags.device, label)
    say(f"report: {page}")


def explain(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``explain``."""
    from zskt.results.explain.explain import explain_runs

    catalog = with_teacher_files(flags, catalog)
    page, lines = explain_runs(
        flags.run, catalog, data=flags.data, teacher_path=flags.teacher_path, device=flags.device, out=flags.out
    )
    for line in lines:
        say(line)
    say(f"explanation: {page}")


def simulate(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``simulate``."""
    from zskt.simulation.simulate import simulate as simulate_jets

    del catalog
    per_class = DEFAULT_PER_CLASS if flags.per_class is None else flags.per_class
    simulate_jets(flags.out, per_class=per_class, seed=flags.seed or 0)
    say(f"{10 * per_class} jets in {flags.out}")


def tables(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``tables``: on the screen, or as pages with pictures into a folder."""
    from zskt.results.pages import write_pages
    from zskt.results.tables import all_tables

    if flags.run is not None and len(flags.run) > 1:
        raise UserError("--run: for tables, give one folder that holds the runs")
    folder = REFERENCE if flags.run is None else flags.run[0]
    if flags.out is None:
        print(all_tables(folder, catalog))
    else:
        write_pages(folder, flags.out, catalog)
        say(f"tables and pictures: {flags.out}")


def record(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``record``: finished runs join the recorded results, made small."""
    from zskt.results.compare.recorded import add_comparison, is_comparison, runs_of_comparison
    from zskt.results.recording import new_runs, record_runs

    del catalog
    folder = flags.out or REFERENCE
    comparisons = [run for run in flags.run if is_comparison(run)]
    runs = [run for run in flags.run if run not in comparisons]
    for comparison in comparisons:  # a second time with more seeds, those that are new
        runs += new_runs(runs_of_comparison(comparison), folder)
    record_runs(runs, folder)
    for comparison in comparisons:
        add_comparison(comparison, folder)
    say(f"{len(runs)} run{'s' * (len(runs) != 1)} recorded in {folder}")


def toy(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``toy``."""
    from zskt.experiments.run_folder import free_name
    from zskt.experiments.toy import run

    del catalog
    seed = flags.seed or 0
    iterations = DEFAULT_TOY_ITERATIONS if flags.iterations is None else flags.iterations
    if not 0 <= seed <= 2**60 or iterations < 1:
        raise UserError(f"--mode toy: --seed {seed} must be in [0, 2^60], --iterations {iterations} at least 1")
    if flags.out is not None and flags.out.exists():
        raise UserError(f"--out {flags.out}: exists already; choose another, nothing is overwritten")
    folder = flags.out or free_name(RUNS, f"toy-seed{seed}")
    result = run(folder, seed, iterations)
    print(f"teacher: {result['teacher']['accuracy']:.4f} of the points right")
    print(f"student: agrees with it on {result['student']['agreement']:.4f} of the square, from pseudo-points alone")
    say(f"run: {folder} (toy.png)")


def export(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``export``."""
    from zskt.export.export import export_run
    from zskt.export.latency import latency_table
    from zskt.export.model_card import judged_on

    run = one_run(flags)
    catalog = with_teacher_files(flags, catalog)
    out = export_run(run, flags.out, catalog, flags.data, flags.teacher_path)
    measured = read_json(out / "export.json")
    if measured["count"]:
        print(f"compared on {judged_on(measured)}")
    for name in ("onnx", "int8", "hls4ml"):
        if name in measured:
            note = measured[name].pop("note", None)
            shown = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in measured[name].items() if v is not None}
            print(f"{name}: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in shown.items()))
            if note is not None:
                print(f"{name} is {note}")
    if measured["latency"]:
        print(latency_table(measured["latency"], measured["unit"]))
    say(f"exported: {out}")


COMMANDS: dict[str, Callable[[argparse.Namespace, Catalog], None]] = {
    "zero-shot": train,
    "compress": train,
    "kd": train,
    "few-shot": train,
    "teacher": train,
    "transition": transition,
    "paper": paper,
    "inspect": inspect,
    "fetch": fetch,
    "evaluate": evaluate,
    "report": report,
    "explain": explain,
    "export": export,
    "simulate": simulate,
    "answers": answers,
    "sweep": sweep,
    "compare": compare,
    "toy": toy,
    "tables": tables,
    "record": record,
}
