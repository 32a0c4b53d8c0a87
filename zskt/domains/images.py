"""The domain of images: torchvision's data sets and parquet files, grids of pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled
from zskt.domains.domain import Diagnosis, Domain, Source
from zskt.errors import UserError, lookup
from zskt.images.datasets import find_images, read_images
from zskt.images.places import Split, locate
from zskt.images.published import DATASETS, ImageDataset
from zskt.images.student_views import VIEWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zskt.plots.plot import Plot


def _dataset(card: Card) -> ImageDataset:
    """Return what a teacher is evaluated on: its data set, or images of its size and classes that a user has."""
    if card.dataset is not None:
        return replace(lookup(DATASETS, card.dataset, "data set"), names=card.classes)
    return ImageDataset(card.name, card.inputs.channels, card.inputs.side, len(card.classes), names=card.classes)


def _files(dataset: ImageDataset, place: Path, split: Split) -> tuple[Path, ...]:
    """List the files of a split: parquet, arrays or an image each; none in other layouts, or where it is not there."""
    try:
        found = locate(dataset, place, split)
    except UserError:  # told when the images are asked for
        return ()
    return found.files if found.layout in ("parquet", "arrays", "folders") else ()


def _sources(card: Card, place: Path | None, learns: bool) -> tuple[Source | None, Source]:
    dataset = _dataset(card)
    name = dataset.name

    def source(split: Split) -> Source:
        files = () if place is None else _files(dataset, place, split)
        title = f"{name} {split}" if place is None or not files else f"{name} {split} ({place.name})"
        return Source(
            title,
            "-".join([name, split] if place is None else [name, split, place.resolve().name]),
            "image",
            lambda: read_images(dataset, place, split),
            files,
            check=lambda: find_images(dataset, place, split),
        )

    return source("train") if learns else None, source("test")


def _picture(batch: PseudoBatch, real: Labelled | None, card: Card) -> Figure | None:
    from zskt.images.grids import grid

    return grid(batch, real, card)


def _panels(batch: PseudoBatch, real: Labelled | None, card: Card) -> Plot | None:
    from zskt.images.grids import grid_panels

    return grid_panels(batch, real, card)


def _diagnose(card: Card, data: Labelled, teacher: Tensor, student: Tensor) -> Diagnosis | None:
    from zskt.images.plots import compare_images, image_metrics, image_overview, image_plots

    if teacher.dim() > 2 or len(card.classes) != teacher.shape[1]:  # its panels are of one choice of classes
        return None
    comparison = compare_images(card.classes, data, card.inputs, teacher, student)
    figures = image_metrics(comparison)
    return Diagnosis(figures, lambda: image_plots(comparison, figures), lambda: image_overview(comparison, figures))


IMAGES = Domain(
    _sources,
    _picture,
    panels=_panels,
    pictured=32,
    diagnose=_diagnose,
    layout=torch.channels_last,
    has_test_split=True,
    default_generator="image",
    views=VIEWS,
)
