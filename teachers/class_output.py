"""Choose which of a network's outputs tells its classes: by how many names the user gives, else by its own name.

Networks answer with features, or a value, beside their classes. Where nothing decides, nothing is guessed.

Shapes: B samples.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from zskt.errors import UserError

CLASSES = re.compile(r"logit|prob|softmax|sigmoid|score|class|label|pred", re.IGNORECASE)
"""Names of outputs that tell classes apart."""
OTHERS = re.compile(r"feat|embed|hidden|latent|box|mask|value|price|target|regress|aux|loss", re.IGNORECASE)
"""Names of outputs that do not, whatever else is in the name."""


def class_output(
    outputs: Sequence[Tensor], batch: int, names: Sequence[str], n_classes: int, path: Path
) -> tuple[int, str]:
    """Return the position of the output that holds the classes, and what was left out for it, in words.

    Args:
        outputs: what the network answers for B samples.
        batch: B.
        names: of the outputs; none where the file does not tell.
        n_classes: the number of names that the user gives; 0 if none.
        path: of the file, for messages.

    Raises:
        UserError: if no output is a row of numbers a sample, or several may be meant.
    """
    rows = [i for i, o in enumerate(outputs) if o.is_floating_point() and o.dim() and o.numel() == batch * row(o)]
    if not rows:
        raise UserError(f"{path}: answers no row of numbers for each sample; give a network that tells classes apart")
    if len(rows) == 1:
        return rows[0], ""
    known = len(names) == len(outputs)
    words = {i: f"{names[i] if known else f'number {i + 1}'} ({row(outputs[i])})" for i in rows}
    fitting = [i for i in rows if _holds(row(outputs[i]), n_classes)]
    if not fitting:
        raise UserError(
            f"{path}: answers {_listed(list(words.values()))} numbers a sample, but --classes has {n_classes} names; "
            "give a line a class"
        )
    named = [i for i in fitting if known and CLASSES.search(names[i]) and not OTHERS.search(names[i])]
    meant = named or fitting
    if any(not _tells_the_same(outputs[meant[0]], outputs[i]) for i in meant[1:]):
        told = "have as many as --classes has names" if n_classes else "may be the classes"
        remedy = "" if n_classes else "give --classes FILE, whose number of lines tells, or "
        raise UserError(
            f"{path}: answers {_listed(list(words.values()))} numbers a sample, of which several {told}; {remedy}"
            "export it with the classes alone"
        )
    left = [words[i] for i in rows if i != meant[0]]
    return meant[0], f"its output {words[meant[0]]}, without {_listed(left)}"


def row(output: Tensor) -> int:
    """Return the length of a row of numbers (B, O), (B, O, 1, 1) or (B,); 0 where it is something else."""
    sizes = [n for n in output.shape[1:] if n > 1]
    return 1 if not sizes else sizes[0] if len(sizes) == 1 else 0


def _holds(numbers: int, n_classes: int) -> bool:
    """Return whether so many numbers may be those of so many named classes; one number tells two apart."""
    return not n_classes or numbers == n_classes or (numbers == 1 and n_classes == 2)


def _tells_the_same(a: Tensor, b: Tensor) -> bool:
    """Return whether two outputs, as logits and their softmax, have the same class for each sample."""
    a, b = a.flatten(1), b.flatten(1)
    return a.shape == b.shape and a.shape[1] > 1 and bool((a.argmax(1) == b.argmax(1)).all())


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
