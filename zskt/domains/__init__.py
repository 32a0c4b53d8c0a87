"""What differs from one kind of samples to the next, beside networks and generators: where data come from, pictures."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import nn

from teachers import AnyCard
from zskt.contracts import PseudoBatch
from zskt.dataset import Labelled
from zskt.errors import UserError
from zskt.files import sha256
from zskt.images.datasets import find_images, locate_parquet, read_images
from zskt.images.grids import grid
from zskt.jets.event_display import plane
from zskt.jets.jetclass import SAMPLE
from zskt.jets.read import read_for

LEARN_FROM_DATA = ("kd", "teacher", "few-shot")
"""Modes that may read training data."""


@dataclass(frozen=True)
class Source:
    """Labelled samples somewhere, not read yet."""

    name: str
    stem: str
    """Of the files that hold figures on it."""
    unit: str
    """What a sample is called."""
    read: Callable[[], Labelled]
    files: tuple[Path, ...] = ()
    check: Callable[[], object] = lambda: None
    """Raises `UserError` if `read` could not work, before a run begins; keeps nothing."""

    def sha256(self) -> str | None:
        """Of the file, or of all files' hashes; None where a library keeps and verifies them."""
        if len(self.files) == 1:
            return sha256(self.files[0])
        return hashlib.sha256("".join(map(sha256, self.files)).encode()).hexdigest() if self.files else None


Sources = Callable[[AnyCard, Path | None, str], tuple[Source | None, Source]]
"""Card, --data, mode -> what to learn from, if anything, and what to be judged on."""


@dataclass(frozen=True)
class Domain:
    """An entry of the registry."""

    sources: Sources
    picture: Callable[[PseudoBatch, Labelled, AnyCard], Figure | None]
    """Pseudo-samples beside real ones."""
    layout: torch.memory_format = torch.contiguous_format
    """In which networks are fastest."""
    split: bool = False
    """Whether --data is a place with test samples of its own, where a finished run is judged again."""

    def place(self, network: nn.Module, device: torch.device) -> nn.Module:
        return network.to(device).to(memory_format=self.layout)


def _jets(card: AnyCard, path: Path | None, mode: str) -> tuple[Source | None, Source]:
    def source(file: Path) -> Source:
        read = functools.cache(lambda: read_for(card, file))
        return Source(file.name, file.stem, "jet", read, (file,), check=read)

    if mode not in LEARN_FROM_DATA:
        return None, source(path or SAMPLE)
    if path is None:
        raise UserError(f"--mode {mode}: learns from jets: --data FILE.root, for example from --mode simulate")
    return source(path), source(SAMPLE)


def _images(card: AnyCard, place: Path | None, mode: str) -> tuple[Source | None, Source]:
    name = card.data
    assert name is not None

    def source(split: str) -> Source:
        files = () if place is None else tuple(locate_parquet(place, split))
        called = f"{name} {split}" if place is None or not files else f"{name} {split} ({place.name})"
        return Source(
            called,
            "-".join([name, split] if place is None else [name, split, place.resolve().name]),
            "image",
            lambda: read_images(name, place, split),
            files,
            check=lambda: find_images(name, place, split),
        )

    return source("train") if mode in LEARN_FROM_DATA else None, source("test")


DOMAINS: dict[str, Domain] = {
    "jets": Domain(_jets, lambda draw, real, card: plane(draw, real)),
    "images": Domain(_images, grid, torch.channels_last, split=True),
}
