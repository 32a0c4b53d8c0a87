"""Labels of images, as files and folders have them, as positions in the classes of a network.

Shapes: B images.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zskt.class_labels import are_numbered, class_positions, match_names
from zskt.dataset import MAX_NAMES, UNLABELLED
from zskt.errors import UserError, listed
from zskt.images.published import ImageDataset
from zskt.terminal import note_once


def label_positions(
    dataset: ImageDataset, labels: Sequence[Any], where: Path, names: Sequence[str] = (), folders: Sequence[str] = ()
) -> Tensor:
    """Return the positions of images' labels in the classes of a network, (B,); `UNLABELLED` where there is none.

    Args:
        names: what the file says that the numbers 0, 1, ... mean; empty where it does not.
        folders: names of the folders of classes in order, of images that lie in such; else none.

    Raises:
        UserError: if a label is no class.
    """
    classes = dataset.class_names
    if folders:
        return _of_folders(labels, folders, classes, where)
    if names:
        return _of_named_numbers(dataset, labels, names, where)
    return class_positions(labels, classes, str(where))


def _of_named_numbers(dataset: ImageDataset, labels: Sequence[Any], names: Sequence[str], where: Path) -> Tensor:
    """Match numbers by what the file says that they mean; by themselves where the network's classes have no names."""
    classes = dataset.class_names
    there = sorted({label for label in labels if label not in (None, UNLABELLED)})
    strange = next((k for k in there if k not in range(len(names))), None)
    if strange is not None:
        raise UserError(f"{where}: label {strange}, but the file names {len(names)} classes; write it anew")
    fits = match_names([names[k] for k in there], classes)
    lacking = [k for k in there if names[k] not in fits]
    if lacking:
        # Names that say nothing, or a published data set's in other words: its numbers are known.
        says_nothing = are_numbered(names) or are_numbered(classes)
        agrees = all(fits[names[k]] == k for k in there if names[k] in fits)
        if says_nothing or (dataset.torchvision and fits and agrees):
            return class_positions(labels, classes, str(where))
        raise UserError(
            f"{where}: its label {lacking[0]} is {names[lacking[0]]!r}, but the network's classes are "
            f"{listed(classes, MAX_NAMES)}; its run needs --classes in the file's words, in the order of the outputs"
        )
    return torch.tensor([UNLABELLED if k in (None, UNLABELLED) else fits[names[k]] for k in labels])


def _of_folders(labels: Sequence[str], folders: Sequence[str], classes: Sequence[str], where: Path) -> Tensor:
    """Match names of folders; where neither they nor the classes say, their order is that of the classes."""
    if are_numbered(classes):
        if not match_names(folders, classes) and not any(name.isdigit() for name in folders):
            if len(folders) != len(classes):
                raise UserError(
                    f"{where}: {len(folders)} folders of images, but the network has {len(classes)} classes without "
                    "names; give a folder for each of them"
                )
            note_once(f"zskt: {where}: classes have no names; folders are theirs in the order of the alphabet: "
                 f"{listed(folders, MAX_NAMES)}")  # fmt: skip
            return torch.tensor([folders.index(label) for label in labels])
        if sorted(folders) != sorted(folders, key=lambda name: (len(name), name)):
            note_once(f"zskt: {where}: folders are the numbers of classes; torchvision's ImageFolder counts them as "
                 f"{listed(folders, 3)}: for a network that learned so, its run needs --classes")  # fmt: skip
    return class_positions(labels, classes, str(where))
