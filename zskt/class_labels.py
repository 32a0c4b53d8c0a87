"""Labels of a file, in whatever way they are written, as positions in the classes of a network.

Shapes: B samples, K classes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import torch
from torch import Tensor

from zskt.dataset import MAX_NAMES, UNLABELLED
from zskt.errors import UserError, listed
from zskt.terminal import note_once

Key = TypeVar("Key", bound=Hashable)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?", re.IGNORECASE | re.ASCII)
_TRUTH = {"false": Decimal(0), "true": Decimal(1)}
_EMPTY = {"", "nan", "-nan", "nat", "na", "n/a", "<na>", "#n/a", "#na", "null", "none"}
"""What stands for no label where no class has this name, in lower case."""
ENOUGH_A_CLASS = 5
"""Samples a class from which on it is no chance that all classes but the first occur."""


def class_positions(values: Iterable[Any], classes: Sequence[str], where: str) -> Tensor:
    """Return the position in the classes of each label, (B,) of int64; `UNLABELLED` of empty ones and of -1.

    Labels are names of classes where one of them is: as they are written, as equal numbers (3 and 3.0, true and 1), or
    but for case and spaces where this leaves one class. Only where none is a name are they numbers of classes, from 0.
    A line on standard error tells where names are numbers of other classes, too.

    Args:
        values: text, numbers, truth values, dates or None.
        classes: names of the K classes.
        where: the file, for messages.

    Raises:
        UserError: if a label is no class, or some are names and others are not.
    """
    texts = [_text(value) for value in values]
    if not classes:  # a network that only regresses
        return torch.full((len(texts),), UNLABELLED)
    there = list(dict.fromkeys(texts))
    positions = match_names(there, classes)
    others = [text for text in there if text not in positions and not _is_empty(text)]
    if positions and others:
        raise UserError(_half_named(others[0], next(iter(positions)), classes, where))
    numbers = _numbers([text for text in there if not _is_empty(text) or text in positions], len(classes))
    if not positions:
        strange = next((text for text in others if text not in numbers), None)
        if strange is not None:
            raise UserError(_no_class(strange, classes, where))
        positions = numbers
    elif len(numbers) == len(positions) and numbers != positions:
        (text, k), *_ = ((text, k) for text, k in positions.items() if numbers[text] != k)
        note_once(
            f"zskt: {where}: labels are read as the names of classes: {text} is class {classes[k]!r}, not number "
            f"{numbers[text]}, {classes[numbers[text]]!r}"
        )
    labels = torch.tensor([positions.get(text, UNLABELLED) for text in texts], dtype=torch.int64)
    if positions == numbers:
        _note_doubtful_numbers(labels, there, len(classes), where)
    return labels


def match_names(labels: Collection[str], names: Sequence[str]) -> dict[str, int]:
    """Find the labels that are names, and their positions: as written, as equal numbers, but for case and spaces.

    What is alike but for case, two names may be; then only labels as they are written are theirs.
    """
    exact = {name.strip(): k for k, name in enumerate(names)}
    by_number = _unique((number, k) for k, name in enumerate(names) if (number := _number(name)) is not None)
    by_words = _unique((_words(name), k) for k, name in enumerate(names) if _number(name) is None)
    found: dict[str, int] = {}
    for label in labels:
        number = _number(label)
        position = by_words.get(_words(label)) if number is None else by_number.get(number)
        position = exact.get(label, position)
        if position is not None:
            found[label] = position
    return found


def are_numbered(classes: Sequence[str]) -> bool:
    """Whether classes have no names but their numbers, from 0."""
    return all(name == str(k) for k, name in enumerate(classes))


def _text(value: Any) -> str:
    """Write a label as in a table; a day that a file holds as a moment is a day."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).strip().removesuffix(" 00:00:00")


def _number(text: str) -> Decimal | None:
    """Return a number, or a truth value as 0 or 1; None of other words."""
    return Decimal(text) if _NUMBER.fullmatch(text) else _TRUTH.get(text.casefold())


def _words(name: str) -> str:
    """Return a name in small letters, a space for spaces and underscores and none about hyphens: T - shirt, t-shirt."""
    return re.sub(r" ?([-/]) ?", r"\1", " ".join(name.casefold().replace("_", " ").split()))


def _unique(pairs: Iterable[tuple[Key, int]]) -> Mapping[Key, int]:
    """Return what stands for one position only."""
    found: dict[Key, set[int]] = {}
    for key, position in pairs:
        found.setdefault(key, set()).add(position)
    return {key: min(positions) for key, positions in found.items() if len(positions) == 1}


def _is_empty(text: str) -> bool:
    """Whether a label that is no name stands for none."""
    return text.casefold() in _EMPTY or _number(text) == UNLABELLED


def _numbers(labels: Sequence[str], classes: int) -> dict[str, int]:
    """Return the labels that are numbers of classes; truth values are numbers of two."""
    found = {}
    for label in labels:
        number = _number(label)
        is_truth = label.casefold() in _TRUTH
        if number is not None and 0 <= number < classes and number == int(number) and (classes == 2 or not is_truth):
            found[label] = int(number)
    return found


def _shown(label: str) -> str:
    return label if _NUMBER.fullmatch(label) else repr(label)


def _no_class(label: str, classes: Sequence[str], where: str) -> str:
    """Say that a label is no class, and what would be one."""
    last = len(classes) - 1
    if are_numbered(classes):
        problem = f"{where}: label {_shown(label)}, but the classes have no names but their numbers, 0 to {last}"
        if _number(label) is not None:
            return f"{problem}; give these"
        return f"{problem}; give these, or names to the network: --classes FILE, also in the run that is judged"
    numbers = "" if any(_number(name) is not None for name in classes) else f", or their numbers, 0 to {last}"
    return f"{where}: label {_shown(label)}, but the classes are {listed(classes, MAX_NAMES)}; give these{numbers}"


def _half_named(label: str, name: str, classes: Sequence[str], where: str) -> str:
    """Say that one label is the name of a class, and another is none."""
    if are_numbered(classes):
        return _no_class(label, classes, where)
    return (
        f"{where}: label {_shown(label)}, but the classes are {listed(classes, MAX_NAMES)}, and other labels are such "
        f"names ({_shown(name)}); give these names throughout"
    )


def _note_doubtful_numbers(labels: Tensor, there: Sequence[str], classes: int, where: str) -> None:
    """Say where numbers of classes look as if they began at 1, or as if -1 were one of two classes."""
    counts = torch.bincount(labels[labels >= 0], minlength=classes)
    is_absent = counts == 0
    if classes > 2 and is_absent.nonzero().flatten().tolist() == [0] and counts.sum() >= ENOUGH_A_CLASS * classes:
        note_once(
            f"zskt: {where}: no sample has label 0, and all of 1 to {classes - 1} occur: labels begin at 0; where "
            "these begin at 1, subtract 1"
        )
    if classes == 2 and counts[0] == 0 and any(_number(text) == UNLABELLED for text in there):
        note_once(f"zskt: {where}: label -1 stands for none, and no sample has label 0; where -1 is a class, write 0")
