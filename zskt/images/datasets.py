"""Images from files: torchvision's data sets, and parquet in the layout of Hugging Face's image data sets.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pooch
import torch
from torch import Tensor

from zskt.dataset import Labelled
from zskt.errors import UserError, lookup

Split = str
"""Split of a data set: "train" or "test"."""
MIN_IMAGES_PER_CLASS = 20
"""From so many images a class on, a class that never occurs shows that the images are of another data set."""


@dataclass(frozen=True)
class ImageDataset:
    """A published data set of images, as torchvision knows it."""

    name: str
    """Name of torchvision's class."""
    channels: int
    side: int
    """Height and width in pixels."""
    classes: int
    """Number of classes."""


def _open(name: str, split: Split, root: Path, download: bool) -> Any:
    """Open a data set by the name of torchvision's class."""
    from torchvision import datasets  # takes a second to import

    dataset = getattr(datasets, name)
    arguments = {"split": split} if name == "SVHN" else {"train": split == "train"}
    return dataset(root, download=download, **arguments)


DATASETS: dict[str, ImageDataset] = {
    "mnist": ImageDataset("MNIST", 1, 28, 10),
    "fashion-mnist": ImageDataset("FashionMNIST", 1, 28, 10),
    "cifar10": ImageDataset("CIFAR10", 3, 32, 10),
    "cifar100": ImageDataset("CIFAR100", 3, 32, 100),
    "svhn": ImageDataset("SVHN", 3, 32, 10),
}
"""Data sets by name on the command line."""


def locate_parquet(place: Path, split: Split) -> list[Path]:
    """List a split's parquet files in a folder: ``test.parquet``, ``test-00000-of-1.parquet``, ``data/test-...``."""
    return sorted([*place.glob(f"{split}*.parquet"), *place.glob(f"data/{split}*.parquet")])


def find_images(name: str, place: Path | None, split: Split) -> None:
    """Fetch images where no folder is given, and check that their files can be opened; nothing is kept in memory.

    Raises:
        UserError: as `read_images`.
    """
    files = [] if place is None else _parquet_files(place, split)
    if files:
        _columns(files[0], _schema(files[0]))
    else:
        _torchvision(name, place, split)


def read_images(name: str, place: Path | None, split: Split) -> Labelled:
    """Read images (B, C, H, W) of uint8 with their classes.

    Args:
        name: of a data set in `DATASETS`.
        place: a folder with parquet files of the split, or in torchvision's layout; None fetches from the publisher.

    Raises:
        UserError: if the images are missing, cannot be fetched or read, or are of another kind.
    """
    dataset = lookup(DATASETS, name, "data set")
    files = [] if place is None else _parquet_files(place, split)
    pixels, labels = _decoded(files) if files else _tensors(_torchvision(name, place, split))
    where = files[0] if files else place or name
    shape = (dataset.channels, dataset.side, dataset.side)
    if pixels.shape[1:] != shape or int(labels.max()) >= dataset.classes or int(labels.min()) < 0:
        raise UserError(
            f"{where}: images of {tuple(pixels.shape[1:])} and classes up to {int(labels.max())} are not {name} "
            f"({shape}, {dataset.classes} classes); give the images that the network was trained for"
        )
    absent = torch.bincount(labels, minlength=dataset.classes).eq(0).nonzero().flatten().tolist()
    if absent and len(labels) >= MIN_IMAGES_PER_CLASS * dataset.classes:
        raise UserError(
            f"{where}: {len(labels)} images, and none of class {absent[0]} ({len(absent)} of {dataset.classes} classes "
            f"are missing): not those of {name}; give the images that the network was trained for"
        )
    return Labelled(pixels, labels)


def _parquet_files(place: Path, split: Split) -> list[Path]:
    """As `locate_parquet`; a `UserError` if the place is no folder."""
    if not place.is_dir():
        problem = "is a file" if place.exists() else "no such folder"
        raise UserError(f"--data {place}: {problem}; give a folder with {split}.parquet, or in torchvision's layout")
    return locate_parquet(place, split)


def _torchvision(name: str, place: Path | None, split: Split) -> Any:
    """Open a data set with torchvision, all in memory."""
    dataset = lookup(DATASETS, name, "data set")
    try:
        if place is None:
            return _open(dataset.name, split, Path(pooch.os_cache("zskt")), True)
        with _unpacked(name, place) as root:
            return _open(dataset.name, split, root, False)
    except Exception as error:  # not found, damaged in some way, no network
        if place is None:
            raise UserError(
                f"{name}: cannot fetch it ({type(error).__name__}); fetch it elsewhere and give its folder as --data"
            ) from error
        raise UserError(
            f"--data {place}: holds neither {split}.parquet nor torchvision's {name}, whole; give the folder that "
            "does, of torchvision's the one above"
        ) from error


@contextmanager
def _unpacked(name: str, place: Path) -> Iterator[Path]:
    """Folder where torchvision finds the files; packed files of MNIST's kind are unpacked into a temporary one."""
    inside = Path(DATASETS[name].name) / "raw"
    packed = [file for file in (place / inside).glob("*-ubyte.gz") if not file.with_suffix("").is_file()]
    if not packed:
        yield place
        return
    from torchvision.datasets.utils import extract_archive

    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / inside).mkdir(parents=True)
        for file in (place / inside).glob("*-ubyte"):
            (root / inside / file.name).symlink_to(file.resolve())
        for archive in packed:
            extract_archive(str(archive), str(root / inside))
        yield root


def _tensors(data: Any) -> tuple[Tensor, Tensor]:
    """Pixels (B, C, H, W) and labels (B,) of a data set of torchvision."""
    pixels = torch.as_tensor(np.asarray(data.data))
    if pixels.ndim == 3:
        pixels = pixels.unsqueeze(1)
    elif pixels.shape[-1] == 3:  # CIFAR keeps its channels last
        pixels = pixels.permute(0, 3, 1, 2).contiguous()
    return pixels, torch.as_tensor(np.asarray(data.targets if hasattr(data, "targets") else data.labels)).long()


def _schema(file: Path) -> list[str]:
    """Names of the columns of a parquet file."""
    import pyarrow.parquet  # takes a second to import

    try:
        return list(pyarrow.parquet.read_schema(file).names)
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{file}: not a readable parquet file ({type(error).__name__}); fetch it again") from error


def _columns(file: Path, names: list[str]) -> tuple[str, str]:
    """Names of the columns of images and of labels."""
    image = next((name for name in ("img", "image") if name in names), None)
    label = next((name for name in ("label", "fine_label", "labels") if name in names), None)
    if image is None or label is None:
        raise UserError(f"{file}: columns {', '.join(names)}, but img or image, and label are needed")
    return image, label


def _decoded(files: list[Path]) -> tuple[Tensor, Tensor]:
    """Decode pixels (B, C, H, W) and labels (B,) of parquet files."""
    import pyarrow.parquet
    from PIL import Image

    image, label = _columns(files[0], _schema(files[0]))
    try:
        table = pyarrow.concat_tables([pyarrow.parquet.read_table(file) for file in files])
        arrays = [np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table[image].to_pylist()]
        labels = torch.as_tensor(table[label].to_pylist()).long()
        pixels = torch.from_numpy(np.stack(arrays)) if arrays else torch.zeros(0)
    except Exception as error:  # pyarrow and Pillow raise whatever the broken bytes lead to
        raise UserError(f"{files[0]}: not a readable parquet file of images ({type(error).__name__})") from error
    if not len(labels):
        raise UserError(f"{files[0]}: holds no images; give a file that does")
    return pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous(), labels
