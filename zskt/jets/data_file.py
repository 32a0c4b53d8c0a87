"""Find the one file of jets that --data names, and in a ROOT file the tree that holds them."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zskt.errors import UserError, listed
from zskt.terminal import note

TREE = "tree"
"""Name of the tree in the layout of JetClass; another one is read where it alone has its branches."""
FEW = 5
"""Names in a message."""


def require_file(path: Path) -> None:
    """Require a file; of a folder or a pattern of several say how to make one of them.

    Raises:
        UserError: if it is none.
    """
    if not path.is_file():
        refuse_several(path)
        problem = "is a folder without files of jets" if path.is_dir() else "no such file"
        raise UserError(f"{path}: {problem}; give --data a JetClass ROOT or JetClass-II parquet file")


def refuse_several(path: Path) -> None:
    """Raise `UserError` if a path is a folder of files of jets, or a pattern that matches some."""
    files = [file for file in _matching(path) if file.suffix in (".root", ".parquet")]
    what = "is a folder" if path.is_dir() else "is a pattern"
    if len(files) == 1:
        raise UserError(f"{path}: {what}, no file; give --data {shlex.quote(str(files[0]))}")
    if files:
        with_what = " with hadd" if all(file.suffix == ".root" for file in files) else ""
        raise UserError(
            f"{path}: {what} of {len(files)} files of jets; --data takes one file: merge several{with_what}"
        )


def _matching(path: Path) -> list[Path]:
    """Return the files in a folder, or those that a pattern matches, as a shell would have put in its place."""
    if path.is_dir():
        return sorted(path.glob("*"))
    with contextlib.suppress(ValueError, OSError):  # of what is no pattern
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return []


def jets_tree(file: Any, required: Sequence[str], path: Path) -> Any:
    """Return the tree of jets of an open ROOT file: the one of that name, or the only one that has the branches.

    Args:
        file: what `uproot.open` returned.
        required: names of branches.
        path: the file, for messages.

    Raises:
        UserError: if there is none, or there are several.
    """
    kinds = file.classnames(cycle=False)
    names = [name for name, kind in kinds.items() if kind.endswith("RNTuple") or kind in ("TTree", "TNtuple")]
    if TREE in names:
        return file[TREE]
    lacking = {name: sorted(set(required) - set(file[name].keys())) for name in names}
    fitting = [name for name, missing in lacking.items() if not missing]
    if len(fitting) == 1:
        note(f"zskt: {path}: no tree named '{TREE}': reads {fitting[0]}, which has the branches of jets")
        return file[fitting[0]]
    remedy = f"write the jets as a tree named '{TREE}'"
    if fitting:
        raise UserError(f"{path}: no tree named '{TREE}' but {listed(fitting, FEW)}; {remedy}")
    if not names:
        found = listed([f"{name} ({kind})" for name, kind in kinds.items()], FEW) or "nothing"
        raise UserError(f"{path}: no tree named '{TREE}' but {found}; {remedy}")
    closest = min(names, key=lambda name: len(lacking[name]))
    raise UserError(
        f"{path}: no tree named '{TREE}' but {listed(names, FEW)}, and {closest} has no branch "
        f"{listed(lacking[closest], FEW)}; {remedy}, see docs/reference/data-formats.md"
    )
