"""Readers of frames: ``.npz`` with arrays, and the ``.ts`` of the archives of time series.

Shapes: N samples, T frames, C channels, H x W pixels, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zskt.class_labels import class_positions
from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import UserError
from zskt.frames.inputs import FrameInputs

FRAMES, LABELS = "frames", "labels"
"""Arrays of an ``.npz``."""


def read_frames(path: Path, inputs: FrameInputs, classes: Sequence[str]) -> Labelled:
    """Read frames (N, T, C, H, W) of uint8, or a series (N, T, F), and labels (N,).

    Args:
        path: ``.npz`` with an array ``frames`` and, if there are any, ``labels``, numbers of classes or their names; or
            ``.ts`` of series of one length.
        inputs: what the network takes.
        classes: names of its classes; see `zskt.class_labels` for how labels are matched with them.

    Raises:
        UserError: if the file cannot be read, or holds something else.
    """
    names: Sequence[Any] | None
    if path.suffix == ".ts":
        samples, names = read_ts(path)
    elif path.suffix == ".npz":
        samples, names = _read_npz(path)
    else:
        raise UserError(f"--data {path}: is no .npz with arrays {FRAMES} and {LABELS}, nor a .ts; give one of the two")
    if tuple(samples.shape[1:]) != inputs.sample_shape:
        raise UserError(f"--data {path}: samples of {tuple(samples.shape[1:])}, but the network takes "
                        f"{inputs.sample_shape}; give such")  # fmt: skip
    if inputs.size and samples.dtype != torch.uint8:
        raise UserError(f"--data {path}: frames are {samples.dtype}; give pixels of uint8, from 0 to 255")
    labels = torch.full((len(samples),), UNLABELLED)
    if names is not None:
        labels = class_positions(names, classes, f"--data {path}")
    return Labelled(samples, labels)


def _read_npz(path: Path) -> tuple[Tensor, Sequence[Any] | None]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            frames = arrays[FRAMES]
            labels = arrays.get(LABELS)
    except Exception as error:  # numpy and zipfile raise whatever broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"--data {path}: not a readable .npz with an array {FRAMES} ({first})") from error
    if frames.dtype != np.uint8:
        try:
            frames = frames.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise UserError(f"--data {path}: {FRAMES} holds what is no number; give numbers") from error
        if not np.isfinite(frames).all():
            raise UserError(f"--data {path}: {FRAMES} has empty or infinite entries; leave these samples out")
    if not frames.size:
        raise UserError(f"--data {path}: holds no samples; give a file that does")
    if frames.ndim < 2:
        raise UserError(f"--data {path}: {FRAMES} of shape {frames.shape}; give samples by frames, (N, T, ...)")
    if labels is not None and labels.shape != (len(frames),):
        raise UserError(
            f"--data {path}: {len(frames)} samples, but {LABELS} of shape {labels.shape}; give one a sample"
        )
    return torch.from_numpy(np.ascontiguousarray(frames)), None if labels is None else labels.tolist()


def read_ts(path: Path) -> tuple[Tensor, list[str]]:
    """Read a ``.ts`` of series of one length: (N, T, F), and the name of each one's class.

    The layout is that of timeseriesclassification.com and of aeon: lines of the head begin with @ or #; after @data a
    sample a line, features separated by colons, their values by commas, and the class at the end.

    Raises:
        UserError: if it cannot be read, or its series differ in length or lack values.
    """
    series: list[np.typing.NDArray[np.float32]] = []
    names: list[str] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--data {path}: cannot be read; give a .ts") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith(("@", "#", "%")):
            continue
        *features, name = line.strip().split(":")
        try:
            values = np.asarray([feature.split(",") for feature in features], dtype=np.float32)
        except ValueError as error:  # a word, or features of other lengths
            raise UserError(f"--data {path}, line {number}: is no series of numbers of one length") from error
        if not values.size or not np.isfinite(values).all() or (series and values.shape != series[0].shape):
            raise UserError(f"--data {path}, line {number}: not as many finite values as in the other lines")
        series.append(values)
        names.append(name)
    if not series:
        raise UserError(f"--data {path}: holds no series; give a .ts that does")
    return torch.from_numpy(np.stack(series)).transpose(1, 2).contiguous(), names
