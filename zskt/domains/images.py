"""The domain of images: torchvision's data sets and parquet files, grids of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled
from zskt.domains.domain import Domain, Source
from zskt.images.datasets import find_images, locate_parquet, read_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _sources(card: Card, place: Path | None, learns: bool) -> tuple[Source | None, Source]:
    name = card.dataset
    assert name is not None

    def source(split: str) -> Source:
        files = () if place is None else tuple(locate_parquet(place, split))
        title = f"{name} {split}" if place is None or not files else f"{name} {split} ({place.name})"
        return Source(
            title,
            "-".join([name, split] if place is None else [name, split, place.resolve().name]),
            "image",
            lambda: read_images(name, place, split),
            files,
            check=lambda: find_images(name, place, split),
        )

    return source("train") if learns else None, source("test")


def _picture(batch: PseudoBatch, real: Labelled, card: Card) -> Figure | None:
    from zskt.images.grids import grid

    return grid(batch, real, card)


IMAGES = Domain(
    _sources, _picture, pictured=32, layout=torch.channels_last, has_test_split=True, default_generator="image"
)
