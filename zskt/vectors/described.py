"""Whether the rows of a table are as the description of their features says: bounds, integers, categories.

A row that chooses no value of a category, or two, is no sample at all and is refused. One beyond a bound, or between
two integers, is used, since real tables hold such rows; but no pseudo-sample is like it, and that is said.

Shapes: B rows, F features.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from zskt.errors import UserError, listed
from zskt.terminal import note
from zskt.vectors.inputs import VectorInputs
from zskt.vectors.moments import INTEGER

MAX_NAMED = 3
"""Features that the line names; it counts the rows of all."""


def require_one_value(x: Tensor, inputs: VectorInputs, path: Path) -> None:
    """Check that each row has one 1 and else 0 in the columns of each category; x is (B, F).

    Raises:
        UserError: if a row has not.
    """
    for rows in inputs.groups.values():
        columns = x[:, list(rows)]
        wrong = ((columns != 0) & (columns != 1)).any(1) | (columns.sum(1) != 1)
        if wrong.any():
            first = int(wrong.int().argmax())
            names, numbers = ", ".join(inputs.names[i] for i in rows), ", ".join(f"{v:g}" for v in columns[first])
            raise UserError(
                f"--data {path}: {int(wrong.sum())} of {len(x)} rows have not one value of a category; row {first}, "
                f"counted from 0, has {numbers} for {names}; give one 1 and else 0"
            )


def note_other_rows(x: Tensor, inputs: VectorInputs, path: Path) -> None:
    """Say in one line on standard error how many rows lie beyond a bound or between integers; x is (B, F)."""
    low, high = torch.tensor(inputs.low), torch.tensor(inputs.high)
    beyond = (x < low) | (x > high)
    integers = torch.tensor([kind == INTEGER for kind in inputs.kinds])
    between = integers & (x != x.round()) & ~beyond
    other = beyond | between
    if not other.any():
        return
    words = []
    for name, *bounds, n_beyond, n_between in zip(
        inputs.names, inputs.low, inputs.high, beyond.sum(0).tolist(), between.sum(0).tolist(), strict=True
    ):
        words += [f"{name} beyond {bounds[0]:g} to {bounds[1]:g} ({n_beyond})"] * bool(n_beyond)
        words += [f"{name} no integer ({n_between})"] * bool(n_between)
    note(
        f"zskt: --data {path}: {int(other.any(1).sum())} of {len(x)} rows are not as the features are described: "
        f"{listed(words, MAX_NAMED)}; they are used, but no pseudo-sample is like them: correct the table, or the "
        "description"
    )
