"""Pictures of pseudo-samples over a run, read from TensorBoard's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from zskt.results.run_pictures import SHOWN, logged_pictures, pictures_over_run


def log(run: Path, steps: range) -> None:
    with SummaryWriter(str(run)) as writer:
        for step in steps:
            figure = Figure(figsize=(1, 0.5))
            figure.set_facecolor((step / 100, 0, 0))
            writer.add_figure("pseudo-samples", figure, step)
            writer.add_figure("something else", Figure(figsize=(1, 1)), step)


def test_some_pictures_from_the_first_to_the_last(tmp_path: Path) -> None:
    log(tmp_path, range(0, 100, 10))
    assert [step for step, _ in logged_pictures(tmp_path)] == list(range(0, 100, 10))
    plot = pictures_over_run(tmp_path)
    assert plot is not None and plot.is_photograph and len(plot.panels) == SHOWN
    assert [plot.panels[i].name for i in (0, -1)] == ["iteration 0", "iteration 90"]
    pixels = np.asarray(plot.panels[-1].figure.axes[0].images[0].get_array())
    assert abs(int(pixels[0, 0, 0]) - 230) <= 1 and pixels.shape[1] == 2 * pixels.shape[0]


def test_a_run_without_pictures_has_no_plot(tmp_path: Path) -> None:
    assert pictures_over_run(tmp_path) is None
    log(tmp_path, range(1))
    assert pictures_over_run(tmp_path) is None
