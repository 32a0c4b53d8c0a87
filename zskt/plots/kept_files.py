"""Plots and tables as files to keep: SVG, PDF and CSV beside a page, and the picture that the page holds itself."""

from __future__ import annotations

import base64
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
from matplotlib.figure import Figure

from zskt.plots.experiment_label import put_label
from zskt.plots.plot import Panel, Plot, Row
from zskt.storage.whole_files import replacing

DPI = 160
SUFFIXES = (".svg", ".pdf", ".png", ".csv")
LARGEST_SVG = 200_000
"""Bytes above which a page holds pixels instead."""
STYLE = {"svg.hashsalt": "zskt", "svg.fonttype": "path", "pdf.fonttype": 42}
"""The same plot gives the same file."""


@dataclass(frozen=True)
class KeptPanel:
    """A panel as a page shows it."""

    name: str
    source: str
    """Picture, as the address that an image of HTML has."""
    links: tuple[tuple[str, str], ...] = ()
    """Names and addresses, relative to the page, of its files."""


@dataclass(frozen=True)
class KeptPlot:
    """A plot as a page shows it."""

    title: str
    panels: tuple[KeptPanel, ...]
    note: str = ""
    missing: str = ""
    is_detail: bool = False
    is_photograph: bool = False
    is_wide: bool = field(default=False)
    """Whether a panel takes the whole width."""

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        return slug(self.title)


class Keeper:
    """Writes the files of one page into a folder beside it; those of an earlier page go.

    Args:
        folder: beside the page.
        label: of an experiment, on every plot but photographs; empty for none.
    """

    def __init__(self, folder: Path, label: str = "") -> None:
        self.folder, self.label = folder, label
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.suffix in SUFFIXES and path.is_file():
                path.unlink()

    def keep(self, plots: Iterable[Plot]) -> list[KeptPlot]:
        """Write the panels of plots, and return what a page shows."""
        return [self._plot(plot) for plot in plots]

    def table(self, title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
        """Write a table as CSV, and return its address relative to the page."""
        path = self.folder / f"table-{slug(title)}.csv"
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([head, *rows])
        _write(path, text.getvalue().encode())
        return f"{self.folder.name}/{path.name}"

    def _plot(self, plot: Plot) -> KeptPlot:
        panels = tuple(self._panel(plot, panel) for panel in plot.panels)
        widths = [panel.figure.get_figwidth() for panel in plot.panels]
        return KeptPlot(plot.title, panels, plot.note, plot.missing, plot.is_detail, plot.is_photograph,
                        is_wide=max(widths, default=0) > 6)  # fmt: skip

    def _panel(self, plot: Plot, panel: Panel) -> KeptPanel:
        if not plot.is_photograph:
            put_label(panel.figure.axes[0], self.label)
        stem = slug(f"{plot.title} {panel.name}")
        files = {suffix: self.folder / f"{stem}{suffix}" for suffix in SUFFIXES}
        vector = _rendered(panel.figure, "svg")
        _write(files[".svg"], vector)
        _write(files[".pdf"], _rendered(panel.figure, "pdf"))
        links = [("SVG", files[".svg"]), ("PDF", files[".pdf"])]
        if panel.rows:
            _write(files[".csv"], numbers(panel.rows).encode())
            links.append(("CSV", files[".csv"]))
        pixels = len(vector) > LARGEST_SVG or plot.is_photograph
        shown = png_address(panel.figure, opaque=plot.is_photograph) if pixels else _address(vector)
        addresses = tuple((name, f"{self.folder.name}/{path.name}") for name, path in links)
        return KeptPanel(panel.name, shown, addresses)


def slug(text: str) -> str:
    """Return a text as the stem of a file's name: "Score distributions Hbb" -> "score-distributions-hbb"."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("|η|", "eta")).strip("-")[:80]


def png_address(figure: Figure, *, opaque: bool = True) -> str:
    """Return a figure as pixels, as the address that an image of HTML has."""
    return "data:image/png;base64," + base64.b64encode(_rendered(figure, "png", transparent=not opaque)).decode()


def _address(vector: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(vector).decode()


def _rendered(figure: Figure, kind: str, *, transparent: bool = True) -> bytes:
    buffer = io.BytesIO()
    dates: dict[str, Mapping[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with mpl.rc_context(cast(Any, STYLE)):
        figure.savefig(buffer, format=kind, dpi=DPI, transparent=transparent, metadata=dict(dates.get(kind, {})))
    return buffer.getvalue()


def numbers(rows: Sequence[Row]) -> str:
    """Return rows as CSV; a value that is none, or no number, is an empty cell."""
    head = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(row.get(name)) for name in head] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{float(value):.6g}" if isinstance(value, float) else str(value)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
