"""Published data sets of images: their shapes, their classes, and how they are told apart."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True)
class ImageDataset:
    """A data set of images of one size."""

    name: str
    """Name on the command line; of images that are not published, the name of the network that takes them."""
    channels: int
    side: int
    """Height and width in pixels."""
    classes: int
    """Number of classes."""
    torchvision: str = ""
    """Name of torchvision's class; empty where there is none, and images come from parquet files alone."""
    folder: str = ""
    """Folder, in the root that torchvision takes, where it keeps the files; empty for the root itself."""
    names: tuple[str, ...] = ()
    """Names of the network's classes, in the order of its outputs; empty where they are numbered."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)"""
        return self.channels, self.side, self.side

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, or their numbers."""
        return self.names or tuple(map(str, range(self.classes)))

    @property
    def title(self) -> str:
        """The name that people know it by."""
        return self.torchvision or self.name


DATASETS: dict[str, ImageDataset] = {
    "mnist": ImageDataset("mnist", 1, 28, 10, "MNIST", "MNIST/raw"),
    "fashion-mnist": ImageDataset("fashion-mnist", 1, 28, 10, "FashionMNIST", "FashionMNIST/raw"),
    "cifar10": ImageDataset("cifar10", 3, 32, 10, "CIFAR10", "cifar-10-batches-py"),
    "cifar100": ImageDataset("cifar100", 3, 32, 100, "CIFAR100", "cifar-100-python"),
    "svhn": ImageDataset("svhn", 3, 32, 10, "SVHN"),
}
"""Data sets by name on the command line."""
KNOWN_FOLDERS = {
    **{re.sub("[^a-z0-9]", "", name): dataset.title for name, dataset in DATASETS.items()},
    "kmnist": "KMNIST",  # in files of the same names as MNIST's
    "cifar10batchespy": "CIFAR10",
    "cifar100python": "CIFAR100",
}
"""Data sets that a folder may be named after: its name in small letters and digits -> the data set's title."""
LABELS_SHA256 = {
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13": "MNIST",  # train
    "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5": "MNIST",  # test
    "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7": "FashionMNIST",
    "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9": "FashionMNIST",
}
"""SHA-256 of a split's labels, a byte each, in the published order -> the data set's title."""


def named_after(folder: Path) -> str | None:
    """Return the title of the data set that a folder is named after, or the one above, of ``raw`` and ``data``."""
    folder = folder.resolve()
    named = folder.parent if folder.name in ("raw", "data") else folder
    return KNOWN_FOLDERS.get(re.sub("[^a-z0-9]", "", named.name.lower()))


def dataset_of_labels(labels: Tensor) -> str | None:
    """Return the title of the data set that has these labels (B,), 0 to 255 each, in this order; None if unknown."""
    return LABELS_SHA256.get(hashlib.sha256(labels.byte().numpy().tobytes()).hexdigest())
