"""Run a network from a file in a layout that may be meant, on sizes that tell one axis from another.

Shapes: B jets, C variables, P entries, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from teachers.layouts import arrange, takes_one_jet
from teachers.network_file import NetworkFile
from teachers.probe import Probe
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.outputs import relative_differences

SAME_ANSWER = 1e-4
"""Answers that differ by less, in units of their size, are the same."""

Layouts = tuple[str, ...]
"""A layout for each argument of a network."""


def sized(groups: Sequence[InputGroup], longest: bool, shorter: bool = False) -> list[InputGroup]:
    """Return the inputs with one length: the greatest, or the greatest that is no input's number of variables.

    Args:
        longest: whether it is the greatest in any case.
        shorter: whether another length is taken, where there is one.
    """
    variables = {len(group.variables) for group in groups} | {1}
    widths: dict[str, int] = {}
    for group in groups:
        lengths = range(group.max_length, group.min_length - 1, -1)
        free = [n for n in lengths if n not in variables]
        if shorter:  # where no other length tells itself from the variables, any other tells a match by accident
            free = free[1:] or [n for n in lengths if n not in free[:1]] or free
        width = free[0] if free and not longest and group.max_length > 1 else group.max_length
        widths.setdefault(group.collection, width)
    return [replace(g, flat=False, min_length=n, max_length=n) for g in groups for n in (widths[g.collection],)]


def _trial(groups: Sequence[InputGroup], probe: Probe) -> tuple[Tensor, ...]:
    """Draw full jets, of a number that is no other size: (B, C, P) each."""
    sizes = {1} | {len(group.variables) for group in groups} | {group.max_length for group in groups}
    return probe(Preprocess(tuple(groups), ()), next(n for n in range(3, 4 + len(sizes)) if n not in sizes))


def answer_in(
    file: NetworkFile,
    groups: Sequence[InputGroup],
    layouts: Layouts,
    probe: Probe,
    permuted: bool = False,
    most: int | None = None,
) -> Tensor:
    """Run a network in some layouts: (B, O).

    Args:
        permuted: whether the entries of each collection are put in another order first.
        most: number of jets, the first ones; None for all.
    """
    x = [t[:most] for t in _trial(groups, probe)]
    if permuted:
        x = [t.flip(2).roll(1, 2) for t in x]
    jets = len(x[0])
    if takes_one_jet(layouts[0]):
        rows = [_run(file, [arrange(t[i : i + 1], w) for t, w in zip(x, layouts, strict=True)], 1) for i in range(jets)]
        return torch.cat(rows)
    return _run(file, [arrange(t, w) for t, w in zip(x, layouts, strict=True)], jets)


def _run(file: NetworkFile, arguments: Sequence[Tensor], jets: int) -> Tensor:
    """Return the outputs that have a row for each jet, side by side: (B, O).

    Raises:
        ValueError: if there are none.
    """
    outputs = file.run(arguments)
    rows = [o.reshape(jets, -1).double() for o in outputs if o.numel() and (len(o) == jets if o.dim() else jets == 1)]
    if jets == 1:
        rows = [o.reshape(1, -1).double() for o in outputs if o.is_floating_point()]
    if not rows:
        raise ValueError("no output has a row for each jet")
    return torch.cat(rows, 1)


def tells_jets_apart(
    file: NetworkFile, groups: Sequence[InputGroup], layouts: Layouts, answer: Tensor, probe: Probe
) -> bool:
    """Return whether jets have answers of their own, numbers: an axis taken for another may mix them."""
    if is_same(answer, answer.roll(1, 0)) or not bool(torch.isfinite(answer).all()):
        return False
    try:
        return is_same(answer[:2], answer_in(file, groups, layouts, probe, most=2))
    except Exception:  # runtimes raise whatever their operators do
        return False


def is_same(a: Tensor, b: Tensor) -> bool:
    """Return whether most jets have the same answers in both, (B, O); of what is no number, neither is one."""
    if a.shape != b.shape:
        return False
    odd = (torch.isfinite(a) != torch.isfinite(b)).any(1)
    a, b = a.nan_to_num(0.0, 0.0, 0.0), b.nan_to_num(0.0, 0.0, 0.0)
    return bool(relative_differences(b, a).masked_fill(odd, 1.0).median() < SAME_ANSWER)
