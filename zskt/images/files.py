"""Read files of images: parquet as Hugging Face has it, a file an image in folders, and the packed files of MNIST.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from zskt.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

CHANNELS = {"L": 1, "RGB": 3}
"""Channels of 8 bits, by Pillow's mode. Indices of a palette, bits and 16-bit numbers are no intensities."""
ORIENTATION, TURNED_BY_A_QUARTER = 0x0112, range(5, 9)
"""Tag of EXIF that says how an image is stored, and its values where height and width are exchanged."""


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


@dataclass(frozen=True)
class Picture:
    """An image whose header alone is read yet."""

    image: Image
    where: str
    """Its file, and its row there, for messages."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W), as it is to be seen: cameras store pixels as they lie on the sensor, and say how to turn them."""
        height, width = self.image.height, self.image.width
        # Pillow would decode a PNG to look behind its pixels; there `decoded` finds it.
        is_turned = "exif" in self.image.info and self.image.getexif().get(ORIENTATION, 1) in TURNED_BY_A_QUARTER
        return (CHANNELS[self.image.mode], *((width, height) if is_turned else (height, width)))


@dataclass(frozen=True)
class LabelledPictures:
    """Images, and their labels as files have them."""

    pictures: list[Picture]
    labels: list[Any]
    """One for each: numbers or text, None where a row has none."""
    names: tuple[str, ...] = ()
    """What the file says that the numbers 0, 1, ... mean; empty where it does not."""


def open_parquet(files: Sequence[Path]) -> LabelledPictures:
    """Open the images of parquet files, of which only headers are read yet, and read their labels.

    Raises:
        UserError: if a file cannot be read, has no images of 8 bits and labels, or names classes unlike the others.
    """
    pictures: list[Picture] = []
    labels: list[Any] = []
    names: dict[Path, tuple[str, ...]] = {}
    for file in files:
        schema = _schema(file)
        image, label = _columns(file, list(schema.names))
        codes, values = _rows(file, image, label)
        pictures += [_opened(code, f"{file} row {row}") for row, code in enumerate(codes)]
        labels += values
        names[file] = _class_names(schema, label)
        if names[file] != names[files[0]]:
            raise UserError(f"{file}: names its classes otherwise than {files[0]}; give files of one data set")
    if not pictures:
        raise UserError(f"{files[0]}: holds no images; give a file that does")
    return LabelledPictures(pictures, labels, names[files[0]])


def open_pictures(files: Sequence[Path]) -> LabelledPictures:
    """Open files of an image each, of which only headers are read yet; labels are the names of their folders.

    Raises:
        UserError: if one is no image of 8 bits.
    """
    # In memory, since so many files cannot be open at a time.
    return LabelledPictures([_opened(file.read_bytes(), str(file)) for file in files], [f.parent.name for f in files])


def _rows(file: Path, image: str, label: str) -> tuple[list[bytes | None], list[Any]]:
    """Read the bytes of images, and labels."""
    import pyarrow.parquet  # takes a second to import

    try:
        table = pyarrow.parquet.read_table(file, columns=[image, label])
        codes = [row["bytes"] if isinstance(row, dict) else row for row in table[image].to_pylist()]
        kind = table[label].type
        values = table[label].to_pylist()
    except Exception as error:  # pyarrow raises whatever the broken bytes lead to
        raise UserError(f"{file}: not a readable parquet file of images ({type(error).__name__})") from error
    if pyarrow.types.is_nested(kind):
        raise UserError(f"{file}: column {label} holds {kind}; a class for each image is needed, its number or name")
    return codes, values


def _opened(code: Any, where: str) -> Picture:
    from PIL import Image

    if not isinstance(code, bytes):
        raise UserError(f"{where}: holds no image; leave it out, or give its bytes (rows are counted from 0)")
    try:
        image = Image.open(io.BytesIO(code))
    except Exception as error:  # Pillow raises whatever the broken bytes lead to
        raise UserError(_damaged(where, error)) from error
    if image.mode not in CHANNELS:
        raise UserError(
            f"{where}: an image of Pillow's mode {image.mode}; 8 bits a channel are needed, grey (L) or in colour (RGB)"
        )
    return Picture(image, where)


def decoded(pictures: Sequence[Picture]) -> Tensor:
    """Decode images of one shape, each turned as it is to be seen: (B, C, H, W) of uint8.

    Raises:
        UserError: if one is damaged, or its size is another than its header told.
    """
    pixels = torch.from_numpy(np.stack([_pixels(picture, pictures[0].shape) for picture in pictures]))
    return pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()


def _pixels(picture: Picture, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    from PIL import ImageOps

    try:
        ImageOps.exif_transpose(picture.image, in_place=True)  # as Hugging Face's datasets decode
        pixels = np.asarray(picture.image)
    except Exception as error:  # Pillow raises whatever the broken bytes lead to
        raise UserError(_damaged(picture.where, error)) from error
    if pixels.shape[:2] != shape[1:]:
        raise UserError(f"{picture.where}: an image of {pixels.shape[:2]} pixels, where others have {shape[1:]}")
    return pixels


def _damaged(where: str, error: Exception) -> str:
    return f"{where}: not an image, or a damaged one ({type(error).__name__}; rows are counted from 0)"


def _class_names(schema: Any, label: str) -> tuple[str, ...]:
    """Names of the numbers in a column of labels, where Hugging Face's ``ClassLabel`` wrote them; else none."""
    try:
        feature = json.loads(schema.metadata[b"huggingface"])["info"]["features"][label]
        return tuple(map(str, feature["names"])) if feature["_type"] == "ClassLabel" else ()
    except (KeyError, TypeError, ValueError):  # another writer's, or damaged
        return ()


def _schema(file: Path) -> Any:
    """Columns of a parquet file, and what its writer says of them."""
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(file)
        list(schema.names)  # decoded when they are asked for
        return schema
    except (pyarrow.ArrowException, OSError, ValueError) as error:  # names are no UTF-8
        raise UserError(f"{file}: not a readable parquet file ({type(error).__name__}); fetch it again") from error


def _columns(file: Path, names: list[str]) -> tuple[str, str]:
    """Names of the columns of images and of labels."""
    image = next((name for name in ("img", "image") if name in names), None)
    label = next((name for name in ("label", "fine_label", "labels") if name in names), None)
    if image is None or label is None:
        raise UserError(f"{file}: columns {', '.join(names)}, but img or image, and label are needed")
    return image, label
