"""Normalisations of a trained network, folded away before it is made smaller.

A folded network is products and activations alone: a channel is then a row of one weight and a column of the next, and
the weights that are rounded are those that leave.
"""

from __future__ import annotations

from torch import nn

from zskt.networks.folding import Norm, folded


def without_normalisations(network: nn.Module) -> None:
    """Fold the normalisations of each sequence of layers into the products beside them, in place.

    Those in front of something else than a product stay, as do those of networks that are no sequences.
    """
    if "input_norm" in network._modules and isinstance(phi := network._modules.get("phi"), nn.Sequential):
        network.phi = folded([network.input_norm, *phi])  # type: ignore[list-item]
        network.input_norm = nn.Identity()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Sequential) and type(child) is nn.Sequential and _can_fold(child):
                setattr(module, name, folded(child))


def _can_fold(layers: nn.Sequential) -> bool:
    """Tell whether a sequence has normalisations, and a product behind one that comes first."""
    has_norm = any(isinstance(layer, Norm) for layer in layers)
    begins_well = not isinstance(layers[0], Norm) or isinstance(layers[1], nn.Linear | nn.Conv1d)
    return has_norm and begins_well
