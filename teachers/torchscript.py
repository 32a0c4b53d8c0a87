"""Networks stored as TorchScript."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup
from zskt.jets.random_inputs import compared, random_inputs
from zskt.networks.weaver import rebuild_script

TRIALS = 64
"""Random jets on which a network that takes another's place is compared with it."""


class Reordered(nn.Module):
    """A network that takes its inputs in another order."""

    def __init__(self, network: nn.Module, order: Sequence[int]) -> None:
        super().__init__()
        self.network, self.order = network, tuple(order)
        self.origin = getattr(network, "origin", "")
        self.published = getattr(network, "published", None)

    def forward(self, *x: Tensor) -> Tensor:
        """As the network, but that its argument i is ``x[order[i]]``."""
        answer: Tensor = self.network(*(x[i] for i in self.order))
        return answer


def order_of(taken: Sequence[str], groups: Sequence[InputGroup], path: Path, where: Path) -> list[int]:
    """For each input that the network takes, which of the groups it is: by name, else by position.

    Raises:
        UserError: if the numbers of inputs differ.
    """
    names = [group.plain_name for group in groups]
    asked = [name.rsplit("__", 1)[0] for name in taken]
    if len(set(names)) < len(names) or len(set(asked)) < len(asked):  # numbers are all that tells them apart
        names, asked = [group.name for group in groups], list(taken)
    if len(asked) != len(names):
        odd = [n for n in asked if n not in names] + [n for n in names if n not in asked]
        hint = f", the first that only one of them has is {odd[0]}" if odd else ""
        raise UserError(
            f"{path}: takes {len(asked)} inputs, {where} describes {len(names)}{hint}; "
            "give the two files that belong together"
        )
    return [names.index(name) for name in asked] if sorted(asked) == sorted(names) else list(range(len(names)))


def read_torchscript(path: Path, groups: Sequence[InputGroup], where: Path) -> tuple[nn.Module, list[InputGroup]]:
    """The network, its inputs in the order of ``groups``, and the groups as they are: it does not say more of them.

    Raises:
        UserError: if the file is damaged or takes another number of inputs.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated in favour of torch.export, which is not what CMS publishes
            network = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        if any(t.is_floating_point() and t.dtype != torch.float32 for t in network.state_dict().values()):
            network = network.float()  # inputs and answers have 32 bits here
        taken = network.forward.schema.arguments[1:]
        arguments = [argument.name for argument in taken if not argument.has_default_value()]
    except Exception as error:  # the archive's reader raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable TorchScript file ({first}); fetch it again") from error
    order = order_of(arguments, groups, path, where)
    x = random_inputs(groups, TRIALS)
    asked = [x[i] for i in order]
    ours = rebuild_script(network, arguments, asked)
    module: nn.Module = network if ours is None else ours
    if ours is not None:
        with torch.no_grad():
            expected = network(*(t.clone() for t in asked))
        ours.origin = f"TorchScript, run as our own ParticleNet: {compared(ours, asked, expected, 'it')}"
    return (module if order == list(range(len(groups))) else Reordered(module, order)), list(groups)
