"""Parameters that begin anew: the first layer of a generator, or all of it.

Each tensor of parameters gets the numbers that it began with in another order. Of independent draws from one
distribution that is another draw, whatever the layer's own initialisation was; and what began as constants, as the
scales of normalisations or the last layer of an adversary that begins at its prior, begins so again.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


@torch.no_grad()
def restart(network: nn.Module, begun: Mapping[str, Tensor], rng: torch.Generator) -> None:
    """Give the parameters of a network other initial values, and its buffers those that they had.

    Args:
        begun: its state when it was made, by the names of its ``state_dict``; what it lacks stays as it is.
    """
    for name, parameter in network.named_parameters():
        if name not in begun:
            continue
        values = begun[name].flatten()
        order = torch.randperm(values.numel(), generator=rng, device=rng.device).to(values.device)
        parameter.copy_(values[order].view_as(parameter))
    for name, buffer in network.named_buffers():
        if name in begun:
            buffer.copy_(begun[name])


def first_layer(network: nn.Module) -> str:
    """Name the first layer that has weights of more than one dimension, the first made; "" if none has."""
    name: str
    for name, module in network.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, nn.Parameter) and weight.dim() > 1:
            return name
    return ""
