"""Look into pickles without executing them: which classes and which texts they name.

`pickletools.genops` reads a pickle's instructions and runs none of them.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""The number with which PyTorch's files began before they were zip archives."""
LEGACY_HEADER = 3
"""Pickles before the object in such a file: the number, the protocol, and the machine that wrote it."""
MAX_INSTRUCTIONS = 5_000_000
"""More than any file of a network has: what has more is none."""


@dataclass(frozen=True)
class Pickle:
    """What a pickle names."""

    classes: frozenset[str]
    """Classes and functions that unpickling would call: "torch._utils._rebuild_tensor_v2"."""
    texts: frozenset[str]
    """All texts in it, keys among them."""


def read_pickle(file: BinaryIO) -> Pickle:
    """List what the next pickle of a file names.

    Raises:
        ValueError: if it is no pickle, or cut short.
    """
    classes, texts = set(), set()
    recent: list[str] = []
    memo: list[str] = []
    for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if count > MAX_INSTRUCTIONS:
            raise ValueError("a pickle without end")
        if operation.name == "GLOBAL":
            classes.add(str(argument).replace(" ", "."))
        elif operation.name == "STACK_GLOBAL":
            classes.add(".".join(recent[-2:]))
        elif isinstance(argument, str) and "UNICODE" in operation.name:
            texts.add(argument)
            recent = [*recent[-1:], argument]
        elif operation.name in ("BINGET", "LONG_BINGET") and isinstance(argument, int) and argument < len(memo):
            recent = [*recent[-1:], memo[argument]]
        elif operation.name == "MEMOIZE":
            memo.append(recent[-1] if recent else "")
    return Pickle(frozenset(classes), frozenset(texts))


def read_torch_pickle(path: Path) -> Pickle:
    """List what the object in a file of ``torch.save`` names, of today's format or of that before 2020.

    Raises:
        ValueError: if it is no such file, or cut short.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
            if not names:
                raise ValueError("an archive without data.pkl")
            return read_pickle(io.BytesIO(archive.read(names[0])))
    if not is_legacy(path):
        raise ValueError("not the number of PyTorch")
    with path.open("rb") as file:
        read_pickle(file)
        for _ in range(LEGACY_HEADER - 1):
            read_pickle(file)
        return read_pickle(file)


def is_legacy(path: Path) -> bool:
    """Return whether a file begins like one of ``torch.save`` before 2020.

    Raises:
        ValueError: if it begins with no pickle.
    """
    with path.open("rb") as file:
        beginning = [argument for _, (_, argument, _) in zip(range(2), pickletools.genops(file), strict=False)]
    return beginning[1:] == [LEGACY_MAGIC]
