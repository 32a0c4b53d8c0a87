"""Learning curves of a method, for its page in ``docs/methods``: a panel a teacher, a line a recipe."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.experiments.recipe import Recipe
from zskt.plots.palette import series_style
from zskt.results.records import Record
from zskt.results.seed_bands import Curve, draw_band

COLUMNS, WIDTH, HEIGHT = 3, 3.1, 2.5
"""Panels side by side, and the size of one in inches."""
MOST_WITHIN = 3
"""Lines of a panel whose legend finds room among them; that of more lies below."""


def picture_name(method: str) -> str:
    """Return the name of the picture of a method's learning curves, in ``docs/results``."""
    return f"method-{method}.png"


def learning_picture(method: str, records: list[Record]) -> Figure | None:
    """Draw agreement on test samples against a run's progress, of a method's recorded recipes; None without any.

    A recipe's line is its mean over seeds, with a band of ± one deviation. Runs that changed settings of their preset
    are left out.
    """
    teachers: dict[str, dict[Recipe, list[Curve]]] = {}
    for record in records:
        result, points = record.result, record.curve("test/agreement")
        if result.method == method and len(points) > 2 and not result.changes:
            shares = [(step / points[-1][0], value) for step, value in points]
            teachers.setdefault(record.recipe.teacher, {}).setdefault(record.recipe, []).append(shares)
    if not teachers:
        return None
    columns = min(COLUMNS, len(teachers))
    rows = -(-len(teachers) // columns)
    figure = Figure(figsize=(0.6 + max(columns * WIDTH, 4.4), 0.4 + rows * HEIGHT), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, teacher in zip(panels, sorted(teachers), strict=False):
        _draw(axes, teacher, teachers[teacher])
    for axes in panels[len(teachers) :]:
        axes.set_axis_off()
    figure.supxlabel("share of the run's iterations", fontsize=9)
    figure.supylabel("agreement on test samples", fontsize=9)
    return figure


def _draw(axes: Axes, teacher: str, curves: dict[Recipe, list[Curve]]) -> None:
    labels = recipe_labels(list(curves))
    for i, recipe in enumerate(sorted(curves, key=labels.__getitem__)):
        draw_band(axes, curves[recipe], labels[recipe], series_style(i))
    axes.set_title(teacher, fontsize=8)
    axes.set(xlim=(0, 1))
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > MOST_WITHIN:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, fontsize=6.5, frameon=False)
    else:
        axes.legend(loc="best", fontsize=6.5, frameon=False)


def recipe_labels(recipes: list[Recipe]) -> dict[Recipe, str]:
    """Name recipes of one teacher by their generator, and by what else tells them apart where that is not enough."""
    named = {recipe: recipe.generator or "data" for recipe in recipes}
    for detail in ("preset", "student", "length"):
        different = {
            name for name in named.values() if len({getattr(r, detail) for r, own in named.items() if own == name}) > 1
        }
        named = {r: f"{name}, {getattr(r, detail)}" if name in different else name for r, name in named.items()}
    return named
