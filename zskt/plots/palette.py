"""Colours that people with a colour-vision deficiency tell apart.

M. Okabe and K. Ito, "Color Universal Design" (2008), for a few things side by side; M. A. Petroff, arXiv:2107.02270,
table 1, for up to ten.
"""

from __future__ import annotations

from itertools import product
from typing import Any

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
GREY = "#717581"
ROLE_COLOURS = {"teacher": BLUE, "student": VERMILLION}
"""Colour of each network, on every plot."""
PETROFF = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#a96b59", "#e76300", "#717581", "#b9ac70", "#92dadd", "#94a4a2")
"""Ten colours in one order; greys come late."""
DASHES = ("-", "--", ":", "-.")
SEQUENTIAL = "cividis"
"""Colour map of counts."""
SHARES = "Blues"
"""Colour map of shares in a table: one hue from white on, so that the numbers can be read."""


def series_style(i: int) -> dict[str, Any]:
    """Return colour and dashes of the i-th of many lines: forty before one repeats."""
    styles = [{"color": colour, "linestyle": dash} for dash, colour in product(DASHES, PETROFF)]
    return styles[i % len(styles)]
