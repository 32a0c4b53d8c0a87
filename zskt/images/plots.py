"""What a report shows of an image classifier's student: confusion, classes, calibration, disagreements, features.

Shapes: B images, C channels, H x W pixels, K classes, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from zskt.class_metrics import class_figures, reliability
from zskt.dataset import Labelled
from zskt.images.inputs import ImageInputs
from zskt.markdown import integer
from zskt.plots.intervals import clopper_pearson
from zskt.plots.palette import ROLE_COLOURS
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes, wanting
from zskt.plots.shared_plots import calibration_plot, confusion_plot

Array = NDArray[np.float64]

MIN_IMAGES = 10
"""Smallest number of images of a class whose accuracy is drawn."""
EXAMPLES = 12
"""Images on which teacher and student disagree that are shown."""
BELIEFS = 3
"""Classes whose probabilities are shown of each network."""


@dataclass(frozen=True)
class ImageComparison:
    """Probabilities of teacher and student for the same images."""

    classes: tuple[str, ...]
    data: Labelled
    inputs: ImageInputs
    teacher: Array
    """(B, K)"""
    student: Array
    """(B, K)"""

    @property
    def is_labelled(self) -> bool:
        """Whether any image has a label; else the teacher's top class is the truth."""
        return bool((self.data.labels >= 0).any())

    @property
    def truth(self) -> NDArray[Any]:
        """True classes of `rows`."""
        truth: NDArray[Any] = self.data.labels.numpy() if self.is_labelled else self.teacher.argmax(1)
        return truth[self.rows]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """Images that have a truth, (B,)."""
        labels = self.data.labels.numpy()
        flags: NDArray[np.bool_] = labels >= 0 if self.is_labelled else np.ones(len(labels), bool)
        return flags

    @property
    def networks(self) -> dict[str, Array]:
        """Probabilities of the images that have a truth, by network; a teacher is not shown against itself."""
        shown = {"teacher": self.teacher, "student": self.student}
        if not self.is_labelled:
            del shown["teacher"]
        return {role: p[self.rows] for role, p in shown.items()}


def image_metrics(c: ImageComparison) -> dict[str, Any]:
    """Compute the figures of a comparison, as they are written beside a run's result."""
    both = {"teacher": c.teacher[c.rows], "student": c.student[c.rows]}
    return {
        "truth": "labels" if c.is_labelled else "the teacher's top class",
        "images": int(c.rows.sum()),
        "agreement": float((c.teacher.argmax(1) == c.student.argmax(1)).mean()),
        "accuracy": {role: float((p.argmax(1) == c.truth).mean()) for role, p in both.items()},
        "classes": class_figures(c.classes, c.truth, both),
        "calibration": {role: reliability(p, c.truth) for role, p in both.items()},
    }


def image_plots(c: ImageComparison, figures: dict[str, Any]) -> list[Plot]:
    """Draw all plots of a comparison, in the order of a page."""
    plots = [*image_overview(c, figures), disagreements(c)]
    return [plot for plot in plots if plot]


def image_overview(c: ImageComparison, figures: dict[str, Any]) -> list[Plot]:
    """Draw confusion, accuracy of each class, and calibration."""
    confusion = confusion_plot(c.truth if c.is_labelled else None, c.teacher[c.rows], c.student[c.rows], c.classes)
    return [confusion, class_accuracy(c, figures), calibration_plot(figures["calibration"], list(c.networks))]


def class_accuracy(c: ImageComparison, figures: dict[str, Any]) -> Plot:
    """Draw the accuracy of each class with Clopper-Pearson bars."""
    counts = {name: row["count"] for name, row in figures["classes"].items()}
    shown = [name for name in c.classes if counts[name] >= MIN_IMAGES]
    few = {name: MIN_IMAGES for name in c.classes if name not in shown}
    note = "Bars are Clopper-Pearson intervals of 68 %."
    if not shown:
        return Plot("Accuracy by class", (), note, wanting(few, "images of each"))
    axes = panel_axes(height=2.9 + 0.075 * max(map(len, shown)), bottom=0.2 + 0.075 * max(map(len, shown)))
    rows: list[dict[str, Any]] = [{"class": name, "images": counts[name]} for name in shown]
    for role, offset in zip(c.networks, (-0.15, 0.15) if len(c.networks) > 1 else (0.0,), strict=True):
        share = np.array([figures["classes"][name]["accuracy"][role] for name in shown])
        total = np.array([counts[name] for name in shown])
        low, high = clopper_pearson(np.rint(share * total), total)
        bars = [np.maximum(share - low, 0), np.maximum(high - share, 0)]
        axes.errorbar(np.arange(len(shown)) + offset, share, bars, fmt="o", color=ROLE_COLOURS[role], label=role,
                      markersize=3, elinewidth=0.9)  # fmt: skip
        for row, value, a, b in zip(rows, share, low, high, strict=True):
            row |= {role: value, f"{role}, low": a, f"{role}, high": b}
    axes.set_xticks(range(len(shown)), shown, rotation=90, fontsize=min(FONT_SIZE - 1, 90 / len(shown)))
    axes.set_ylim(0, 1.18)
    axes.set_ylabel("accuracy", fontsize=FONT_SIZE)
    legend(axes, loc="upper center", columns=2)
    return Plot("Accuracy by class", (Panel("", _figure(axes.figure), rows),), note, wanting(few, "images of each"))


def disagreements(c: ImageComparison) -> Plot:
    """Draw images on which the top classes differ, those first on which both are most sure, with both beliefs."""
    t, s = c.teacher.argmax(1), c.student.argmax(1)
    differ = np.flatnonzero(t != s)
    surest = differ[np.argsort(-c.teacher[differ, t[differ]] * c.student[differ, s[differ]], kind="stable")][:EXAMPLES]
    panels = tuple(_beliefs(c, int(i)) for i in surest)
    note = (
        f"Teacher and student disagree on {integer(len(differ))} of {integer(len(t))} images; these are the ones on "
        "which both are surest, with each network's most probable classes."
    )
    return Plot("Examples of disagreement", panels, note if len(differ) else "They disagree on no image.",
                is_photograph=True)  # fmt: skip


def _beliefs(c: ImageComparison, i: int) -> Panel:
    """Draw an image beside the most probable classes of both networks."""
    figure = Figure(figsize=(3.5, 1.6))
    picture = figure.add_axes((0.02, 0.08, 0.34, 0.8))
    picture.imshow(_shown(c, i), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    picture.set_axis_off()
    label = int(c.data.labels[i])
    truth = f"true class: {c.classes[label]}" if label >= 0 else "no label"
    figure.text(0.02, 0.92, truth, fontsize=FONT_SIZE - 1)
    bars = figure.add_axes((0.56, 0.08, 0.41, 0.84))
    rows: list[dict[str, Any]] = []
    for role, p in (("teacher", c.teacher[i]), ("student", c.student[i])):
        for k in np.argsort(-p, kind="stable")[:BELIEFS]:
            rows.append({"image": i, "network": role, "class": c.classes[int(k)], "probability": float(p[k])})
    place = np.arange(len(rows)) + 0.5 * (np.arange(len(rows)) >= BELIEFS)
    bars.barh(place, [row["probability"] for row in rows], color=[ROLE_COLOURS[row["network"]] for row in rows])
    bars.set_yticks(place, [row["class"] for row in rows], fontsize=FONT_SIZE - 2)
    for y, row in zip(place, rows, strict=True):
        share = row["probability"]
        bars.text(0.03 if share > 0.4 else share + 0.03, y, f"{row['network']} {share:.2f}", va="center",
                  fontsize=FONT_SIZE - 2.5, color="w" if share > 0.4 else "k")  # fmt: skip
    bars.set(xlim=(0, 1), xticks=[])
    bars.invert_yaxis()
    bars.spines[["top", "right", "bottom"]].set_visible(False)
    return Panel(f"image {i}", figure, rows)


def _shown(c: ImageComparison, i: int) -> NDArray[Any]:
    samples = c.data.samples
    assert isinstance(samples, Tensor)
    (x,) = c.inputs(samples[i : i + 1])
    pixels: NDArray[Any] = c.inputs.intensities(x)[0].clamp(0, 1).permute(1, 2, 0).numpy()
    return pixels if pixels.shape[2] == 3 else pixels.mean(2)


def _figure(figure: Any) -> Figure:
    assert isinstance(figure, Figure)
    return figure


def compare_images(
    classes: Sequence[str], data: Labelled, inputs: ImageInputs, teacher: Tensor, student: Tensor
) -> ImageComparison:
    """Compare teacher and student by their logits, (B, K) each."""
    p, q = (torch.softmax(logits.double(), 1).numpy() for logits in (teacher, student))
    return ImageComparison(tuple(classes), data, inputs, p, q)
