"""Mode ``report``: one self-contained HTML page on a finished run, for people who were not there."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, select_autoescape
from matplotlib.figure import Figure

from zskt.domains import DOMAINS
from zskt.experiments.build import choose_device
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import DATA_FREE
from zskt.experiments.finished import FinishedRun, open_run
from zskt.experiments.result import Result
from zskt.experiments.run_generator import rebuild_generator
from zskt.experiments.summary import value_line, written
from zskt.files import read_json, write_json, write_text
from zskt.jets.metrics import CUT_EFFICIENCY, MIN_JETS
from zskt.results.records import Record

DPI = 110
SHOWN_METRICS = ("test/agreement", "kl/pseudo", "loss/student", "confidence/teacher", "confidence/student")
"""Metrics of a run whose curves the page shows."""


def report_run(
    run: Path, catalog: Catalog, data: Path | None = None, teacher_path: Path | None = None, device: str = "auto"
) -> Path:
    """Write ``report.html`` into the run's folder, and the figures on it as ``physics-<stem of the data>.json``.

    Args:
        run: folder of a finished run.
        data: samples to score on; without it, images where the run found them, or the jets that ship.
        teacher_path: where the teacher's file is now, if not where the run found it.

    Raises:
        UserError: if there is no such run, it has no teacher to compare with, or the data cannot be read.
    """
    finished_run = open_run(run, catalog, data=data, teacher_path=teacher_path, device=choose_device(device))
    evaluator = finished_run.evaluator
    evaluator.look()
    scores = finished_run.evaluate()
    diagnosis = evaluator.diagnose(finished_run.student)
    pictures = list(_pictures(finished_run))
    tables = [_networks_table(scores)]
    if diagnosis is not None:
        figures = diagnosis.figures
        write_json(run / f"physics-{evaluator.source.stem}.json", figures)
        plots = diagnosis.pictures().items()
        pictures = [{"title": title, "png": png(figure), "note": ""} for title, figure in plots] + pictures
        tables += _rejection_tables(figures)
    page = page_template().render(
        title=f"{scores['student']['name']} distilled from {scores['teacher']['name']}",
        summary=_summary(finished_run, scores),
        tables=tables,
        pictures=pictures,
        inputs=finished_run.card.describe(),
        recipe=json.dumps(read_json(run / "config.json"), indent=2),
        **_provenance(run),
    )
    path = run / "report.html"
    write_text(path, page)
    return path


def _provenance(run: Path) -> dict[str, str]:
    """Say how the run was started and with which versions; recorded runs have that in the index of their folder."""
    path = run / "environment.json"
    if not path.is_file():
        return {"command": "", "versions": f"Recorded beside the run: {run.resolve().parent.name}/index.jsonl."}
    environment = read_json(path)
    packages = (f"{name} {version}" for name, version in environment.get("packages", {}).items())
    versions = [f"revision {environment.get('revision')}", f"Python {environment.get('python')}", *packages]
    return {"command": environment.get("command", ""), "versions": ", ".join(versions)}


def page_template() -> Any:
    """Return the template of pages that have no other files."""
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=select_autoescape(default=True)).get_template("report.html.j2")


def png(figure: Figure) -> str:
    """Encode a figure for a page that has no other files."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return base64.b64encode(buffer.getvalue()).decode()


def _summary(finished_run: FinishedRun, scores: Mapping[str, Any]) -> str:
    """Say in prose how the student was made, what it cost, and what it was scored on."""
    config, result = finished_run.config, finished_run.result
    card, data = finished_run.card, scores["data"]
    source = "without data" if config.mode in DATA_FREE else "from data"
    generator = result.get("generator")
    pseudo_samples = "" if generator is None else f" Pseudo-samples came from the generator {generator}."
    scored = (
        f"Nothing was scored: {data['missing']}."
        if data.get("missing")
        else f"Scored on {data['count']:,} {data['unit']}s of {data['name']}, which neither network learned from here."
    )
    return (
        f"Distilled {source} (mode {config.mode}, preset {config.preset}, seed {config.seed}): "
        f"{result.get('teacher_queries', 0):,} teacher queries, {result.get('steps', 0):,} student steps."
        f"{pseudo_samples} {scored} Teacher: {card.source}; licence: {card.licence}. A student answers like its "
        "teacher, mistakes included, and needs its own calibration before use."
    )


def _networks_table(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of both networks' figures."""
    keys = ("parameters", "accuracy", "auc", "ece", "agreement", "kl", "ms_per_sample")
    rows = [
        [role, scores[role]["name"], *(written(scores[role].get(key)) for key in keys)]
        for role in ("teacher", "student")
    ]
    time = f"ms per {scores['data']['unit']}"
    head = ["", "network", "parameters", "accuracy", "AUC", "ECE", "agreement", "KL (nats)", time]
    note = "; ".join(value_line(name, figures) for name, figures in scores["student"].get("values", {}).items())
    return {"title": "Networks", "head": head, "rows": rows, "note": note}


def _rejection_tables(figures: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the table of background rejections, if there are signals."""
    if not figures["signals"]:
        return
    efficiencies = sorted({e for f in figures["signals"].values() for e in f["rejection"]["teacher"]}, key=float)
    rows = []
    # Against its own classes a teacher is perfect: nothing to read there.
    roles = ("teacher", "student") if figures["truth"] == "labels" else ("student",)
    for name, f in figures["signals"].items():
        for role in roles:
            cells = [_rejection(f["rejection"][role].get(e)) for e in efficiencies]
            signal = name if role == roles[0] else ""
            rows.append([signal, role, written(f["auc"][role]), *cells, written(f["sculpting"][role])])
    yield {
        "title": "Background rejection",
        "head": ["signal", "", "AUC", *(f"1/ε_B at {float(e):.1%}" for e in efficiencies), "mass sculpting (bits)"],
        "rows": rows,
        "note": f"Against {', '.join(figures['background'])}, on {figures['jets']:,} jets; the truth is "
        f"{figures['truth']}. Errors are binomial. Sculpting: Jensen-Shannon divergence of the background's mass "
        f"before and after the cut at {CUT_EFFICIENCY:.0%}, – where fewer than {MIN_JETS} jets of it pass: give more "
        "with --data.",
    }


def _rejection(value: list[float | None] | None) -> str:
    """Write a rejection with its error; a lower limit has none."""
    if value is None or value[0] is None:
        return "–"
    return f"> {value[0]:.0f}" if value[1] is None else f"{value[0]:.1f} ± {value[1]:.1f}"


def _pictures(finished_run: FinishedRun) -> Iterator[dict[str, str]]:
    """Yield the learning curves, and pseudo-samples beside real ones."""
    record = Record(folder=finished_run.folder, result=Result.from_dict(finished_run.result, finished_run.folder))
    curves = {name: points for name in SHOWN_METRICS if len(points := record.curve(name)) > 1}
    if curves:
        figure = Figure(figsize=(2.7 * len(curves), 2.4), layout="constrained")
        for axes, (name, points) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
            axes.plot(*zip(*points, strict=True), linewidth=0.8)
            axes.set(title=name, xlabel="iteration")
        yield {"title": "The run", "png": png(figure), "note": ""}
    if finished_run.config.mode in DATA_FREE:
        pseudo_samples, note = _pseudo_samples(finished_run)
        if pseudo_samples is not None:
            yield {"title": "Pseudo-samples beside others", "png": png(pseudo_samples), "note": note}


@torch.no_grad()
def _pseudo_samples(finished_run: FinishedRun) -> tuple[Figure | None, str]:
    """Draw samples of the generator as the run left it; without its checkpoint, as the run began."""
    card, evaluator = finished_run.card, finished_run.evaluator
    domain = DOMAINS[card.domain]
    generator, as_left = rebuild_generator(finished_run)
    note = "The generator as the run left it."
    if not as_left:
        note = "The run's checkpoint is not here: the generator as the run began."
    batch = generator.eval().draw(2 * domain.pictured, torch.Generator().manual_seed(0))
    real = None if evaluator.missing else evaluator.data
    note += "" if real is None else f" Beside them: {evaluator.source.name}."
    return domain.picture(batch, real, card), note
