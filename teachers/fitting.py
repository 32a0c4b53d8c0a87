"""Find out how a network from a file is fed: which argument is which input, and in which layout.

What the file tells of shapes decides; where it leaves a choice, the network is run in each layout on sizes that are all
different; where more than one runs and they disagree, the one whose answer does not depend on the order of entries is
right. If that does not tell either, the user is asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from teachers.layout_trials import Layouts, answer_in, is_same, sized, tells_jets_apart
from teachers.layouts import layouts_of, takes_one_jet
from teachers.network_file import Argument, NetworkFile
from teachers.probe import Probe
from teachers.whole_numbers import WANTED
from zskt.errors import UserError, quoted
from zskt.jets.preprocess import InputGroup, in_words

INDEX_ERROR = re.compile(r"indices element out of|index out of (range|bounds)|out of bounds for", re.IGNORECASE)
"""What runtimes say of an index that a table does not have."""
MAX_TRIALS = 600
"""Combinations of layouts that are tried at most."""


def fit_inputs(
    file: NetworkFile, order: Sequence[int], groups: Sequence[InputGroup], preprocess_file: Path | str
) -> list[InputGroup]:
    """Return the groups with the layouts, lengths and ranks of the network's inputs.

    Args:
        file: the network.
        order: for each of its arguments, the position of its group.
        groups: the inputs as they are described.
        preprocess_file: where they are described, for messages.

    Raises:
        UserError: if the network does not run on such inputs in any layout, or in several and its answers do not tell.
    """
    described = [groups[i] for i in order]
    for argument, group in zip(file.arguments, described, strict=True):
        _require_unflattened(file, argument, group)
    options = [_options(file, a, g, preprocess_file) for a, g in zip(file.arguments, described, strict=True)]
    described = [_with_length(a, g, o) for a, g, o in zip(file.arguments, described, options, strict=True)]
    probe = Probe()
    answers, longest, error = _answers(file, options, described, probe)
    # Some know no jets but physical ones, and have no number for others, or an index that is out of range.
    if not answers or not all(bool(torch.isfinite(answer).all()) for answer in answers.values()):
        simulated = Probe(simulated=True)
        try:
            of_simulated = _answers(file, options, described, simulated)
        except UserError:  # of what draws them; the complaint of the network is the one to tell
            of_simulated = ({}, False, "")
        if of_simulated[0]:
            probe, (answers, longest, error) = simulated, of_simulated
    if not answers:
        counts = (_other_count(file, a, groups[i], preprocess_file) for a, i in zip(file.arguments, order, strict=True))
        raise UserError(next(filter(None, counts), "") or mismatch(error, file, described, preprocess_file))
    layouts = _choose(file, sized(described, longest), answers, probe)
    fitted = list(groups)
    for i, group, layout in zip(order, described, layouts, strict=True):
        flat = group.max_length == 1 and not group.is_mask and "P" not in layout
        fitted[i] = replace(group, layout=layout, flat=flat)
    lengths = {g.collection: g for g in fitted if g.min_length == g.max_length > 1}
    return [_as_long_as(g, lengths.get(g.collection)) for g in fitted]


def _require_unflattened(file: NetworkFile, argument: Argument, group: InputGroup) -> None:
    """Raise `UserError` if a network takes all entries of a collection in one row, (B, C P)."""
    variables, entries = len(group.variables), group.max_length
    if argument.shape is None or len(argument.shape) != 2 or min(variables, entries) < 2:
        return
    if argument.shape[1] == variables * entries:
        raise UserError(
            f"{file.path}: {argument.name} takes {argument.shape[1]} numbers in a row, {variables} variables of "
            f"{entries} entries; such a row does not say its order: export the network with (B, C, P) or (B, P, C), "
            "and flatten inside"
        )


def _answers(
    file: NetworkFile, options: Sequence[Sequence[str]], groups: Sequence[InputGroup], probe: Probe
) -> tuple[dict[Layouts, Tensor], bool, str]:
    """Run a network in each combination of layouts.

    Returns:
        The answers of those in which it runs, whether it does with the greatest length alone, and its first complaint.
    """
    answers: dict[Layouts, Tensor] = {}
    first_error = ""
    # The first kind that runs at all is it. Some networks run with their greatest length alone.
    for one_jet, with_ones, longest in product((False, True), (False, True), (False, True)):
        fitting = [
            [w for w in words if takes_one_jet(w) == one_jet and ("1" not in w or with_ones)] for words in options
        ]
        for layouts in _combinations(fitting, groups):
            try:
                answer = answer_in(file, sized(groups, longest), layouts, probe)
                if not longest:  # one size may fit by accident
                    answer_in(file, sized(groups, longest, shorter=True), layouts, probe)
                answers[layouts] = answer
            except UserError:
                raise
            except Exception as error:  # runtimes raise whatever their operators do
                first_error = first_error or str(error)
        if answers:
            return answers, longest, first_error
    return answers, False, first_error


def _as_long_as(group: InputGroup, fixed: InputGroup | None) -> InputGroup:
    """Return an input that the exporter dropped with the length that the file fixes for its collection."""
    if fixed is None or group.layout:
        return group
    return replace(group, min_length=fixed.min_length, max_length=fixed.max_length)


def _options(file: NetworkFile, argument: Argument, group: InputGroup, preprocess_file: Path | str) -> list[str]:
    options = layouts_of(argument, group)
    if options:
        return options
    assert argument.shape is not None
    sizes = ", ".join("any" if size is None else str(size) for size in argument.shape)
    count = len(group.variables)
    if group.layout:
        raise UserError(
            f"{file.path}: its input {argument.name} has the shape ({sizes}), which is not "
            f"{in_words(group.layout)} with {count} variables; give another --layout {group.name}=..."
        )
    other = _other_count(file, argument, group, preprocess_file)
    if other:
        raise UserError(other)
    raise UserError(
        f"{file.path}: its input {argument.name} has the shape ({sizes}), and {group.name} of {preprocess_file} has "
        f"{count} variables of {group.max_length} entries; give the two files that belong together"
    )


def _other_count(file: NetworkFile, argument: Argument, group: InputGroup, preprocess_file: Path | str) -> str:
    """Return the line that says that an argument takes another number of variables, or nothing if its shape does not.

    The second axis counts them where the file fixes it, no axis is as long as described, and entries are not as many.
    """
    shape, count = argument.shape or (), len(group.variables)
    if len(shape) < 2 or not isinstance(shape[1], int) or count in shape or 1 < group.max_length == shape[1]:
        return ""
    return (
        f"{file.path}: its input {argument.name} takes {shape[1]} variables, {group.name} of {preprocess_file} has "
        f"{count}; give the two files that belong together"
    )


def _with_length(argument: Argument, group: InputGroup, options: Sequence[str]) -> InputGroup:
    """Return a group with the number of entries that the file fixes."""
    if argument.shape is None or (group.max_length == 1 and not group.is_mask):
        return group
    layout = options[0]
    length = argument.shape[layout.index("P")] if "P" in layout else None
    return replace(group, min_length=length, max_length=length) if isinstance(length, int) else group


def _combinations(options: Sequence[Sequence[str]], groups: Sequence[InputGroup]) -> Iterator[Layouts]:
    """Yield layouts of all arguments together, the most uniform first."""
    if math.prod(map(len, options)) <= MAX_TRIALS:
        yield from sorted(product(*options), key=lambda words: len(set(words)))
        return
    # What the file does not tell is assumed to be alike in all inputs of a kind: entries, masks, the jet itself.
    kinds = [(group.is_mask, group.max_length == 1, len(group.variables) == 1) for group in groups]
    names = {kind: [w for k, w in zip(kinds, options, strict=True) if k == kind] for kind in dict.fromkeys(kinds)}
    common = {
        kind: [word for word in words[0] if all(word in other for other in words)] for kind, words in names.items()
    }
    for choice in product(*common.values()):
        of_kind = dict(zip(common, choice, strict=True))
        yield tuple(of_kind[kind] for kind in kinds)


def _choose(file: NetworkFile, groups: Sequence[InputGroup], answers: dict[Layouts, Tensor], probe: Probe) -> Layouts:
    """Choose among layouts that run: the first where all answer alike, else the one to which order does not matter."""
    if len(answers) == 1:
        return next(iter(answers))
    apart = {layouts: a for layouts, a in answers.items() if tells_jets_apart(file, groups, layouts, a, probe)}
    answers = apart or answers
    first = next(iter(answers))
    if all(is_same(answers[first], answer) for answer in answers.values()):
        return first
    indifferent = [
        layouts for layouts in answers if is_same(answers[layouts], answer_in(file, groups, layouts, probe, True))
    ]
    if indifferent and all(is_same(answers[indifferent[0]], answers[layouts]) for layouts in indifferent):
        return indifferent[0]
    odd = next(i for i in range(len(groups)) if len({layouts[i] for layouts in answers}) > 1)
    words = list(dict.fromkeys(layouts[odd] for layouts in answers))
    raise UserError(
        f"{file.path}: its input {groups[odd].name} may be {' or '.join(map(in_words, words))}, and its answers do not "
        f"tell; say which: {' or '.join(f'--layout {groups[odd].name}={word}' for word in words)}"
    )


def mismatch(error: str, file: NetworkFile, groups: Sequence[InputGroup], preprocess_file: Path | str) -> str:
    """Say what a network complained about in terms of its inputs, where the numbers of channels tell."""
    remedy = "give the two files that belong together"
    if INDEX_ERROR.search(error):
        return (
            f"{file.path}: looks up numbers that its table does not have ({quoted(error)}); give the lower_bound and "
            f"upper_bound of its whole numbers in {preprocess_file}"
        )
    if WANTED.search(error):
        return (
            f"{file.path}: takes an input of whole numbers, and {preprocess_file} describes none that is whole and "
            f"unscaled ({quoted(error)}); export it with inputs of floats that it casts itself: x.long()"
        )
    patterns = (
        r"should contain (?P<mine>\d+) elements not (?P<net>\d+)",
        r"to have (?P<net>\d+) channels, but got (?P<mine>\d+)",
    )
    for pattern in patterns:
        numbers = re.search(pattern, error)
        if numbers is None:
            continue
        for group in groups:
            if len(group.variables) == int(numbers["mine"]):
                return (
                    f"{file.path}: takes {numbers['net']} variables where {preprocess_file} has {numbers['mine']}, "
                    f"those of {group.name}; {remedy}"
                )
    return f"{file.path}: does not run on what {preprocess_file} describes ({quoted(error)}); {remedy}"
