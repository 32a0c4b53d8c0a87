"""Choose the outputs of a network that are answers about the jet.

Networks of ATLAS answer about each track too, others give classes and values as tensors of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from teachers.network_file import NetworkFile
from zskt.errors import UserError


def kept_outputs(
    file: NetworkFile, arguments: Sequence[Tensor], names: Sequence[str], jets: int
) -> tuple[int, ...] | None:
    """Return the positions of the outputs that hold the described ones, in their order; None if all do.

    Outputs that bear the described names are these. Else whole numbers and what has a row for each entry are left out,
    if what remains is as much as is described.

    Args:
        file: the network.
        arguments: samples of its own inputs.
        names: names of the described outputs; empty if nothing describes them.
        jets: number of jets in the samples.

    Raises:
        UserError: if the network does not run on so many jets.
    """
    try:
        outputs = file.run(arguments)
    except Exception as error:  # runtimes raise whatever their operators do
        first = " ".join(str(error).split())[-120:]
        raise UserError(
            f"{file.path}: answers a few jets and not {jets} ({first}), so it was exported for one batch size; "
            "export it with a dynamic first axis"
        ) from error
    everything = tuple(range(len(outputs)))
    if len(everything) == 1:
        return None
    if names and len(set(names)) == len(names) and set(names) <= set(file.outputs):
        kept = tuple(file.outputs.index(name) for name in names)
        return None if kept == everything else kept
    if sum(_width(output, jets) for output in outputs) == len(names):
        return None
    entries = {size for t in arguments for size in t.shape[1 if jets > 1 else 0 :] if size > 1}
    numbers = [i for i, o in enumerate(outputs) if o.is_floating_point() and o.numel() % jets == 0]
    kept = tuple(i for i in numbers if not _is_of_entries(outputs[i], jets, entries))
    fewer = tuple(i for i in kept if not _is_a_number_an_entry(outputs[i], jets, entries))
    if sum(_width(outputs[i], jets) for i in fewer) == len(names):  # only the count tells it from classes
        kept = fewer
    return kept if kept and kept != everything else None


def _width(output: Tensor, jets: int) -> int:
    return output.numel() // jets


def _is_of_entries(output: Tensor, jets: int, sizes: set[int]) -> bool:
    """Return whether an output has a row for each entry: an axis behind the jets' that is as long as an input's."""
    shape = output.shape[1:] if jets > 1 else output.shape
    return len(shape) > (1 if jets > 1 else 0) and shape[0] in sizes


def _is_a_number_an_entry(output: Tensor, jets: int, sizes: set[int]) -> bool:
    """Return whether an output may be a number for each entry: (B, P)."""
    return jets > 1 and output.dim() == 2 and output.shape[1] in sizes
