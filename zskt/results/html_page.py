"""The frame of pages: HTML that needs no other file, read on a phone, on a screen, in the dark, and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from matplotlib.figure import Figure

from zskt.plots.kept_files import Keeper, png_address, slug

TEMPLATE = "report.html.j2"


def page_template() -> Any:
    """Return the template of pages that have no other files."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["slug"] = slug
    environment.filters["unbroken"] = unbroken
    return environment.get_template(TEMPLATE)


def unbroken(text: str) -> str:
    """Return prose whose numbers are not broken at the end of a line: "2 000" and "68 %" hold a space that stays."""
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d)|%)", "\u00a0", text)


def png(figure: Figure) -> str:
    """Encode a figure for a page that has no other files."""
    return png_address(figure).partition(",")[2]


def linked(tables: Iterable[dict[str, Any]], keeper: Keeper) -> list[dict[str, Any]]:
    """Write tables as CSV, too, and give each its link."""
    return [table | {"link": keeper.table(table["title"], table["head"], table["rows"])} for table in tables]
