"""Pictures of a comparison: what their axes and legends show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.results.compare.imagined import leave_run
from zskt.results.compare.curves import curve_plots, curves_picture
from zskt.results.compare.group import Group, read_groups

KD = {"mode": "kd", "method": "kd", "generator": None}


def entrants(folder: Path, *agreements: float) -> list[Group]:
    return read_groups({f"m{i}": [leave_run(folder / f"m{i}", agreement=value)] for i, value in enumerate(agreements)})


def panel(groups: list[Group]) -> Axes:
    """Return the axes of agreement against student steps."""
    agreement = curve_plots(groups, ("agreement",), {})[0]
    return {drawn.name: drawn.figure.axes[0] for drawn in agreement.panels}["by student steps"]


@pytest.mark.parametrize(("best", "scale", "lowest"), [(0.98, "logit", 0.2), (0.85, "linear", None)])
def test_shares_near_one_are_spread(best: float, scale: str, lowest: float | None, tmp_path: Path) -> None:
    axes = panel(entrants(tmp_path, best, 0.75))
    assert axes.get_yscale() == scale
    if lowest is not None:
        assert axes.get_ylim() == (lowest, 0.98)
        assert "0.95" in [text.get_text() for text in axes.get_yticklabels()]


def test_a_share_of_one_is_drawn(tmp_path: Path) -> None:
    axes = panel(entrants(tmp_path, 1.0, 0.97))
    assert axes.get_yscale() == "logit" and np.isfinite(axes.get_ylim()).all()


def test_a_reference_judged_at_its_end_alone_is_a_level(tmp_path: Path) -> None:
    runs = {"m": [leave_run(tmp_path / "m", agreement=0.6)], "kd": [leave_run(tmp_path / "kd", agreement=0.7, **KD)]}
    (tmp_path / "kd" / "metrics.jsonl").write_text('{"step": 1, "loss/student": 1.0, "steps": 7}\n')
    groups = read_groups(runs)
    lines = {line.get_label(): line for line in panel(groups).get_lines()}
    assert np.allclose(lines["kd"].get_ydata(), 0.7) and np.size(lines["m"].get_ydata()) == 3
    assert panel(groups).get_xscale() == "linear"
    picture = curves_picture(groups, ("agreement",), {})
    assert picture is not None and "kd" in [text.get_text() for text in picture.legends[0].get_texts()]


def test_a_legend_lies_below_its_axes_and_within_its_figure(tmp_path: Path) -> None:
    axes = panel(entrants(tmp_path, *np.linspace(0.3, 0.9, 17)))
    figure = axes.figure
    assert isinstance(figure, Figure)
    figure.draw(FigureCanvasAgg(figure).get_renderer())
    (drawn,) = figure.legends
    box, whole = drawn.get_window_extent(), figure.bbox
    assert [text.get_text() for text in drawn.get_texts()] == [f"m{i}" for i in range(17)]
    assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0
    assert box.y1 < axes.xaxis.label.get_window_extent().y0
