"""Files of MNIST's format, written for tests."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

CODES = {"uint8": 8, "int16": 0x0B}


def idx(file: Path, array: np.ndarray) -> None:  # type: ignore[type-arg]
    """Write a file, packed if its name ends so; numbers that are not of 16 bits become bytes."""
    array = array if array.dtype == np.int16 else array.astype(np.uint8)
    head = struct.pack(">HBB", 0, CODES[array.dtype.name], array.ndim) + struct.pack(f">{array.ndim}i", *array.shape)
    content = head + array.astype(array.dtype.newbyteorder(">")).tobytes()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)


def digits_in(
    folder: Path, *, ending: str = "", side: int = 28, labels: Sequence[int] = (0, 1, 2), seed: int = 0
) -> np.ndarray:  # type: ignore[type-arg]
    """Write both splits of a small MNIST into a folder: the pixels, the same in both."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), side, side), dtype=np.uint8)
    for prefix in ("train", "t10k"):
        idx(folder / f"{prefix}-images-idx3-ubyte{ending}", pixels)
        idx(folder / f"{prefix}-labels-idx1-ubyte{ending}", np.asarray(labels))
    return pixels
