"""List the operators that a TorchScript file would run, from its code, without loading it.

`torch.jit.load` runs ``__setstate__`` of every module that has one: what is checked after it comes too late. The code
in the archive has the syntax of Python, and `ast.parse` runs none of it. A name counts as an operator however it is
called: ``torch.add(x, y)``, ``ops.prim.device(x)`` or ``x.add(y)``.
"""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from teachers.harmless_operators import BUILTINS, FORBIDDEN, HARMLESS, HARMLESS_OTHERS

NAMESPACES = ("torch", "ops")
"""Names by which the code of an archive calls operators."""
MAX_CODE_BYTES = 64 * 2**20
"""More code than any network has."""


@dataclass(frozen=True)
class Operators:
    """Operators of a file that are not known to be harmless, by name."""

    forbidden: tuple[str, ...] = ()
    """Those that reach out of the network."""
    unknown: tuple[str, ...] = ()
    """Those of which nothing is known."""


def read_operators(path: Path) -> Operators:
    """List what in the code of a TorchScript file is not known to be harmless.

    Raises:
        ValueError: if it has no code that can be read, or more than any network.
    """
    trees = list(_trees(path))
    defined = {
        node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assigned = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name) and _is_set(node)}
    names = sorted({name for tree in trees for name in _names(tree, defined, assigned)})
    forbidden = tuple(name for name in names if name.rpartition(".")[2] in FORBIDDEN)
    return Operators(forbidden, tuple(name for name in names if name not in forbidden))


def _trees(path: Path) -> Iterator[ast.Module]:
    """Parse every file of code in the archive."""
    with zipfile.ZipFile(path) as archive:
        files = [file for file in archive.infolist() if "/code/" in file.filename and file.filename.endswith(".py")]
        if not files:
            raise ValueError("an archive without code")
        if sum(file.file_size for file in files) > MAX_CODE_BYTES:
            raise ValueError("more code than a network has")
        for file in files:
            try:
                yield ast.parse(archive.read(file).decode())
            except (SyntaxError, RecursionError, MemoryError) as error:
                raise ValueError(f"{file.filename} is no code of TorchScript") from error


def _is_set(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _names(tree: ast.Module, defined: set[str], assigned: set[str]) -> Iterator[str]:
    """Yield what is used and not known to be harmless."""
    bases = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in NAMESPACES and id(node) not in bases:
            yield node.id  # passed on under another name, nothing could be told of it
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN:
            yield node.attr
        if isinstance(node, ast.Call):
            yield from _called(node.func, defined, assigned)
        elif isinstance(node, ast.Attribute) and _root(node) in NAMESPACES:
            yield from _called(node, defined, assigned)


def _called(function: ast.expr, defined: set[str], assigned: set[str]) -> Iterator[str]:
    """Yield the name of what is called, unless it is harmless."""
    if isinstance(function, ast.Name):
        if function.id not in BUILTINS | defined | assigned:
            yield function.id
        return
    if not isinstance(function, ast.Attribute):
        yield ast.unparse(function)[:40]
        return
    root, name = _root(function), function.attr
    if root == "torch" and isinstance(function.value, ast.Name):
        if not _is_harmless(name):
            yield f"torch.{name}"
    elif root == "ops":
        whole = ast.unparse(function).partition(".")[2]
        if whole not in HARMLESS_OTHERS and "." in whole:
            yield whole
    elif not (_is_harmless(name) or (name in defined and not _is_operator(name)) or name == "forward"):
        yield name


def _root(node: ast.expr) -> str | None:
    """Return the name that a chain of attributes begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_harmless(name: str) -> bool:
    return name in HARMLESS or (name.endswith("_") and not name.endswith("__") and name[:-1] in HARMLESS)


def _is_operator(name: str) -> bool:
    """Tell whether PyTorch has an operator of that name: a method of the file cannot stand in its place."""
    return bool(torch._C._jit_get_schemas_for_operator(f"aten::{name}"))
