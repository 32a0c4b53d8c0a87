"""Mode ``report`` of one run: a self-contained HTML page on a finished run, for people who were not there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zskt.domains import DOMAINS, Diagnosis
from zskt.experiments.build import choose_device
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import FinishedRun, open_run
from zskt.experiments.result import DATA_FREE
from zskt.markdown import integer
from zskt.plots.kept_files import Keeper
from zskt.plots.plot import Plot
from zskt.results.feature_plane import feature_plane
from zskt.results.html_page import linked, page_template
from zskt.results.report_tables import classes_table, networks_table, rejection_tables
from zskt.results.run_pictures import pictures_over_run
from zskt.results.run_plots import learning_curves, pseudo_samples, transition_curves
from zskt.storage.files import read_json, write_json, write_text
from zskt.storage.run_files import CONFIG

PAGE, FILES = "report.html", "report"
"""The page, and the folder of its files."""


def report_run(
    run: Path,
    catalog: Catalog,
    data: Path | None = None,
    teacher_path: Path | None = None,
    device: str = "auto",
    label: str = "",
) -> Path:
    """Write ``report.html`` into the run's folder, its plots and tables as files into ``report/`` beside it.

    The figures on it go to ``physics-<stem of the data>.json``, of other samples than jets to ``classes-<stem>.json``.

    Args:
        run: folder of a finished run.
        data: samples to score on; without it, images where the run found them, or the jets that ship.
        teacher_path: where the teacher's file is now, if not where the run found it.
        label: of an experiment, as "CMS Simulation", on every plot.

    Raises:
        UserError: if there is no such run, it has no teacher to compare with, or the data cannot be read.
    """
    finished_run = open_run(run, catalog, data=data, teacher_path=teacher_path, device=choose_device(device))
    evaluator = finished_run.evaluator
    evaluator.look()
    scores = finished_run.evaluate()
    diagnosis = evaluator.diagnose(finished_run.student)
    tables = [networks_table(scores)]
    if diagnosis is not None:
        prefix = "physics" if finished_run.card.domain == "jets" else "classes"
        write_json(run / f"{prefix}-{evaluator.source.stem}.json", diagnosis.figures)
        of_classes = classes_table(diagnosis.figures, evaluator.source.unit)
        tables += [] if of_classes is None else [of_classes]
        tables += rejection_tables(diagnosis.figures)
    keeper = Keeper(run / FILES, label)
    page = page_template().render(
        title=f"{scores['student']['name']} distilled from {scores['teacher']['name']}",
        summary=_summary(finished_run, scores),
        tables=linked(tables, keeper),
        plots=keeper.keep(_plots(finished_run, diagnosis)),
        more_samples=DOMAINS[finished_run.card.domain].more_samples,
        inputs=finished_run.card.describe(),
        recipe=json.dumps(read_json(run / CONFIG), indent=2),
        **provenance(run),
    )
    path = run / PAGE
    write_text(path, page)
    return path


def _plots(run: FinishedRun, diagnosis: Diagnosis | None) -> Iterable[Plot]:
    """Yield what the domain shows of both networks, then the run itself."""
    if diagnosis is not None:
        yield from diagnosis.plots()
    if run.card.domain == "images":
        yield transition_curves(run)
    yield from filter(None, (learning_curves(run.folder), pseudo_samples(run), pictures_over_run(run.folder)))
    if run.card.domain == "images":
        yield from filter(None, [feature_plane(run)])


def provenance(run: Path) -> dict[str, str]:
    """Say how the run was started and with which versions; recorded runs have that in the index of their folder."""
    path = run / "environment.json"
    if not path.is_file():
        return {"command": "", "versions": f"Recorded beside the run: {run.resolve().parent.name}/index.jsonl."}
    environment = read_json(path)
    packages = (f"{name} {version}" for name, version in environment.get("packages", {}).items())
    versions = [f"revision {environment.get('revision')}", f"Python {environment.get('python')}", *packages]
    return {"command": environment.get("command", ""), "versions": ", ".join(versions)}


def _summary(finished_run: FinishedRun, scores: Mapping[str, Any]) -> str:
    """Say in prose how the student was made, what it cost, and what it was scored on."""
    config, result = finished_run.config, finished_run.result
    card = finished_run.card
    source = "without data" if config.mode in DATA_FREE else "from data"
    generator = result.get("generator")
    pseudo = "" if generator is None else f" Pseudo-samples came from the generator {generator}."
    members = f"{config.members} networks together, of each: " * (config.members > 1)
    return (
        f"Distilled {source} (mode {config.mode}, preset {config.preset}, seed {config.seed}): "
        f"{integer(result.get('teacher_queries', 0))} teacher queries, {integer(result.get('steps', 0))} student steps."
        f"{pseudo} {scored_on(scores['data'])} Teacher: {members}{card.source}; licence: {card.licence}. A "
        "student answers like its teacher, mistakes included, and needs its own calibration before use."
    )


def scored_on(data: Mapping[str, Any]) -> str:
    """Say what was scored on."""
    if data.get("missing"):
        return f"Nothing was scored: {data['missing']}."
    count = integer(data["count"])
    return f"Scored on {count} {data['unit']}s of {data['name']}, which neither network learned from here."
