"""Read images and labels from an ``.npz``: the names of MedMNIST's files, those of Keras's, or plain ones.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from zskt.errors import UserError, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = (("{split}_images", "{split}_labels"), ("x_{split}", "y_{split}"))
"""Arrays of images and of labels: MedMNIST's names, and Keras's."""
PLAIN = ("images", "labels")
"""Names that do not say of which split they are: of the test split, or of the one after which the file is named."""


def read_arrays(file: Path, split: str, channels: int) -> tuple[Tensor, list[Any]]:
    """Read the images of a split (B, C, H, W) of uint8, and their labels as the file has them, numbers or names.

    Grey images may lack the axis of channels; channels may be the last axis.

    Args:
        channels: C.

    Raises:
        UserError: if the file cannot be read, lacks the split, or holds something else.
    """
    names = [(images.format(split=split), labels.format(split=split)) for images, labels in NAMES]
    if split == "test" or file.stem == split:
        names.append(PLAIN)
    try:
        with np.load(file, allow_pickle=False) as arrays:
            there = list(arrays)
            found = next((pair for pair in names if set(pair) <= set(there)), None)
            images, labels = (np.empty(0), np.empty(0)) if found is None else (arrays[name] for name in found)
    except Exception as error:  # numpy and zipfile raise whatever broken bytes lead to
        raise UserError(f"{file}: not a readable .npz of arrays ({type(error).__name__}); write it anew") from error
    if found is None:
        wanted = ", or ".join(" and ".join(pair) for pair in names)
        raise UserError(f"{file}: holds {listed(there, 6) or 'nothing'}, but {wanted} are needed")
    return _pixels(file, found[0], images, channels), _labels(file, found[1], labels, len(images))


def _pixels(file: Path, name: str, images: NDArray[Any], channels: int) -> Tensor:
    if images.dtype != np.uint8:
        raise UserError(f"{file}: {name} are {images.dtype}; give pixels of uint8, from 0 to 255")
    if images.ndim not in (3, 4):
        raise UserError(f"{file}: {name} of shape {images.shape}; give (B, H, W), (B, H, W, C) or (B, C, H, W)")
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[1] != channels and images.shape[3] == channels:
        images = images.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(images))


def _labels(file: Path, name: str, labels: NDArray[Any], count: int) -> list[Any]:
    if labels.shape == (count, 1):  # as MedMNIST's are
        labels = labels[:, 0]
    if labels.shape != (count,):
        raise UserError(f"{file}: {count} images, but {name} of shape {labels.shape}; give one class an image")
    return list(labels.tolist())
