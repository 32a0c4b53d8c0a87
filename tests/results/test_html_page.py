"""The frame of pages: prose, and the page in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tests.browser import look_at, require_sound
from zskt.plots.kept_files import Keeper
from zskt.plots.plot import Panel, Plot, panel_axes
from zskt.results.html_page import linked, page_template, unbroken


def small_page(folder: Path) -> Path:
    """Write a page of a wide table, plots side by side, photographs, and plots that are folded away."""

    def panel(name: str) -> Panel:
        axes = panel_axes()
        axes.plot([0, 1], [1, 0])
        figure = axes.figure
        assert isinstance(figure, Figure)
        return Panel(name, figure, [{"x": 0, "y": 1}])

    keeper = Keeper(folder / "report", "CMS Simulation")
    table = {"title": "Networks", "head": [f"column {i}" for i in range(30)], "rows": [["0.1234"] * 30] * 3}
    plots = [
        Plot("Score distributions", tuple(panel(name) for name in ("Hbb", "Hcc", "Tbqq")), "A note.", "Hgg (more)"),
        Plot("Details", (panel("a"),), is_detail=True),
        Plot("Images", (panel("b"),), is_photograph=True),
    ]
    page = folder / "page.html"
    page.write_text(
        page_template().render(
            title="a-name-" * 30,
            summary="2 000 jets",
            tables=linked([table], keeper),
            plots=keeper.keep(plots),
            inputs="x" * 500,
            command="python train.py " + "--flag " * 100,
            versions="1",
            recipe="{}",
        )
    )
    return page


def test_numbers_are_not_broken_at_the_end_of_a_line() -> None:
    assert unbroken("of 2 000 jets 68 % in 12 bins of 1 234 567") == (
        "of 2\u00a0000 jets 68\u00a0% in 12 bins of 1\u00a0234\u00a0567"
    )


def test_names_are_text_and_every_file_is_linked(tmp_path: Path) -> None:
    page = small_page(tmp_path).read_text()
    for link in ("report/score-distributions-hbb.pdf", "report/details-a.svg", "report/table-networks.csv"):
        assert f'href="{link}"' in page and (tmp_path / link).is_file(), link
    assert 'name="viewport"' in page and "prefers-color-scheme: dark" in page and "@media print" in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    evil = page_template().render(title="<b>x</b>", summary="", recipe="{}")
    assert "&lt;b&gt;x" in evil


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_a_screen(tmp_path: Path, scheme: str) -> None:
    found = look_at(small_page(tmp_path), scheme)
    require_sound(found)
    assert found[1400]["sideBySide"] == 3 and found[400]["images"] == 5
    assert found[400]["background"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 28)"}[scheme]
