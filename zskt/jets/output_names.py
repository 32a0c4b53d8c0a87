"""Names of a tagger's outputs, where its description has one name for several, or none.

Weaver's labels of type "custom" are numbers: one name, truth_label say, stands for all K classes, and names of
regressed values may be behind it. K is known only when the network has answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.errors import UserError

if TYPE_CHECKING:  # preprocess imports this file
    from zskt.jets.preprocess import Preprocess

UNNAMED_OUTPUTS = "label"
"""What stands for all outputs of a file that names none."""
LABELS_FILE = "labels.txt"
"""File beside the network, or its description, with the name of a class on each line."""
BLOCK_NAME = re.compile(r"label|class|truth|flav|categor", re.IGNORECASE)
VALUE_NAME = re.compile(r"target|mass|corr|regress|factor|scale|(^|_)(pt|eta|phi|energy)$", re.IGNORECASE)


def block_of(names: Sequence[str]) -> str:
    """Tell which of the names may stand for several outputs: that of a label, else the first."""
    labels = [name for name in names if BLOCK_NAME.search(name) and not VALUE_NAME.search(name)]
    others = [name for name in names if not VALUE_NAME.search(name)]
    return next(iter([*labels, *others, *names]))


def with_all_names(preprocess: Preprocess, outputs: int, folders: Iterable[Path]) -> Preprocess:
    """Return a description in which each output of the network has a name.

    Args:
        preprocess: the description; one whose outputs all have names is returned as it is.
        outputs: O, how many numbers the network answers a jet.
        folders: where a ``labels.txt`` may lie: K lines, or O.

    Raises:
        UserError: if the ``labels.txt`` has another number of lines.
    """
    if preprocess.block is None:
        return preprocess
    named = replace(preprocess, block=None)
    count = outputs - len(preprocess.outputs) + 1
    if count < 2 and preprocess.outputs != (UNNAMED_OUTPUTS,):  # a name for each, as it turns out, or a name too many
        return named
    position = preprocess.outputs.index(preprocess.block)
    before, behind = preprocess.outputs[:position], preprocess.outputs[position + 1 :]
    file = next((folder / LABELS_FILE for folder in folders if (folder / LABELS_FILE).is_file()), None)
    if file is None:
        is_value = VALUE_NAME.search(preprocess.block) is not None
        stem = preprocess.block if is_value else "label"
        return replace(named, outputs=(*before, *(f"{stem}_{i}" for i in range(count)), *behind))
    lines = _lines(file)
    if len(lines) == outputs:
        return replace(named, outputs=lines)
    if len(lines) != count:
        classes = f", {count} of them classes" if count != outputs else ""
        raise UserError(
            f"{file}: has {len(lines)} names, but the network answers {outputs} numbers a jet{classes}; give it a line "
            "for each class, or move it away"
        )
    return replace(named, outputs=(*before, *lines, *behind))


def _lines(file: Path) -> tuple[str, ...]:
    try:
        lines = tuple(line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{file}: not readable as text ({error}); write a name on each line, or move it away"
        ) from error
    names = tuple(line for line in lines if line)
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise UserError(f"{file}: has {twice} twice; give each class a name of its own")
    return names
