"""Choose the outputs of a network that are answers about the jet.

Networks of ATLAS answer about each track too, others give classes and values as tensors of their own, in any order, or
an embedding beside them.

Shapes: B jets, P entries.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations, compress
from pathlib import Path

from torch import Tensor

from teachers.many_jets import does_not_run
from teachers.network_file import NetworkFile
from zskt.errors import UserError
from zskt.jets.preprocess import Preprocess
from zskt.terminal import note

PREFIX = re.compile(r"^(label|prob|score|target|output|is)_(?=.)", re.IGNORECASE)
"""What a description, or an export, puts before the name of an output."""
MAX_OUTPUTS = 12
"""Outputs among which those of the right sizes are sought, at most."""


def kept_outputs(
    file: NetworkFile,
    arguments: Sequence[Tensor],
    preprocess: Preprocess,
    jets: int,
    preprocess_file: Path | str = "its description",
) -> tuple[int, ...] | None:
    """Return the positions of the outputs that hold the described ones, in their order; None if all do.

    Outputs that bear described names, also without prefixes as "label_", are these; others hold the rest in their
    order. Whole numbers, what has a row for each entry, and last what is of another size, are left out if what remains
    is as much as is described.

    Args:
        file: the network.
        arguments: samples of its own inputs.
        preprocess: the described inputs, and names of the outputs; empty if nothing describes them.
        jets: number of jets in the samples.
        preprocess_file: where they are described, for messages.

    Raises:
        UserError: if the network does not run on so many jets, or sizes and names leave a choice of outputs.
    """
    try:
        outputs = file.run(arguments)
    except Exception as error:  # runtimes raise whatever their operators do
        raise does_not_run(file, arguments, jets, preprocess.groups, preprocess_file, error) from error
    everything, names = tuple(range(len(outputs))), preprocess.outputs
    if len(everything) == 1:
        return None
    sizes = [output.numel() // jets for output in outputs]
    named = _named(names, file.outputs, sizes, preprocess.block)
    others = _others(file, outputs, arguments, preprocess, named, jets)
    kept = _in_order(preprocess, named, others, sizes, file, preprocess_file) if named else others
    return kept if kept and kept != everything else None


def _others(
    file: NetworkFile,
    outputs: Sequence[Tensor],
    arguments: Sequence[Tensor],
    preprocess: Preprocess,
    named: dict[str, int],
    jets: int,
) -> tuple[int, ...]:
    """Return the outputs that hold the described ones without a name of their own, in the order of the file."""
    names = preprocess.outputs
    sizes = [output.numel() // jets for output in outputs]
    rest = tuple(i for i in range(len(outputs)) if i not in named.values())
    missing = len(names) - len(named)
    if (named and not missing) or sum(sizes[i] for i in rest) == missing:
        return rest if missing else ()
    entries = {size for t in arguments for size in t.shape[1 if jets > 1 else 0 :] if size > 1}
    numbers = [i for i in rest if outputs[i].is_floating_point() and outputs[i].numel() % jets == 0]
    kept = tuple(i for i in numbers if not _is_of_entries(outputs[i], jets, entries))
    fewer = tuple(i for i in kept if not _is_a_number_an_entry(outputs[i], jets, entries))
    if sum(sizes[i] for i in fewer) == missing:  # only the count tells it from classes
        kept = fewer
    if sum(sizes[i] for i in kept) == missing or not missing or preprocess.block in set(names) - set(named):
        return kept
    return _of_size(kept, sizes, missing, file)


def _of_size(kept: tuple[int, ...], sizes: Sequence[int], missing: int, file: NetworkFile) -> tuple[int, ...]:
    """Return the only outputs that are together as much as is described, and say so; all if there are none.

    Raises:
        UserError: if several are.
    """
    if len(kept) > MAX_OUTPUTS:
        return kept
    kept = tuple(i for i in kept if sizes[i])
    choices = (compress(kept, chosen) for chosen in _choices(len(kept)))
    fitting = [choice for choice in map(tuple, choices) if sum(sizes[i] for i in choice) == missing]
    if not fitting:
        return kept
    if len(fitting) > 1:
        raise UserError(
            f"{file.path}: answers {_listed(file, kept, sizes)}, of which {missing} numbers a jet are described, and "
            "several are as many; export it with these alone"
        )
    left = [i for i in kept if i not in fitting[0]]
    note(
        f"zskt: {file.path}: takes its output {_listed(file, fitting[0], sizes)} for what is described, and leaves out "
        f"{_listed(file, left, sizes)}"
    )
    return fitting[0]


def _choices(count: int) -> list[list[bool]]:
    """Return all choices among so many, as whether each is in it, but for none and all."""
    return [
        [i in chosen for i in range(count)] for few in range(1, count) for chosen in combinations(range(count), few)
    ]


def _listed(file: NetworkFile, positions: Sequence[int], sizes: Sequence[int]) -> str:
    """Return outputs in words: "softmax (3 numbers a jet) and mass (1)"."""
    words = [f"{file.outputs[i] if i < len(file.outputs) else f'number {i + 1}'} ({sizes[i]})" for i in positions]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _named(names: Sequence[str], outputs: Sequence[str], sizes: Sequence[int], block: str | None) -> dict[str, int]:
    """Return the described names that outputs bear, and the positions of these; in full, or without prefixes.

    An output of several numbers bears none, but that which stands for several; where all names are an output's, sizes
    do not matter.
    """
    if len(set(names)) < len(names) or len(set(outputs)) < len(outputs):
        return {}
    if names and set(names) <= set(outputs):
        return {name: list(outputs).index(name) for name in names}
    of_names, of_outputs = (_by_stem(words) for words in (names, outputs))
    found = {}
    for name in names:
        stem = PREFIX.sub("", name).lower()
        bearers = [outputs.index(name)] if name in outputs else of_outputs.get(stem, [])
        alone = len(bearers) == 1 and (name in outputs or len(of_names[stem]) == 1)
        if alone and (sizes[bearers[0]] == 1 or name == block):
            found[name] = bearers[0]
    return found if len(set(found.values())) == len(found) else {}


def _by_stem(words: Sequence[str]) -> dict[str, list[int]]:
    """Return the positions of words without their prefixes."""
    stems: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        stems.setdefault(PREFIX.sub("", word).lower(), []).append(i)
    return stems


def _in_order(
    preprocess: Preprocess,
    named: dict[str, int],
    others: Sequence[int],
    sizes: Sequence[int],
    file: NetworkFile,
    preprocess_file: Path | str,
) -> tuple[int, ...]:
    """Return outputs in the order of the description; of those without a name, the first holds the first names.

    Raises:
        UserError: if an output's name lies between those that another one holds.
    """
    waiting, kept, begun = list(others), list[int](), 0
    fits = sum(sizes[i] for i in others) == len(preprocess.outputs) - len(named)
    for name in preprocess.outputs:
        if name in named:
            if begun and fits:
                raise UserError(
                    f"{preprocess_file}: output_names has {name} among those that {_listed(file, [kept[-1]], sizes)} "
                    f"of {file.path} holds; write it before or behind them"
                )
            kept.append(named[name])
        elif begun:
            begun -= 1
        elif waiting:
            kept.append(waiting.pop(0))
            begun = 0 if name == preprocess.block else sizes[kept[-1]] - 1
    return (*kept, *waiting)


def _is_of_entries(output: Tensor, jets: int, sizes: set[int]) -> bool:
    """Return whether an output has a row for each entry: an axis behind the jets' that is as long as an input's."""
    shape = output.shape[1:] if jets > 1 else output.shape
    return len(shape) > (1 if jets > 1 else 0) and shape[0] in sizes


def _is_a_number_an_entry(output: Tensor, jets: int, sizes: set[int]) -> bool:
    """Return whether an output may be a number for each entry: (B, P)."""
    return jets > 1 and output.dim() == 2 and output.shape[1] in sizes
