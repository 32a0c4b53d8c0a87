"""Build weaver's ParticleNets from their parameters alone, run by our own classes: no package of weaver is needed.

Parameters tell all but the number of neighbours, which is taken to be that of weaver's examples with these channels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor, nn

from teachers.weaver_options import conv_params
from zskt.networks.particlenet import ParticleNet
from zskt.networks.weaver import WeaverTagger


def weaver_particlenet_of(state: Mapping[str, Tensor]) -> nn.Module | None:
    """Return a ParticleNet with these parameters, frozen and folded; None if they are another network's.

    Args:
        state: parameters, without the names of wrappers in front.
    """
    blocks = conv_params(state)
    if blocks is None:
        return None
    try:
        network = _of_one_collection(state, blocks) if "bn_fts.weight" in state else _of_several(state, blocks)
        shapes = network.state_dict()
        # A convolution over a list and one over a matrix of edges hold the same numbers in other shapes.
        network.load_state_dict({k: v.view_as(shapes[k]) if k in shapes else v for k, v in state.items()})
    except (KeyError, ValueError, RuntimeError):  # another architecture after all
        return None
    published = sum(p.numel() for p in network.parameters())
    folded = network.folded()
    folded.origin = f"parameters of weaver's ParticleNet, run as our own, {blocks[0][0]} neighbours as in its examples"
    folded.published = published
    return folded


def arguments_of(network: nn.Module) -> list[str]:
    """Return the names of the inputs of such a network, in their order."""
    parts = ("points", "features", "mask")
    if isinstance(network, WeaverTagger):
        return [f"{name}_{part}" for name in network.names for part in parts]
    return list(parts)


def _of_one_collection(state: Mapping[str, Tensor], blocks: list[tuple[int, tuple[int, ...]]]) -> ParticleNet:
    return ParticleNet(len(state["bn_fts.weight"]), len(state["fc.1.weight"]), blocks, len(state["fc.0.0.weight"]))


def _of_several(state: Mapping[str, Tensor], blocks: list[tuple[int, tuple[int, ...]]]) -> WeaverTagger:
    names = [match[1] for name in state if (match := re.fullmatch(r"(\w+)_conv\.conv\.1\.weight", name))]
    shapes = [state[f"{name}_conv.conv.1.weight"].shape for name in names]
    collections = [(name, int(shape[1]), int(shape[0])) for name, shape in zip(names, shapes, strict=True)]
    return WeaverTagger(
        collections,
        blocks,
        len(state["pn.fusion_block.0.weight"]),
        len(state["pn.fc.0.0.weight"]),
        len(state["pn.fc.1.weight"]),
        softmax=False,
    )
