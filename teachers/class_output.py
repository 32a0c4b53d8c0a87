"""Which of a network's outputs tells its classes, what these are called, and what speaks against it.

Networks answer with features, or a value, beside their classes. The number of names that the user gives decides, else
an output's own name; where neither does, nothing is guessed.

Shapes: B samples, O outputs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from teachers.heads import Heads
from teachers.network_file import NetworkFile
from teachers.onnx_reader import OnnxFile
from zskt.contracts import HeadKind
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
            f"{path}: answers {' and '.join(words.values())} numbers a sample, but --classes has {n_classes} names; "
            "give a line a class"
        )
    named = [i for i in fitting if known and CLASSES.search(names[i]) and not OTHERS.search(names[i])]
    meant = named or fitting
    if any(not _tells_the_same(outputs[meant[0]], outputs[i]) for i in meant[1:]):
        told = "have as many as --classes has names" if n_classes else "may be the classes"
        remedy = "" if n_classes else "give --classes FILE, whose number of lines tells, or "
        raise UserError(
            f"{path}: answers {' and '.join(words.values())} numbers a sample, of which several {told}; {remedy}"
            "export it with the classes alone"
        )
    left = [words[i] for i in rows if i != meant[0]]
    return meant[0], f"its output {words[meant[0]]}, without {' and '.join(left)}"


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


def require_classes(file: NetworkFile, output: str, heads: Heads) -> None:
    """Raise `UserError` if a file itself says that an output holds values, and not classes."""
    if not isinstance(file, OnnxFile):
        return
    from teachers.onnx_classes import REGRESSOR_OUTPUT, regressor  # onnx takes a second to import

    operator = regressor(file.model, output)
    says = f"its operator {operator}" if operator else f"its output {output}"
    if operator or (output == REGRESSOR_OUTPUT and not heads.probabilities):
        raise UserError(
            f"{file.path}: answers values, and not classes, as {says} says; networks of images and vectors are read as "
            "classifiers: export a classifier"
        )


def labelled(file: NetworkFile, heads: Heads) -> tuple[Heads, tuple[str, ...], tuple[str, ...]]:
    """Return the heads, and the names of the classes that a file holds: in the order of the heads, and as it has them.

    Columns of classes that are numbered from 0 come in the order of their numbers.
    """
    count = 2 if heads.kind == HeadKind.SCORE else len(heads.classes)
    held = [names for names in (file.classes if isinstance(file, OnnxFile) else ()) if len(names) == count]
    if len(held) != 1 or len(set(held[0])) < count:
        return heads, (), ()
    from teachers.onnx_classes import in_order

    columns = tuple(range(count)) if heads.kind == HeadKind.SCORE else in_order(held[0])
    if heads.kind != HeadKind.SCORE:
        heads = replace(heads, classes=tuple(heads.classes[i] for i in columns))
    return heads, tuple(held[0][i] for i in columns), held[0]


def doubt(heads: Heads, answers: Tensor, output: str, unit: str) -> str:
    """Say what speaks against taking a network's answers (B, O), of random samples, for logits; nothing if nothing."""
    if heads.probabilities:
        return ""
    if OTHERS.search(output) and not CLASSES.search(output):
        return f"its output is called {output!r}: if that is a value, there are no classes to learn"
    signs = answers[:, list(heads.classes)].sign()
    if heads.kind == HeadKind.SCORE and bool((signs == signs[:1]).all()):
        return (
            f"all {len(answers)} random {unit} are on one side of 0 ({float(answers.min()):.3g} to "
            f"{float(answers.max()):.3g}): if that is a value, there are no classes to learn"
        )
    return ""
