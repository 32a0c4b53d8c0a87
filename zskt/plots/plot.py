"""A plot: panels, each a figure of its own with the numbers in it, so that a page may set them side by side or not.

A panel's first axes carry the label of an experiment, above their frame: nothing else is written there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import Formatter, FuncFormatter, NullFormatter

from zskt.markdown import integer

WIDTH, HEIGHT = 3.5, 3.1
"""Inches of a panel."""
LEFT, RIGHT, BOTTOM, TOP = 0.62, 0.12, 0.48, 0.28
"""Inches of its margins: a layout that measures labels takes longer than the drawing."""
FONT_SIZE = 8.5

LONGEST_LABEL = 44
"""Characters of a label in a legend below a panel, which is as wide as so many."""

Place = Literal["best", "upper left", "upper center", "upper right", "lower left", "lower right"]
Row = Mapping[str, Any]
"""A line of a table of numbers: column -> value."""


@dataclass(frozen=True)
class Panel:
    """One figure, and the numbers in it."""

    name: str
    """What tells it from the other panels of its plot, such as a class; empty where there is one panel."""
    figure: Figure
    rows: Sequence[Row] = ()
    """As the file of numbers beside it holds them."""


@dataclass(frozen=True)
class Plot:
    """Panels of one kind."""

    title: str
    panels: tuple[Panel, ...] = ()
    note: str = ""
    """What a reader has to know to read it."""
    missing: str = ""
    """Which panels the samples cannot carry, and how many samples would do."""
    is_detail: bool = False
    """Whether a page shows it when it is asked for, for few ask."""
    is_photograph: bool = False
    """Whether its colours mean what they are: a dark page does not turn them."""

    def __bool__(self) -> bool:
        return bool(self.panels or self.missing)


def wanting(needed: Mapping[str, int], what: str) -> str:
    """Say which panels are left out, and how many samples would do for all of them; empty where none is.

    Args:
        needed: panel -> samples.
        what: the samples, as "background jets".
    """
    return f"{', '.join(needed)} (about {integer(max(needed.values()))} {what} would do)" if needed else ""


def plain_log(axes: Axes) -> None:
    """Make the vertical axis logarithmic, its numbers written out: 2, 5, 10, not powers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_written_out)
    low, high = axes.get_ylim()
    few: Formatter = FuncFormatter(_written_out_few) if high < 30 * low else NullFormatter()
    axes.yaxis.set_minor_formatter(few)
    axes.tick_params(which="minor", labelsize=FONT_SIZE - 1.5)


def _written_out(value: float, _position: float) -> str:
    return f"{value:g}" if value < 1e4 else integer(round(value))


def _written_out_few(value: float, position: float) -> str:
    return _written_out(value, position) if f"{value:e}"[0] in "25" else ""


def panel_axes(*, width: float = WIDTH, height: float = HEIGHT, left: float = LEFT, bottom: float = BOTTOM) -> Axes:
    """Return the axes of a new figure of one panel."""
    figure = Figure(figsize=(width, height))
    room = (left / width, bottom / height, 1 - (left + RIGHT) / width, 1 - (bottom + TOP) / height)
    axes = figure.add_axes(room)
    _plain(axes)
    return axes


def stacked_axes(shares: Sequence[float], *, height: float = HEIGHT) -> list[Axes]:
    """Return axes of a new figure one above the other, the horizontal one shared.

    Args:
        shares: heights, the uppermost first.
    """
    figure = Figure(figsize=(WIDTH, height))
    room = {"left": LEFT / WIDTH, "right": 1 - RIGHT / WIDTH, "bottom": BOTTOM / height, "top": 1 - TOP / height}
    grid = figure.subplots(
        len(shares), 1, sharex=True, squeeze=False, gridspec_kw={**room, "height_ratios": list(shares), "hspace": 0.08}
    )
    several = [axes for (axes,) in grid]
    for axes in several:
        _plain(axes)
    figure.align_ylabels(several)
    return several


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=FONT_SIZE - 1, direction="in", which="both", top=True, right=True)


def legend(axes: Axes, title: str = "", *, loc: Place = "best", columns: int = 1) -> None:
    """Draw a legend without a frame; its title says what the panel is of."""
    small = FONT_SIZE - 1.5
    drawn = axes.legend(loc=loc, ncols=columns, frameon=False, fontsize=small, handlelength=1.6, labelspacing=0.3)
    if title:
        drawn.set_title(title, prop=FontProperties(size=FONT_SIZE))


def legend_below(axes: Axes, title: str = "") -> None:
    """Draw a legend under all axes of a panel, which grows by as much: many lines leave no room among themselves."""
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    size = FONT_SIZE - 1.5
    labels = [shorten(label, LONGEST_LABEL, placeholder=" …") for label in labels]
    columns = max(1, min(4, int(WIDTH / (0.45 + max(map(len, labels)) * size * 0.55 / 72))))
    lines = -(-len(labels) // columns) + (1.5 if title else 0)
    room = 0.1 + lines * size * 1.35 / 72
    figure = axes.figure
    assert isinstance(figure, Figure)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + room)
    for own in figure.axes:
        left, bottom, right, top = own.get_position().extents
        share = height / (height + room)
        own.set_position((left, (bottom * height + room) / (height + room), right - left, (top - bottom) * share))
    drawn = figure.legend(
        handles,
        labels,
        loc="lower center",
        ncols=columns,
        frameon=False,
        fontsize=size,
        handlelength=1.6,
        labelspacing=0.3,
        columnspacing=1.0,
        borderaxespad=0.2,
    )
    if title:
        drawn.set_title(title, prop=FontProperties(size=FONT_SIZE))
