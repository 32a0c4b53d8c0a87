"""Mode ``compare``: methods on one teacher and one student at equal cost; or finished runs, as they are."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.cli.cluster_commands import arguments_of
from zskt.cli.modes import MODES
from zskt.cli.names import require_names
from zskt.cli.options import read_run
from zskt.cli.parser import parse
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.finished import evaluate_runs
from zskt.experiments.runner import RUNS, Options, given_files
from zskt.markdown import table
from zskt.terminal import note, say

if TYPE_CHECKING:
    from zskt.cluster.compare.campaign import Campaign, Request
    from zskt.cluster.compare.entrants import Entrant
    from zskt.results.compare.group import Group
    from zskt.results.compare.page import Circumstances

OWN = ("out", "run")
"""Flags of a comparison that mean something else to a run."""
PASSED_ON = tuple(flag for flag in MODES["compare"].flags if flag in MODES["zero-shot"].flags and flag not in OWN)
"""Flags of the user's that each run gets."""


def compare(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``compare``."""
    from zskt.results.compare.page import Circumstances

    command = shlex.join(["python", *sys.argv])
    if flags.run is not None:
        _page_of_runs(flags, catalog, Circumstances(command=command, experiment_label=flags.experiment_label or ""))
        return
    campaign = _campaign(flags, catalog)
    from zskt.cluster.compare.campaign import PLAN
    from zskt.storage.folder_lock import FolderLock

    _require_out(campaign.out, PLAN)
    campaign.out.mkdir(parents=True, exist_ok=True)
    with FolderLock(campaign.out):
        try:
            campaign.work()
        except KeyboardInterrupt:
            _finish(flags, catalog, campaign, command)
            raise  # how to go on, and the exit code of the signal, are said where all signals are
        _finish(flags, catalog, campaign, command)


def _campaign(flags: argparse.Namespace, catalog: Catalog) -> Campaign:
    """Plan a comparison; what the user mistook in a name or a setting is told now."""
    from zskt.cluster.compare.budget import Budget
    from zskt.cluster.compare.campaign import PLAN, Campaign, Plan
    from zskt.cluster.compare.entrants import entrants
    from zskt.cluster.compare.processes import Failure
    from zskt.cluster.sweep import Machines
    from zskt.cluster.sweep import job as job_of

    if flags.preset is None and flags.teacher is None and flags.teacher_path is None:
        raise UserError("--mode compare: say of what: --preset NAME, --teacher NAME or --teacher-path FILE")
    preset, known, _ = read_run(_of_method(flags, None), catalog)
    card = known.card(preset)
    if card.training_preset is not None:
        card.files()  # a teacher that has to be trained first says how
    has_split = DOMAINS[card.domain].has_test_split
    players = entrants(flags.methods or ("all",), preset.method, with_kd=has_split or flags.training_data is not None)
    seeds = list(dict.fromkeys(flags.seeds or (0,)))
    out = flags.out or RUNS / f"compare-{preset.preset}"

    def arguments(request: Request) -> list[str]:
        return _arguments(flags, request, has_split=has_split)

    def planned(request: Request) -> tuple[RunConfig, Catalog, Options]:
        given = parse(arguments(request))
        require_names(given)
        return read_run(given, catalog)

    def config(request: Request) -> RunConfig:
        return planned(request)[0]

    def files(request: Request) -> dict[str, str | None]:
        run, known, options = planned(request)
        return given_files(run, known.card(run), options)

    def failures() -> dict[str, Failure]:
        found = {}
        for entrant in players:
            if entrant.mode == "kd" and not has_split and flags.training_data is None:
                found[entrant.name] = Failure("learns from data: give them as --training-data FILE", True)
                continue
            try:
                config(_probe(entrant))
            except UserError as error:
                found[entrant.name] = Failure(str(error), True)
        return found

    plan = Plan.open(out / PLAN, preset.preset, Budget(minutes=flags.budget_minutes, queries=flags.queries))
    refused = failures()
    if len(refused) == len(players):
        raise UserError(next(iter(refused.values())).reason)
    machines = Machines(workers=1)
    return Campaign(
        out=out,
        entrants=players,
        seeds=seeds,
        plan=plan,
        arguments=arguments,
        config=config,
        job=lambda name, words: job_of(name, out, words, machines),
        files=files,
        failures=refused,
    )


def _probe(entrant: Entrant) -> Request:
    from zskt.cluster.compare.campaign import Request

    return Request(entrant=entrant, seed=0, iterations=None, evaluate_every=None)


def _of_method(flags: argparse.Namespace, method: str | None) -> argparse.Namespace:
    changed = {"mode": "zero-shot", "method": method, "seed": None, "resume": False, "out": None, "run": None}
    return argparse.Namespace(**{**vars(flags), **changed, "iterations": None, "queries": None, "set": None})


def _arguments(flags: argparse.Namespace, request: Request, *, has_split: bool) -> list[str]:
    """Return the command line of a run, without its folder."""
    from zskt.cluster.compare.entrants import settings_for

    entrant = request.entrant
    words = settings_for(entrant, flags.set or ())
    words += [] if request.evaluate_every is None else [f"evaluate_every={request.evaluate_every}"]
    learns = entrant.mode == "kd"
    changed = {
        "method": None if learns else entrant.method,
        "generator": entrant.generator or flags.generator,
        "seed": request.seed,
        "iterations": request.iterations,
        "set": words,
        "queries": None if learns else flags.queries,  # the reference asks about each of its samples once
        "without_evaluation": not request.judged,
        "data": flags.data if has_split or not learns else flags.training_data,
    }
    given = argparse.Namespace(**{**vars(flags), **changed})
    return arguments_of(given, entrant.mode, dict.fromkeys([*PASSED_ON, *changed]))


def _require_out(out: Path, own: str) -> None:
    """Raise `UserError` if a folder holds something else than a comparison, which has a file called ``own``."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / own).is_file())):
        raise UserError(f"--out {out}: holds something else than a comparison; name another, nothing is overwritten")


def _finish(flags: argparse.Namespace, catalog: Catalog, campaign: Campaign, command: str) -> None:
    """Write the page of what there is, and say where it is."""
    from zskt.cluster.compare.campaign import as_json
    from zskt.results.compare.group import read_groups
    from zskt.results.compare.page import Circumstances

    outcome = campaign.outcome()
    if not outcome.runs:
        print(f"no run has ended yet in {campaign.out}")
        return
    _evaluate_references(flags, catalog, outcome.runs.get("kd", ()))
    found = Circumstances(
        command=command,
        budget=campaign.plan.budget.to_dict(),
        failures=as_json(outcome.failures),
        experiment_label=flags.experiment_label or "",
    )
    groups = read_groups(outcome.runs)
    _write(campaign.out, groups, found, catalog)
    missing = len(campaign.entrants) * len(campaign.seeds) - sum(map(len, outcome.runs.values()))
    if flags.queries and outcome.runs.get("kd"):
        print("kd asks about each sample once, outside the budget: its student's steps are not those of the others")
    if missing:
        print(f"{missing} runs have no result: see the page")


def _evaluate_references(flags: argparse.Namespace, catalog: Catalog, runs: Sequence[Path]) -> None:
    """Score students that learned from data of another file on the samples of all others."""
    if flags.training_data is None or flags.data is None:
        return
    missing = [run for run in runs if not (run / f"evaluate-{flags.data.stem}.json").is_file()]
    list(evaluate_runs(missing, catalog, flags.data, None, flags.device))


def _page_of_runs(flags: argparse.Namespace, catalog: Catalog, circumstances: Circumstances) -> None:
    """Write the page of runs that are there, however they were made."""
    from zskt.cluster.compare.campaign import PLAN
    from zskt.results.compare.group import choose_same_data, labels_of, left_out, require_one_teacher
    from zskt.results.compare.page import DATA
    from zskt.results.records import records_of_runs

    if flags.out is None:
        raise UserError("--mode compare --run: say where to write the page: --out PATH")
    if (flags.out / PLAN).is_file():
        raise UserError(f"--out {flags.out}: holds a comparison with a page of its own; name another folder")
    _require_out(flags.out, DATA)
    require_one_teacher(flags.run)
    named = labels_of(records_of_runs(flags.run))
    groups = choose_same_data(named)
    for line in left_out(named, groups):
        note(f"zskt: {line}")
    _write(flags.out, groups, circumstances, catalog)


def _write(out: Path, groups: Sequence[Group], circumstances: Circumstances, catalog: Catalog) -> None:
    from zskt.results.compare.page import write_comparison
    from zskt.results.compare.pseudo_samples import pseudo_samples
    from zskt.results.compare.table import head_and_rows

    pictures = list(pseudo_samples(groups, catalog))
    page = write_comparison(out, groups, circumstances, pictures)
    print(table(*head_and_rows(groups)))
    say(f"page: {page}")
