"""Plots of one run: its learning curves, and what its generator makes beside real samples."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import torch
from matplotlib.figure import Figure

from zskt.domains import DOMAINS
from zskt.experiments.finished import FinishedRun
from zskt.experiments.result import DATA_FREE, upgrade
from zskt.experiments.run_generator import rebuild_generator
from zskt.plots.palette import GREEN, ROLE_COLOURS
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes
from zskt.storage.files import read_json
from zskt.storage.metric_lines import read_lines
from zskt.storage.run_files import METRICS

CURVES = {
    "agreement on test samples": ({"test/agreement": ("agreement", GREEN)}, "share"),
    "accuracy on test samples": ({"test/accuracy": ("student", ROLE_COLOURS["student"])}, "share"),
    "KL": ({"kl/pseudo": ("pseudo-samples", ROLE_COLOURS["teacher"]), "test/kl": ("test samples", GREEN)}, "nats"),
    "loss of the student": ({"loss/student": ("student", ROLE_COLOURS["student"])}, "loss"),
    "confidence on pseudo-samples": (
        {f"confidence/{role}": (role, colour) for role, colour in ROLE_COLOURS.items()},
        "mean probability of the top class",
    ),
}
"""Panel -> logged metrics with label and colour, and the vertical axis."""


def learning_curves(run: Path) -> Plot:
    """Draw what a run logged of its progress."""
    lines, panels = list(read_lines(run / METRICS)), []
    for name, (metrics, unit) in CURVES.items():
        points = {key: [(line["step"], line[key]) for line in lines if key in line] for key in metrics}
        if max(map(len, points.values())) < 2:
            continue
        axes = panel_axes()
        rows: list[dict[str, float]] = []
        for key, (label, colour) in metrics.items():
            if points[key]:
                marker = "o-" if len(points[key]) < 12 else "-"
                axes.plot(*zip(*points[key], strict=True), marker, color=colour, label=label, linewidth=1, markersize=3)
                rows += [{"iteration": step, key: value} for step, value in points[key]]
        axes.set_xlabel("iteration", fontsize=FONT_SIZE)
        axes.set_ylabel(unit, fontsize=FONT_SIZE)
        if unit == "share":
            axes.set_ylim(0, 1.02)
        if len([key for key in metrics if points[key]]) > 1:
            legend(axes)
        figure = axes.figure
        assert isinstance(figure, Figure)
        panels.append(Panel(name, figure, rows))
    return Plot("Learning curves", tuple(panels))


DIRECTIONS = {"on_student": ("student", "teacher"), "on_teacher": ("teacher", "student")}
"""Key of measured transition curves -> the network that is stepped on, and the one that watches."""


def transition_curves(run: FinishedRun) -> Plot:
    """Draw the transition curves that were measured of a run, or say how to measure them."""
    title, panels = "Transition curves", []
    for path in sorted(run.folder.glob("transition-*.json")):
        measured = upgrade(read_json(path))
        for key, names in DIRECTIONS.items():
            axes = panel_axes()
            curves = {f"{names[0]}, stepped on": measured[key]["stepped"], names[1]: measured[key]["watching"]}
            for (label, values), role in zip(curves.items(), names, strict=True):
                dash = "-" if role == names[0] else "--"
                axes.plot(values, color=ROLE_COLOURS[role], linestyle=dash, label=label, linewidth=1.3)
            axes.set_ylim(0, 1.02)
            axes.set_xlabel("step towards another class j", fontsize=FONT_SIZE)
            axes.set_ylabel("probability of j, mean", fontsize=FONT_SIZE)
            legend(axes, f"MTE {measured[key]['mte']:.4f}")
            figure = axes.figure
            assert isinstance(figure, Figure)
            rows = [dict(zip(curves, values, strict=True)) for values in zip(*curves.values(), strict=True)]
            panels.append(Panel(f"stepping on the {names[0]}, {measured['data']['name']}", figure, rows))
    how = f"Nobody measured them yet: zskt --mode transition --run {shlex.quote(str(run.folder))}"
    note = (
        "From images on which both agree, gradient steps towards every other class; MTE is the mean transition error."
    )
    return Plot(title, tuple(panels), note if panels else how)


@torch.no_grad()
def pseudo_samples(run: FinishedRun) -> Plot | None:
    """Draw samples of the generator as the run left it, or as the run began where its checkpoint is not there."""
    card, evaluator = run.card, run.evaluator
    domain = DOMAINS[card.domain]
    if run.config.mode not in DATA_FREE or domain.panels is None:
        return None
    generator, as_left = rebuild_generator(run)
    said = (
        "The generator as the run left it."
        if as_left
        else ("The run's checkpoint is not here: the generator as the run began.")
    )
    batch = generator.eval().draw(2 * domain.pictured, torch.Generator().manual_seed(0))
    real = None if evaluator.missing else evaluator.data
    said += "" if real is None else f" Beside them: {evaluator.source.name}."
    plot = domain.panels(batch, real, card)
    return None if plot is None else replace(plot, note=f"{said} {plot.note}".strip())
