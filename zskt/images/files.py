"""Read files of images: parquet in the layout of Hugging Face's image data sets, and the packed files of MNIST.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

import gzip
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from zskt.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

CHANNELS = {"L": 1, "RGB": 3}
"""Channels of 8 bits, by Pillow's mode. Indices of a palette, bits and 16-bit numbers are no intensities."""


def read_idx(images: Path, labels: Path) -> tuple[Tensor, Tensor]:
    """Read pixels (B, 1, H, W) and labels (B,) of files of MNIST's kind, which are left packed.

    Raises:
        UserError: if a file is damaged, or they do not hold images of 8 bits and their labels.
    """
    pixels, classes = _idx(images), _idx(labels)
    if pixels.dtype != torch.uint8 or pixels.ndim != 3:
        kind = f"numbers of {str(pixels.dtype).removeprefix('torch.')} and {pixels.ndim} axes"
        raise UserError(f"{images}: holds {kind}; grey images of 8 bits (uint8, 3 axes) are needed")
    if classes.ndim != 1 or classes.is_floating_point():
        raise UserError(f"{labels}: holds numbers of {classes.dtype}, {classes.ndim} axes; labels are needed")
    if len(pixels) != len(classes):
        raise UserError(f"{labels}: {len(classes)} labels of {len(pixels)} images; fetch both files again")
    return pixels.unsqueeze(1), classes.long()


def _idx(file: Path) -> Tensor:
    from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor  # takes a second to import

    try:
        if file.suffix != ".gz":
            return torch.as_tensor(read_sn3_pascalvincent_tensor(str(file)))
        with NamedTemporaryFile() as unpacked, gzip.open(file) as packed:
            shutil.copyfileobj(packed, unpacked)
            unpacked.flush()
            return torch.as_tensor(read_sn3_pascalvincent_tensor(unpacked.name))
    except Exception as error:  # the reader asserts, and raises what broken bytes lead to
        raise UserError(f"{file}: not a whole file of MNIST's kind ({type(error).__name__}); fetch it again") from error


def open_parquet(files: Sequence[Path]) -> tuple[list[Image], Tensor]:
    """Open the images of parquet files, of which only headers are read yet, and read their labels (B,).

    Raises:
        UserError: if a file cannot be read, or has no images of 8 bits and labels.
    """
    import pyarrow.parquet  # takes a second to import
    from PIL import Image

    names = _schema(files[0])
    image, label = _columns(files[0], names)
    try:
        table = pyarrow.concat_tables([pyarrow.parquet.read_table(file, columns=[image, label]) for file in files])
        codes = [row if isinstance(row, bytes) else row["bytes"] for row in table[image].to_pylist()]
        images = [Image.open(io.BytesIO(code)) for code in codes]
    except Exception as error:  # pyarrow and Pillow raise whatever the broken bytes lead to
        raise UserError(f"{files[0]}: not a readable parquet file of images ({type(error).__name__})") from error
    if not images:
        raise UserError(f"{files[0]}: holds no images; give a file that does")
    odd = next((i.mode for i in images if i.mode not in CHANNELS), None)
    if odd is not None:
        raise UserError(
            f"{files[0]}: images of Pillow's mode {odd}; 8 bits a channel are needed, grey (L) or in colour (RGB)"
        )
    return images, _labels(files[0], label, table[label])  # type: ignore[return-value]


def shape(image: Image) -> tuple[int, int, int]:
    """Return (C, H, W) of an image that `open_parquet` returned."""
    return CHANNELS[image.mode], image.height, image.width


def decoded(images: Sequence[Image], file: Path) -> Tensor:
    """Decode images of one shape: (B, C, H, W) of uint8.

    Raises:
        UserError: if one is damaged; ``file`` is named.
    """
    try:
        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    except Exception as error:  # Pillow raises whatever the broken bytes lead to
        raise UserError(f"{file}: not a readable parquet file of images ({type(error).__name__})") from error
    return pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()


def _labels(file: Path, name: str, column: Any) -> Tensor:
    """Labels (B,) of a column of integers."""
    import pyarrow

    if not pyarrow.types.is_integer(column.type) or column.null_count:
        kind = f"{column.null_count} empty rows" if column.null_count else str(column.type)
        raise UserError(f"{file}: column {name} holds {kind}; an integer for each image is needed, its class")
    return torch.as_tensor(column.to_pylist()).long()


def _schema(file: Path) -> list[str]:
    """Names of the columns of a parquet file."""
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_schema(file).names)
    except (pyarrow.ArrowException, OSError, ValueError) as error:  # names are no UTF-8
        raise UserError(f"{file}: not a readable parquet file ({type(error).__name__}); fetch it again") from error


def _columns(file: Path, names: list[str]) -> tuple[str, str]:
    """Names of the columns of images and of labels."""
    image = next((name for name in ("img", "image") if name in names), None)
    label = next((name for name in ("label", "fine_label", "labels") if name in names), None)
    if image is None or label is None:
        raise UserError(f"{file}: columns {', '.join(names)}, but img or image, and label are needed")
    return image, label
