"""What a report shows of an image classifier's student."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zskt.dataset import Labelled
from zskt.images.inputs import ImageInputs
from zskt.images.plots import EXAMPLES, ImageComparison, compare_images, disagreements, image_metrics, image_plots

INPUTS = ImageInputs(mean=(0.5,), std=(0.5,), size=8, side=8)
CLASSES = ("zero", "one", "two")


def comparison(*, labelled: bool = True) -> ImageComparison:
    """Compare a teacher that is right on ninety images with a student that mistakes every third "two" for "one"."""
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    teacher = 4.0 * torch.nn.functional.one_hot(labels, 3).float()
    student = teacher.clone()
    wrong = (labels == 2).nonzero().flatten()[::3]
    student[wrong] = torch.tensor([0.0, 3.0, 1.0])
    student[wrong[4]] = torch.tensor([0.0, 9.0, 1.0])  # the surest mistake
    pixels = torch.randint(0, 256, (90, 1, 8, 8), generator=rng, dtype=torch.uint8)
    data = Labelled(pixels, labels if labelled else torch.full_like(labels, -1))
    return compare_images(CLASSES, data, INPUTS, teacher, student)


def test_figures_class_by_class() -> None:
    figures = image_metrics(comparison())
    assert figures["images"] == 90 and figures["agreement"] == pytest.approx(80 / 90)
    assert figures["classes"]["two"]["accuracy"] == {"teacher": 1.0, "student": pytest.approx(2 / 3)}
    assert figures["accuracy"]["student"] == pytest.approx(80 / 90)


def test_the_surest_disagreements_come_first_with_both_beliefs() -> None:
    c = comparison()
    plot = disagreements(c)
    assert "disagree on 10 of 90 images" in plot.note and len(plot.panels) == min(10, EXAMPLES)
    first = plot.panels[0]
    surest = int(np.flatnonzero(c.teacher.argmax(1) != c.student.argmax(1))[4])
    assert first.name == f"image {surest}"
    beliefs = {(row["network"], row["class"]): row["probability"] for row in first.rows}
    assert beliefs["student", "one"] == pytest.approx(c.student[surest, 1]) and beliefs["student", "one"] > 0.99
    assert beliefs["teacher", "two"] == pytest.approx(c.teacher[surest, 2])
    picture = first.figure.axes[0].images[0].get_array()
    assert isinstance(c.data.samples, torch.Tensor) and picture is not None
    assert picture.tolist() == pytest.approx((c.data.samples[surest, 0] / 255).numpy(), abs=1e-6)


def test_every_plot_and_without_labels_no_teacher_against_itself() -> None:
    titles = ["Confusion matrix", "Accuracy by class", "Calibration", "Examples of disagreement"]
    c = comparison()
    assert [plot.title for plot in image_plots(c, image_metrics(c))] == titles
    unlabelled = comparison(labelled=False)
    figures = image_metrics(unlabelled)
    assert figures["truth"] == "the teacher's top class" and set(unlabelled.networks) == {"student"}
    plots = image_plots(unlabelled, figures)
    assert len(plots[0].panels) == 1 and len(plots[2].panels[0].figure.axes[0].lines) >= 2
