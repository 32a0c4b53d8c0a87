"""Say why a network from a file runs on a few jets in the layouts that were found, and not on many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from teachers.network_file import NetworkFile
from zskt.errors import UserError, quoted
from zskt.jets.preprocess import InputGroup

MAX_FEW = 8
"""Jets up to which another batch size is tried, to tell whether it is what a network minds."""


def does_not_run(
    file: NetworkFile,
    arguments: Sequence[Tensor],
    jets: int,
    groups: Sequence[InputGroup],
    preprocess_file: Path | str,
    error: Exception,
) -> UserError:
    """Say why a network that answers a few jets does not run on many: its batch size, lengths, or something else."""
    if any(_runs(file, [t[:few] for t in arguments]) for few in range(1, min(jets, MAX_FEW + 1))):
        return UserError(
            f"{file.path}: answers a few jets and not {jets} ({quoted(error, 120)}), so it was exported for one batch "
            "size; export it with a dynamic first axis"
        )
    for group in groups:
        other = next((g for g in groups if g.collection == group.collection and g.max_length > group.max_length), None)
        if other is not None:
            return UserError(
                f"{preprocess_file}: {group.name} has a max_length of {group.max_length}, {other.name} of "
                f"{other.max_length}, and {file.path} does not run on both ({quoted(error, 120)}); give inputs of the "
                "same entries one max_length"
            )
    return UserError(
        f"{file.path}: does not run on what {preprocess_file} describes ({quoted(error)}); give the two files that "
        "belong together"
    )


def _runs(file: NetworkFile, arguments: Sequence[Tensor]) -> bool:
    try:
        return bool(file.run(arguments))
    except Exception:  # runtimes raise whatever their operators do
        return False
