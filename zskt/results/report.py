"""Mode ``report``: one self-contained HTML page on a finished run, for people who were not there."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, select_autoescape
from matplotlib.figure import Figure

from teachers import TaggerCard
from zskt.domains import DOMAINS, unit
from zskt.experiments.config import NO_GENERATOR
from zskt.experiments.finished import FinishedRun, finished
from zskt.experiments.run_generator import rebuild_generator
from zskt.experiments.runner import choose_device
from zskt.experiments.summary import written
from zskt.files import read_json, write_json
from zskt.jets.event_display import COUNT
from zskt.jets.jetclass import SAMPLE
from zskt.jets.metrics import CUT, LEAST
from zskt.jets.plots import pictures as physics_pictures
from zskt.jets.tagger_inputs import describe
from zskt.results.records import Record

DPI = 110
CURVES = ("test/agreement", "kl/pseudo", "loss/student", "confidence/teacher", "confidence/student")
"""Of the metrics that a run logs, those that the page shows."""


def report_run(run: Path, data: Path | None, teacher_path: Path | None, device: str) -> Path:
    """Write ``report.html`` into the run's folder, and the figures on it as ``physics-<stem of the data>.json``.

    Raises:
        UserError: if there is no such run, it has no teacher to compare with, or the data cannot be read.
    """
    found = finished(run, data, teacher_path, choose_device(device), {})
    verdict = found.judge.verdict(found.config, found.student, found.name)
    figures = found.judge.physics(found.student)
    pictures = list(_pictures(found))
    if figures is not None:
        write_json(run / f"physics-{found.judge.source.stem}.json", figures[1])
        pictures = [{"title": t, "png": _png(f), "note": ""} for t, f in physics_pictures(*figures).items()] + pictures
    environment = read_json(run / "environment.json")
    card = found.judge.card
    page = _template().render(
        title=f"{verdict['student']['name']} distilled from {verdict['teacher']['name']}",
        summary=_summary(found, verdict),
        tables=[_networks(verdict), *([] if figures is None else list(_physics(figures[1])))],
        pictures=pictures,
        inputs=describe(card.inputs) if isinstance(card, TaggerCard) else "",
        command=environment.get("command", ""),
        versions=f"revision {environment.get('revision')}, Python {environment.get('python')}, "
        + ", ".join(f"{k} {v}" for k, v in environment.get("packages", {}).items()),
        recipe=json.dumps(read_json(run / "config.json"), indent=2),
    )
    path = run / "report.html"
    path.write_text(page)
    return path


def _template() -> Any:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=select_autoescape(default=True)).get_template("report.html.j2")


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return base64.b64encode(buffer.getvalue()).decode()


def _summary(found: FinishedRun, verdict: dict[str, Any]) -> str:
    config, result, card = found.config, found.result, found.judge.card
    how = "without data" if config.mode == "zero-shot" else "from data"
    made = "" if config.generator == NO_GENERATOR else f" Pseudo-samples came from the generator {config.generator}."
    kind = unit(verdict["data"])
    return (
        f"Distilled {how} (mode {config.mode}, preset {config.preset}, seed {config.seed}): "
        f"{result.get('teacher_queries', 0):,} answers of the teacher, {result.get('steps', 0):,} steps of the student."
        f"{made} Judged on {verdict['data'][f'{kind}s']:,} {kind}s of {verdict['data']['name']}, which neither learned "
        f"from here. Teacher: {card.source}; licence: {card.licence}. A student answers like its teacher, mistakes "
        "included, and needs its own calibration before use."
    )


def _networks(verdict: dict[str, Any]) -> dict[str, Any]:
    kind = unit(verdict["data"])
    keys = ("parameters", "accuracy", "auc", "ece", "agreement", "kl", f"ms_per_{kind}")
    rows = [
        [role, verdict[role]["name"], *(written(verdict[role].get(k)) for k in keys)] for role in ("teacher", "student")
    ]
    head = ["", "network", "parameters", "accuracy", "AUC", "ECE", "agreement", "KL (nats)", f"ms per {kind}"]
    values = verdict["student"].get("values", {})
    note = "; ".join(
        f"{name}: correlation with the teacher {written(v['correlation'])}, "
        f"median difference {written(v['median_difference'])}"
        for name, v in values.items()
    )
    return {"title": "Networks", "head": head, "rows": rows, "note": note}


def _physics(figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not figures["signals"]:
        return
    efficiencies = sorted({e for f in figures["signals"].values() for e in f["rejection"]["teacher"]}, key=float)
    rows = []
    # Against its own classes a teacher is perfect: nothing to read there.
    roles = ("teacher", "student") if figures["truth"] == "labels" else ("student",)
    for name, f in figures["signals"].items():
        for role in roles:
            cells = [_rejection(f["rejection"][role].get(e)) for e in efficiencies]
            rows.append(
                [
                    name if role == roles[0] else "",
                    role,
                    written(f["auc"][role]),
                    *cells,
                    written(f["sculpting"][role]),
                ]
            )
    yield {
        "title": "Background rejection",
        "head": ["signal", "", "AUC", *(f"1/ε_B at {float(e):.1%}" for e in efficiencies), "mass sculpting (bits)"],
        "rows": rows,
        "note": f"Against {', '.join(figures['background'])}, on {figures['jets']:,} jets; the truth is "
        f"{figures['truth']}. Errors are binomial. Sculpting: Jensen-Shannon divergence of the background's mass "
        f"before and after the cut at {CUT:.0%}, – where fewer than {LEAST} jets of it pass: give more with --data.",
    }


def _rejection(value: list[float | None] | None) -> str:
    if value is None or value[0] is None:
        return "–"
    return f"> {value[0]:.0f}" if value[1] is None else f"{value[0]:.1f} ± {value[1]:.1f}"


def _pictures(found: FinishedRun) -> Iterator[dict[str, str]]:
    record = Record(found.run, found.result)
    curves = {name: points for name in CURVES if len(points := record.curve(name)) > 1}
    if curves:
        figure = Figure(figsize=(2.7 * len(curves), 2.4), layout="constrained")
        for axes, (name, points) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
            axes.plot(*zip(*points, strict=True), linewidth=0.8)
            axes.set(title=name, xlabel="turn")
        yield {"title": "The run", "png": _png(figure), "note": ""}
    if found.config.mode == "zero-shot":
        drawn, note = _pseudo(found)
        if drawn is not None:
            yield {"title": "Pseudo-samples beside others", "png": _png(drawn), "note": note}


@torch.no_grad()
def _pseudo(found: FinishedRun) -> tuple[Figure | None, str]:
    """Draw pseudo-samples of the generator as the run left it; without its checkpoint, as the run began."""
    card = found.judge.card
    generator, as_left = rebuild_generator(found, found.config.generator)
    note = "The generator as the run left it."
    if not as_left:
        note = "The run's checkpoint is not here: the generator as the run began."
    draw = generator.draw(8 * COUNT, torch.Generator().manual_seed(0))
    note += f" Beside them: {found.judge.source.name}"
    if card.domain == "jets" and found.judge.source.name != SAMPLE.name:
        note += f", or {SAMPLE.name} where that does not tell particles apart"
    note += "."
    return DOMAINS[card.domain].picture(draw, found.judge.data, card), note
