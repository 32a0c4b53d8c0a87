"""Match the inputs that a network takes with those that its ``preprocess.json`` describes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup


class Reordered(nn.Module):
    """A network that takes its inputs in another order."""

    def __init__(self, network: nn.Module, order: Sequence[int]) -> None:
        super().__init__()
        self.network, self.order = network, tuple(order)
        self.origin = getattr(network, "origin", "")
        self.published = getattr(network, "published", None)

    def forward(self, *x: Tensor) -> Tensor:
        """Call the network: its argument i is ``x[order[i]]``."""
        outputs: Tensor = self.network(*(x[i] for i in self.order))
        return outputs


def input_order(arguments: Sequence[str], groups: Sequence[InputGroup], path: Path, preprocess_file: Path) -> list[int]:
    """Return, for each argument of a network, the position of its group: found by name, else taken by position.

    Raises:
        UserError: if the numbers of inputs differ.
    """
    names = [group.plain_name for group in groups]
    wanted = [name.rsplit("__", 1)[0] for name in arguments]
    if len(set(names)) < len(names) or len(set(wanted)) < len(wanted):  # numbers are all that tells them apart
        names, wanted = [group.name for group in groups], list(arguments)
    if len(wanted) != len(names):
        odd = [n for n in wanted if n not in names] + [n for n in names if n not in wanted]
        hint = f", the first that only one of them has is {odd[0]}" if odd else ""
        raise UserError(
            f"{path}: takes {len(wanted)} inputs, {preprocess_file} describes {len(names)}{hint}; "
            "give the two files that belong together"
        )
    return [names.index(name) for name in wanted] if sorted(wanted) == sorted(names) else list(range(len(names)))
