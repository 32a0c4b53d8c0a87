"""Pseudo-samples over a run, as TensorBoard's files hold them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from zskt.plots.plot import Panel, Plot

TAG = "pseudo-samples"
SHOWN = 6
"""Pictures of a run, spread over it evenly."""


def logged_pictures(run: Path) -> Iterator[tuple[int, bytes]]:
    """Yield iteration and PNG of each picture of pseudo-samples that a run logged, in order; none without files."""
    if not any(run.glob("events.out.tfevents.*")):
        return
    from tensorboard.backend.event_processing import event_accumulator

    with TemporaryDirectory() as place:  # TensorBoard's reader takes no folder whose name is not UTF-8
        link = Path(place) / "run"
        link.symlink_to(run.resolve(), target_is_directory=True)
        events = event_accumulator.EventAccumulator(str(link), size_guidance={event_accumulator.IMAGES: 0})
        events.Reload()
    for tag in events.Tags()[event_accumulator.IMAGES]:
        if tag.split("/")[0] == TAG:
            for event in events.Images(tag):
                yield event.step, event.encoded_image_string


def pictures_over_run(run: Path) -> Plot | None:
    """Draw some of the pictures, from the first to the last; None where there are fewer than two."""
    logged = sorted(dict(logged_pictures(run)).items())
    if len(logged) < 2:
        return None
    panels = []
    for i in np.unique(np.linspace(0, len(logged) - 1, SHOWN).round().astype(int)):
        step, code = logged[i]
        pixels = np.asarray(Image.open(io.BytesIO(code)))
        height, width = pixels.shape[:2]
        figure = Figure(figsize=(4.8, 4.8 * height / width))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(pixels)
        axes.set_axis_off()
        panels.append(Panel(f"iteration {step}", figure))
    return Plot(
        "Pseudo-samples over the run", tuple(panels), "The same latent variables each time.", is_photograph=True
    )
