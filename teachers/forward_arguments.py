"""Call a network whose arguments are named otherwise than the inputs of its description: ``x, v, mask`` of weaver."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from torch import Tensor, nn

from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup

ROLES = {
    "features": ("features", "fts", "x", "feats"),
    "vectors": ("lorentz_vectors", "vectors", "v", "p4", "vec"),
    "mask": ("mask",),
    "points": ("points", "pts", "coords"),
}
"""What an input is for -> last words of the names that say so, the longest first."""
NEEDED = ("features", "mask")
"""Roles of inputs that no network of theirs does without: points and vectors are for some of them."""


class Called(nn.Module):
    """A network that is called with some of the inputs, each in the place of an argument of its own.

    Args:
        network: the network.
        order: for each of its arguments the position of the input that it takes.
        names: names of arguments that are given by name, the last of them; without it all go by position.
    """

    def __init__(self, network: nn.Module, order: Sequence[int], names: Sequence[str] = ()) -> None:
        super().__init__()
        self.network, self.order, self.names = network, tuple(order), tuple(names)
        self.origin: str = str(getattr(network, "origin", ""))
        self.published: int = getattr(network, "published", 0) or sum(p.numel() for p in network.parameters())

    def forward(self, *x: Tensor) -> Tensor:
        """Call the network with those of the inputs, (B, C, P) each, that it takes."""
        chosen = [x[i] for i in self.order]
        count = len(chosen) - len(self.names)
        outputs: Tensor = self.network(*chosen[:count], **dict(zip(self.names, chosen[count:], strict=True)))
        return outputs


class FilledVectors(nn.Module):
    """A network whose padded four-vectors are some particle's instead of zero, for an export.

    PyTorch's export writes atan2(y, x) as the arctangent of y / x, which is not a number where both are zero; the mask
    hides the padding, but not that.

    Args:
        network: called with all inputs.
        groups: the inputs.
    """

    def __init__(self, network: nn.Module, groups: Sequence[InputGroup]) -> None:
        super().__init__()
        self.network = network
        roles = [role_of(group.name) for group in groups]
        masks = {collection: i for i, (collection, role) in enumerate(roles) if role == "mask"}
        self.inverted = [group.is_one_for_padding for group in groups]
        self.masks = {i: masks[c] for i, (c, role) in enumerate(roles) if role == "vectors" and c in masks}

    def forward(self, *x: Tensor) -> Tensor:
        """Call the network with vectors (B, 4, P), along the axis where the mask (B, 1, P) says padding."""
        filled = list(x)
        for i, mask in self.masks.items():
            padding = x[mask] if self.inverted[mask] else 1 - x[mask]
            filled[i] = x[i] + padding * x[i].new_tensor([1.0, 0.0, 0.0, 2.0]).view(1, 4, 1)
        outputs: Tensor = self.network(*filled)
        return outputs


def role_of(name: str) -> tuple[str, str]:
    """Return the collection and the role that the name of an input or argument says: ("pf", "features") of "pf_x".

    Both are empty where it says none: the name is the collection then.
    """
    plain = name.rsplit("__", 1)[0].lower()
    for role, words in ROLES.items():
        for word in words:
            found = re.fullmatch(rf"(?:(.+)_)?{word}", plain)
            if found is not None:
                return found[1] or "", role
    return plain, ""


def match_arguments(network: nn.Module, groups: Sequence[InputGroup], where: str) -> Called:
    """Return a network that is called with all inputs, each argument of its own given the input that its name means.

    Args:
        network: its ``forward`` says the names of its arguments.
        groups: the inputs.
        where: what to call the network in messages.

    Raises:
        UserError: if an argument that it cannot do without is none of the inputs.
    """
    parameters = list(inspect.signature(network.forward).parameters.values())
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return Called(network, range(len(groups)))
    found = {p.name: input_of(p.name, groups) for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}
    required = [p.name for p in parameters if p.name in found and p.default is inspect.Parameter.empty]
    missing = [name for name in required if found[name] is None]
    if len(missing) == len(groups) and not any(role_of(name)[1] for name in missing):
        return Called(network, range(len(groups)))  # names that say nothing: the order is all there is
    if missing:
        names = ", ".join(group.name for group in groups)
        raise UserError(f"{where}: takes {missing[0]}, which is none of the inputs {names}; give the description of it")
    given = {name: i for name, i in found.items() if i is not None}
    left = [g.name for i, g in enumerate(groups) if i not in given.values() and role_of(g.name)[1] in NEEDED]
    if left:
        raise UserError(f"{where}: does not take the input {left[0]}; it takes {', '.join(found)}")
    return Called(network, list(given.values()), list(given))


def input_of(name: str, groups: Sequence[InputGroup]) -> int | None:
    """Return the position of the input that an argument's name means; None if there is none, or more than one."""
    exact = [i for i, group in enumerate(groups) if name in (group.name, group.plain_name)]
    if exact:
        return exact[0]
    collection, role = role_of(name)
    alike = [i for i, group in enumerate(groups) if role and role_of(group.name)[1] == role]
    same = [i for i in alike if not collection or role_of(groups[i].name)[0] == collection]
    return same[0] if len(same) == 1 else None
