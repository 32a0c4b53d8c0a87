"""The picture of what more answers of a teacher bring: agreement and KL against their number, with and without data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.experiments.config import METHOD_OF_MODE
from zskt.methods import BY_ANSWERS
from zskt.plots.palette import BLUE, GREEN, GREY, VERMILLION
from zskt.results.rows import Row

SERIES = {
    "no data: prior and adversary": VERMILLION,
    "no data: prior, its mix by rewards": GREEN,
    "no data: prior alone": GREY,
    "data (kd)": BLUE,
}
"""Label of a series -> its colour, in the order of the legend."""
PRIORS = {"shower": "no data: prior and adversary", "shower-mix": "no data: prior, its mix by rewards",
          "shower-prior": "no data: prior alone"}  # fmt: skip
FIGURES = {"agreement": "agreement", "kl": "KL (nats)"}
"""A student's figure -> its label."""


def answers_picture(rows: Iterable[Row]) -> Figure | None:
    """Draw a column of panels for each teacher of jets of which a recipe was run at several lengths; None if none was.

    Points are means over seeds, bars standard deviations. Only recipes as they stand count, on the largest sample.
    """
    teachers: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.data.unit == "jet" and series_of(row) and not row.runs[0].changes:
            teachers.setdefault((row.recipe.teacher, row.recipe.student), []).append(row)
    columns = {teacher: largest for teacher, members in teachers.items() if has_curve(largest := _largest(members))}
    if not columns:
        return None
    figure = Figure(figsize=(1 + 3.1 * len(columns), 5), layout="constrained")
    cells = figure.subplots(len(FIGURES), len(columns), sharex=True, squeeze=False)
    for i, ((teacher, student), members) in enumerate(columns.items()):
        for axes, (name, label) in zip(cells[:, i], FIGURES.items(), strict=True):
            _curves(axes, members, name)
            axes.set_ylabel(label if not i else "")
        cells[0, i].set_title(f"{teacher}\nto {student}", fontsize=8)
        cells[-1, i].set_xlabel("answers of the teacher")
    handles = {
        label: handle for axes in cells.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    labels = [label for label in SERIES if label in handles]
    figure.legend([handles[label] for label in labels], labels, loc="outside lower center", ncols=len(labels),
                  fontsize=8, frameon=False)  # fmt: skip
    return figure


def series_of(row: Row) -> str:
    """Return the label of the series that a row belongs to; empty if to none."""
    recipe = row.recipe
    if recipe.mode == "kd":
        return "data (kd)" if recipe.answers is None else PRIORS["shower-prior"]
    own = recipe.mode == "zero-shot" and recipe.method in (METHOD_OF_MODE[recipe.mode], BY_ANSWERS)
    return PRIORS.get(str(recipe.generator), "") if own else ""


def has_curve(rows: Sequence[Row]) -> bool:
    """Whether a recipe without data was run at several lengths."""
    lengths: dict[str, set[int]] = {}
    for row in rows:
        lengths.setdefault(series_of(row), set()).add(row.runs[0].teacher_queries)
    return any(len(several) > 1 for label, several in lengths.items() if label != "data (kd)")


def _largest(rows: Sequence[Row]) -> list[Row]:
    """Keep the rows that were judged on the largest sample."""
    most = max(row.data.count for row in rows)
    return [row for row in rows if row.data.count == most]


def _curves(axes: Axes, rows: Sequence[Row], figure: str) -> None:
    """Draw one of the student's figures, series by series."""
    for label, colour in SERIES.items():
        members = sorted((r for r in rows if series_of(r) == label), key=lambda row: row.runs[0].teacher_queries)
        values = [[v for run in row.runs if (v := getattr(run.student, figure)) is not None] for row in members]
        points = [(r.runs[0].teacher_queries, several) for r, several in zip(members, values, strict=True) if several]
        if points:
            means = [np.mean(several) for _, several in points]
            deviations = [np.std(several, ddof=1) if len(several) > 1 else 0.0 for _, several in points]
            style = "o" if label == "data (kd)" else "o-"
            axes.errorbar(
                [n for n, _ in points], means, deviations, fmt=style, color=colour, ms=4, capsize=2, label=label
            )
    axes.set_xscale("log")
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
