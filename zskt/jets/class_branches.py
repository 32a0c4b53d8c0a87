"""Tell the branches of a file of jets that mark classes from others, and find the class of each jet.

A class branch is a truth value a jet, or 0 and 1. Other numbers, as weights, are no class; NaN and negative ones beside
0 and 1 are a mistake in one.

Shapes: B jets, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import awkward as ak
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zskt.dataset import UNLABELLED
from zskt.errors import UserError
from zskt.terminal import note

Flags = NDArray[np.bool_]


def class_flags(columns: Mapping[str, ak.Array], path: Path, required: Sequence[str] = ()) -> dict[str, Flags]:
    """Return the jets of each class, (B,); one line on standard error names the branches that are none of a class.

    Args:
        columns: name -> what the branch ``label_NAME`` holds.
        path: the file, for messages.
        required: names of branches that must be of classes.

    Raises:
        UserError: if one of them is not, or a class branch holds NaN or negative numbers.
    """
    flags = {name: _flags(name, column, path) for name, column in columns.items()}
    others = [name for name, found in flags.items() if found is None]
    wrong = next((name for name in others if name in required), None)
    if wrong is not None:
        raise UserError(f"{path}: label_{wrong} does not hold one 0 or 1 a jet, as a class does; write it anew")
    if others:
        names = ", ".join(f"label_{name}" for name in others)
        note(f"zskt: {path}: {names} not taken for a class: does not hold one 0 or 1 a jet")
    return {name: found for name, found in flags.items() if found is not None}


def _flags(name: str, column: ak.Array, path: Path) -> Flags | None:
    """Return which jets a branch marks, (B,); None of what is no class."""
    kind = column.type.content
    if not isinstance(kind, ak.types.NumpyType) or kind.primitive[0] not in "bfiu":
        return None
    values = ak.to_numpy(column)
    marks = ~(values >= 0)
    if not np.isin(values[~marks], (0, 1)).all():
        return None
    if marks.any():
        first = int(marks.argmax())
        raise UserError(
            f"{path}: label_{name} is {values[first]} in {marks.sum()} of {len(values)} jets (the first is jet "
            f"{first}), but a branch of a class holds 0 and 1; write these, or rename the branch if it is none"
        )
    flags: Flags = values.astype(bool)
    return flags


def one_class(flags: Mapping[str, Flags], classes: Sequence[str], path: Path) -> Tensor:
    """Return the position of each jet's class, (B,).

    Raises:
        UserError: if a jet does not carry exactly one.
    """
    hot = np.stack([flags[name] for name in classes], 1)
    wrong = np.flatnonzero(hot.sum(1) != 1)
    if len(wrong):
        several = ", ".join(name for name, is_on in zip(classes, hot[wrong[0]], strict=True) if is_on)
        raise UserError(
            f"{path}: jet {wrong[0]} (and {len(wrong) - 1} more) belongs to {hot[wrong[0]].sum()} of the "
            f"{len(classes)} classes{several and f' ({several})'} instead of one; keep jets of "
            f"{', '.join(classes)} only"
        )
    return torch.from_numpy(hot.argmax(1))


def class_if_any(flags: Mapping[str, Flags], classes: Sequence[str], jets: int, path: Path) -> Tensor:
    """Return the position of each jet's class, (B,); `UNLABELLED` where it carries none of those that the file has.

    Raises:
        UserError: if a jet carries several.
    """
    positions = [k for k, name in enumerate(classes) if name in flags]
    if not positions:
        return torch.full((jets,), UNLABELLED)
    hot = np.stack([flags[classes[k]] for k in positions], 1)
    wrong = np.flatnonzero(hot.sum(1) > 1)
    if len(wrong):
        several = ", ".join(classes[k] for k, is_on in zip(positions, hot[wrong[0]], strict=True) if is_on)
        raise UserError(
            f"{path}: jet {wrong[0]} (and {len(wrong) - 1} more) belongs to several classes ({several}); keep one each"
        )
    chosen = torch.tensor(positions)[torch.from_numpy(hot.argmax(1))]
    return torch.where(torch.from_numpy(hot.any(1)), chosen, UNLABELLED)
