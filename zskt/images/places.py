"""Where the files of a data set of images lie in a folder: parquet, the packed files of MNIST, torchvision's layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zskt.errors import UserError
from zskt.images.published import ImageDataset, named_after

Split = str
"""Split of a data set: "train" or "test"."""
Layout = Literal["parquet", "idx", "torchvision"]
IDX_PREFIX = {"train": "train", "test": "t10k"}
"""What the names of MNIST's files begin with."""


@dataclass(frozen=True)
class Place:
    """The files of a split."""

    layout: Layout
    files: tuple[Path, ...]
    """Of parquet all files, of idx that of images and that of labels, of torchvision the root that its class takes."""
    folder: Path
    """The folder that holds them."""


def locate(dataset: ImageDataset, place: Path, split: Split) -> Place:
    """Find a split in a folder that a user gave: the one that holds the files, or one above it.

    Raises:
        UserError: if it is no folder, the split is not there, or several folders in it may be meant.
    """
    if not place.is_dir():
        problem = "is a file" if place.exists() else "no such folder"
        raise UserError(f"--data {place}: {problem}; give a folder with {split}.parquet, or in torchvision's layout")
    found = (
        _parquet(place, split)
        or (_idx(dataset, place, split) if dataset.folder.endswith("/raw") else _torchvision(dataset, place, split))
        or _parquet_below(dataset, place, split)
    )
    if found is None:
        raise UserError(f"--data {place}: {_problem(dataset, place, split)}")
    return found


def _problem(dataset: ImageDataset, place: Path, split: Split) -> str:
    """Say what a folder without the images holds instead."""
    names = {named_after(folder) for folder in (place, *_folders(place))} - {None}
    if names and dataset.title not in names:
        others = " and ".join(sorted(name for name in names if name is not None))
        return f"holds {others}, not {dataset.title}; give the folder of {dataset.title}"
    if not dataset.torchvision:
        return f"holds no {split}.parquet; give a folder with images and labels in {split}.parquet"
    return f"holds neither {split}.parquet nor torchvision's {dataset.title}; give the folder that does, or its parent"


def locate_parquet(place: Path, split: Split) -> list[Path]:
    """List a split's parquet files in a folder: ``test.parquet``, ``test-00000-of-1.parquet``, ``data/test-...``."""
    return sorted([*place.glob(f"{split}*.parquet"), *place.glob(f"data/{split}*.parquet")])


def _parquet(place: Path, split: Split) -> Place | None:
    files = locate_parquet(place, split)
    return Place("parquet", tuple(files), place) if files else None


def _parquet_below(dataset: ImageDataset, place: Path, split: Split) -> Place | None:
    """Find the one folder of parquet files in a folder that is not named after another data set."""
    found = [(folder, split_there) for folder in _folders(place) if (split_there := _parquet(folder, split))]
    fitting = [pair for pair in found if named_after(pair[0]) in (None, dataset.title)]
    named = [pair for pair in fitting if named_after(pair[0]) == dataset.title]
    chosen = named or fitting
    if len(chosen) > 1:
        names = ", ".join(folder.name for folder, _ in chosen)
        raise UserError(f"--data {place}: {split} images are in several of its folders ({names}); name one of them")
    return chosen[0][1] if chosen else None


def _folders(place: Path) -> list[Path]:
    """List the folders in a folder, by name."""
    return sorted(path for path in place.iterdir() if path.is_dir())


def _named(dataset: ImageDataset, place: Path) -> Iterator[Path]:
    """Yield the folders in a folder that are named after the data set."""
    yield from (folder for folder in _folders(place) if named_after(folder) == dataset.title)


def _idx(dataset: ImageDataset, place: Path, split: Split) -> Place | None:
    """Find files of MNIST's kind, packed or not, in a folder, its ``raw``, or those of its folder of the name."""
    below = [folder for named in _named(dataset, place) for folder in (named / "raw", named)]
    for folder in (*below, place / "raw", place):
        files = [_idx_file(folder, f"{IDX_PREFIX[split]}-{kind}") for kind in ("images?idx3", "labels?idx1")]
        there = [file for file in files if file is not None]
        if len(there) == 1:
            missing = "labels" if files[0] else "images"
            raise UserError(f"{there[0]}: its {missing} are not beside it; give a folder with images and labels")
        if there:
            return Place("idx", tuple(there), folder)
    return None


def _idx_file(folder: Path, pattern: str) -> Path | None:
    """Return a file, unpacked if it is there; its publishers write ``-idx3-ubyte`` and others ``.idx3-ubyte``."""
    files = [file for ending in ("", ".gz") for file in sorted(folder.glob(f"{pattern}-ubyte{ending}"))]
    return next((file for file in files if file.is_file()), None)


def _torchvision(dataset: ImageDataset, place: Path, split: Split) -> Place | None:
    """Find the root that torchvision's class takes: a folder, the one above, or that of the name in it."""
    if not dataset.torchvision:
        return None
    roots, here = [place, *_named(dataset, place)], place.resolve()
    if dataset.folder and here.name == dataset.folder:
        roots.append(here.parent)
    for root in roots:
        there = (root / dataset.folder).is_dir() if dataset.folder else (root / f"{split}_32x32.mat").is_file()
        if there:
            return Place("torchvision", (root,), root / dataset.folder)
    return None
