"""Markdown tables, docstrings, and where pages and records are."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
METHOD_PAGES = ROOT / "docs" / "methods"
RUNS = ROOT / "runs" / "reference"

HEADER = "<!-- Written by docs/generate.py. Do not edit: change the code, and run the script again. -->\n\n"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def field_docstrings(cls: type) -> dict[str, str]:
    """Return the docstring below each field of a class and of the classes that it inherits from."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)
        for statement, following in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
                and isinstance(following.value.value, str)
            ):
                texts[statement.target.id] = " ".join(following.value.value.split())
    return texts


def first_paragraph(*described: Any) -> str:
    """Return, on one line, the first paragraph of the first docstring that somebody wrote."""
    for thing in described:
        text = inspect.getdoc(thing) or ""
        if text and not text.startswith(f"{getattr(thing, '__name__', '')}("):  # a dataclass makes one up
            return " ".join(text.split("\n\n")[0].split())
    return ""
