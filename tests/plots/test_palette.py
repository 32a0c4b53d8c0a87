"""Colours: nobody takes one for another, and none is written elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from zskt.plots.palette import PETROFF, ROLE_COLOURS, series_style

ROOT = Path(__file__).parent.parent.parent


def test_no_plot_uses_colours_that_look_alike_to_some() -> None:
    named = re.compile(r"tab:|tab10|\bbrg\b|color=[\"']C\d[\"']|color=[\"'](red|green|r|g)[\"']")
    for path in (ROOT / "zskt").rglob("*.py"):
        found = named.search(path.read_text())
        assert found is None, f"{path}: {found}"


def test_forty_lines_differ() -> None:
    styles = [tuple(sorted(series_style(i).items())) for i in range(40)]
    assert len(set(styles)) == 40 and styles[0][0] == ("color", PETROFF[0])
    assert len(set(ROLE_COLOURS.values())) == 2
