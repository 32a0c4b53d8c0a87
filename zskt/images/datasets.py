"""Labelled images of a data set: found in a folder or fetched, read, and seen to be those that a network takes.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import MissingSamples, UserError, lookup
from zskt.images.arrays import read_arrays
from zskt.images.fetched import fetch_images
from zskt.images.files import decoded, open_parquet, open_pictures, read_idx
from zskt.images.labels import label_positions
from zskt.images.places import Place, Split, locate
from zskt.images.published import DATASETS, ImageDataset, dataset_of_labels, named_after

MIN_IMAGES_PER_CLASS = 20
"""From so many images a class on, a class that never occurs shows that the images are of another data set."""
REMEDY = "give the images that the network was trained for"


def find_images(data: str | ImageDataset, place: Path | None, split: Split) -> None:
    """Fetch images where no folder is given, and check that they can be read and are of their kind; keep nothing.

    Raises:
        UserError: as `read_images`, but for images in parquet files that turn out to be damaged when they are decoded.
    """
    _read(data, place, split, decode=False)


def read_images(data: str | ImageDataset, place: Path | None, split: Split) -> Labelled:
    """Read images (B, C, H, W) of uint8 with their classes.

    Args:
        data: a data set, or the name of one in `DATASETS`.
        place: an .npz, or a folder with parquet files of the split or its ``test.npz``, with ``test/CLASS/`` of images,
            or in torchvision's layout; None fetches from the publisher.

    Raises:
        UserError: if the images are missing, cannot be read, or are of another kind.
        MissingSamples: if no place is given, and they cannot be fetched.
    """
    pixels, labels = _read(data, place, split, decode=True)
    return Labelled(pixels, labels)


def _read(data: str | ImageDataset, place: Path | None, split: Split, *, decode: bool) -> tuple[Tensor, Tensor]:
    """Read pixels (B, C, H, W) and labels (B,); without ``decode`` only shapes of those in parquet files."""
    dataset = lookup(DATASETS, data, "data set") if isinstance(data, str) else data
    found = locate(dataset, _fetched(dataset, split) if place is None else place, split)
    where = found.folder if found.layout == "folders" else found.files[0]
    if found.layout in ("parquet", "folders"):
        opened = open_parquet(found.files) if found.layout == "parquet" else open_pictures(found.files)
        _require_shapes(dataset, {picture.shape: picture.where for picture in reversed(opened.pictures)})
        labels = label_positions(dataset, opened.labels, where, opened.names, found.class_folders)
    elif found.layout == "arrays":
        pixels, values = read_arrays(where, split, dataset.channels)
        _require_shapes(dataset, {tuple(pixels.shape[1:]): str(where)})
        labels = label_positions(dataset, values, where)
    else:
        read = read_idx(*found.files) if found.layout == "idx" else _tensors(_torchvision(dataset, found, split))
        pixels, labels = read
        _require_shapes(dataset, {tuple(pixels.shape[1:]): str(where)})
    _require_kind(dataset, where, labels)
    _require_identity(dataset, found, labels)
    if found.layout in ("parquet", "folders"):
        pixels = decoded(opened.pictures) if decode else torch.zeros(0)
    return pixels, labels


def _require_shapes(dataset: ImageDataset, shapes: Mapping[tuple[int, ...], str]) -> None:
    """Raise `UserError` if images have another shape than those of the data set; it names where the first is."""
    wrong = min((shape for shape in shapes if shape != dataset.shape), default=None)
    if wrong is not None:
        raise UserError(
            f"{shapes[wrong]}: images of {wrong}, but {dataset.name} has {dataset.shape} (channels first); {REMEDY}"
        )


def _require_kind(dataset: ImageDataset, where: Path, labels: Tensor) -> None:
    """Raise `UserError` if images have other classes than those of the data set."""
    name, classes = dataset.name, dataset.classes
    if not len(labels):
        raise UserError(f"{where}: holds no images; {REMEDY}")
    low, high = int(labels.min()), int(labels.max())
    if low < UNLABELLED or high >= classes:
        raise UserError(f"{where}: labels from {low} to {high}, but {name} has classes 0 to {classes - 1}; {REMEDY}")
    known = labels[labels != UNLABELLED]
    absent = torch.bincount(known, minlength=classes).eq(0).nonzero().flatten().tolist()
    if absent and len(known) >= MIN_IMAGES_PER_CLASS * classes:
        raise UserError(
            f"{where}: {len(known)} images, and none of class {absent[0]} ({len(absent)} of {classes} classes are "
            f"missing): not those of {name}; {REMEDY}"
        )


def _require_identity(dataset: ImageDataset, found: Place, labels: Tensor) -> None:
    """Raise `UserError` if labels or the name of a folder say that images of this shape are of another data set."""
    other = dataset_of_labels(labels) or (named_after(found.folder) if dataset.torchvision else None)
    if other not in (None, dataset.title):
        raise UserError(f"{found.folder}: holds {other}, not {dataset.title}; give the folder of {dataset.title}")


def _fetched(dataset: ImageDataset, split: Split) -> Path:
    """Fetch a data set from its publisher, once, and return the folder that holds it."""
    if not dataset.torchvision:
        raise MissingSamples(f"{dataset.name}: no {split} images are known; give them as --data")
    try:
        return fetch_images(dataset, split)
    except UserError as error:
        raise MissingSamples(str(error)) from error


def _torchvision(dataset: ImageDataset, found: Place, split: Split) -> Any:
    """Open a data set that lies in torchvision's layout, all in memory."""
    from torchvision import datasets  # takes a second to import

    arguments = {"split": split} if dataset.torchvision == "SVHN" else {"train": split == "train"}
    try:
        return getattr(datasets, dataset.torchvision)(found.files[0], download=False, **arguments)
    except Exception as error:  # incomplete, or damaged in some way
        raise UserError(
            f"{found.folder}: torchvision finds its {dataset.title} incomplete or damaged ({type(error).__name__}); "
            "fetch it again"
        ) from error


def _tensors(data: Any) -> tuple[Tensor, Tensor]:
    """Pixels (B, C, H, W) and labels (B,) of a data set of torchvision."""
    pixels = torch.as_tensor(np.asarray(data.data))
    if pixels.ndim == 3:
        pixels = pixels.unsqueeze(1)
    elif pixels.shape[-1] == 3:  # CIFAR keeps its channels last
        pixels = pixels.permute(0, 3, 1, 2).contiguous()
    return pixels, torch.as_tensor(np.asarray(data.targets if hasattr(data, "targets") else data.labels)).long()
