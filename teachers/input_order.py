"""Match the inputs that a network takes with those that its description names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup


def input_order(
    arguments: Sequence[str], groups: Sequence[InputGroup], path: Path, preprocess_file: Path | str
) -> list[int]:
    """Return, for each argument of a network, the position of its group: found by name, else taken by position.

    An exporter drops inputs that the network does not use: described inputs that no argument is named after are left
    out.

    Raises:
        UserError: if the numbers of inputs differ and their names do not tell which is which.
    """
    names = [group.plain_name for group in groups]
    wanted = [name.rsplit("__", 1)[0] for name in arguments]
    if len(set(names)) < len(names) or len(set(wanted)) < len(wanted):  # numbers are all that tells them apart
        names, wanted = [group.name for group in groups], list(arguments)
    if set(wanted) <= set(names):
        return [names.index(name) for name in wanted]
    if len(wanted) != len(names):
        odd = [n for n in wanted if n not in names] + [n for n in names if n not in wanted]
        raise UserError(
            f"{path}: takes {len(wanted)} inputs, {preprocess_file} describes {len(names)}, the first that only one of "
            f"them has is {odd[0]}; give the two files that belong together"
        )
    return list(range(len(names)))
