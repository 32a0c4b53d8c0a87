"""Where images lie: an .npz, or a folder of parquet, of classes, of MNIST's packed files, or as torchvision has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zskt.errors import UserError, listed
from zskt.images.published import ImageDataset, named_after

Split = str
"""Split of a data set: "train" or "test"."""
Layout = Literal["parquet", "arrays", "folders", "idx", "torchvision"]
IDX_PREFIX = {"train": "train", "test": "t10k"}
"""What the names of MNIST's files begin with."""
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Of the files that torchvision's ``ImageFolder`` reads."""


@dataclass(frozen=True)
class Place:
    """The files of a split."""

    layout: Layout
    files: tuple[Path, ...]
    """Of parquet all files, of arrays one, of folders every image, of idx that of images and that of labels, of
    torchvision the root that its class takes."""
    folder: Path
    """The folder that holds them."""
    class_folders: tuple[str, ...] = ()
    """Names of the folders of classes, in order."""


def locate(dataset: ImageDataset, place: Path, split: Split) -> Place:
    """Find a split in an .npz, or in a folder that a user gave: the one that holds the files, or one above it.

    Raises:
        UserError: if it is neither, the split is not there, or several folders in it may be meant.
    """
    if place.suffix == ".npz" and place.is_file():
        return Place("arrays", (place,), place.parent)
    if not place.is_dir():
        problem = "is a file" if place.exists() else "no such folder"
        raise UserError(f"--data {place}: {problem}; give a folder with {_layouts(dataset, split)}")
    found = (
        _parquet(place, split)
        or _arrays(place, split)
        or _class_folders(place, split)
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
        return f"holds no {split} images; give a folder with {_layouts(dataset, split)}"
    return f"holds neither {split}.parquet nor torchvision's {dataset.title}; give the folder that does, or its parent"


def _layouts(dataset: ImageDataset, split: Split) -> str:
    """Say what a folder may hold."""
    published = ", or in torchvision's layout" if dataset.torchvision else ""
    return f"{split}.parquet or {split}.npz, or with images in {split}/CLASS/{published}"


def locate_parquet(place: Path, split: Split) -> list[Path]:
    """List a split's parquet files in a folder: ``test.parquet``, or ``test-00000-of-00002.parquet`` and all others.

    They lie in the folder itself, or in its ``data``. Files of other names, ``test_corrupted.parquet``, are others.

    Raises:
        UserError: if there are several of these layouts, or one of the files is missing.
    """
    # Some of Hugging Face's older files have a hash behind the numbers.
    shard = re.compile(rf"{re.escape(split)}-(\d+)-of-(\d+)(-[0-9a-f]{{16}})?\.parquet")
    layouts: dict[tuple[Path, str], dict[int, list[Path]]] = {}
    for folder in (place, place / "data"):
        for file in sorted(folder.glob(f"{split}*.parquet")):
            numbers = shard.fullmatch(file.name)
            if numbers is not None:
                layouts.setdefault((folder, str(int(numbers[2]))), {}).setdefault(int(numbers[1]), []).append(file)
            elif file.name == f"{split}.parquet":
                layouts[folder, "1"] = layouts.get((folder, "1"), {})
                layouts[folder, "1"].setdefault(0, []).append(file)
    if len(layouts) > 1 or any(len(files) > 1 for shards in layouts.values() for files in shards.values()):
        first = [str(file.relative_to(place)) for shards in layouts.values() for file in shards[min(shards)]]
        raise UserError(
            f"--data {place}: {split} images are there more than once ({listed(first, 3)}); keep one of these layouts, "
            "or give a folder that holds one"
        )
    for (folder, count), shards in layouts.items():
        missing = sorted(set(range(int(count))) - set(shards))
        if missing or len(shards) > int(count):
            there = shards[min(shards)][0].name
            raise UserError(f"{folder}: files of {split} images are not {count} as {there} says; fetch all of them")
        return [shards[k][0] for k in sorted(shards)]
    return []


def _class_folders(place: Path, split: Split) -> Place | None:
    """Find images in ``test/CLASS/``, as torchvision's ``ImageFolder`` takes them."""
    root = place / split
    if not root.is_dir():
        return None
    folders = [folder for folder in _folders(root) if not folder.name.startswith(".")]
    files = [
        file
        for folder in folders
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in ENDINGS and file.is_file() and not file.name.startswith(".")
    ]
    return Place("folders", tuple(files), root, tuple(folder.name for folder in folders)) if files else None


def _parquet(place: Path, split: Split) -> Place | None:
    files = locate_parquet(place, split)
    return Place("parquet", tuple(files), place) if files else None


def _arrays(place: Path, split: Split) -> Place | None:
    file = place / f"{split}.npz"
    return Place("arrays", (file,), place) if file.is_file() else None


def _parquet_below(dataset: ImageDataset, place: Path, split: Split) -> Place | None:
    """Find the one folder of parquet files in a folder that is not named after another data set."""
    folders = [folder for folder in _folders(place) if named_after(folder) in (None, dataset.title)]
    fitting = [(folder, split_there) for folder in folders if (split_there := _parquet(folder, split))]
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
