"""ParticleNets of CMS, as trained with weaver: several collections of objects in one cloud, blocks fused at the end.

H. Qu and L. Gouskos, arXiv:1902.08570, and the class `ParticleNetTagger` of hqucms/weaver-core, whose parameter names
these are. TorchScript files of that class are run by this one instead, on real particles only and with normalisations
folded: the same answers, several times faster.

Shapes: B jets, P slots, C channels, N real entries of the whole batch, K classes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from zskt.networks.folding import fold_sequence
from zskt.networks.particlenet import EdgeConv, PointwiseConv, RowNorm, convolve, with_room
from zskt.networks.rows import Rows, Slots

REBUILD_TOLERANCE = 1e-5
"""Largest median difference between the outputs of a file and of its rebuilt network; ties change single jets more."""


class FeatureConv(nn.Module):
    """The network of one collection's features: normalisation, product, normalisation, ReLU."""

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(RowNorm(features), PointwiseConv(features, channels), RowNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) -> (N, C')."""
        return torch.relu(self.conv(x))


class FusedParticleNet(nn.Module):
    """EdgeConv blocks, the fusion of their outputs, and two linear layers.

    Args:
        channels: C of the cloud's features.
        edge_convs: k and channels of each block.
        fused, hidden: channels of the fusion and of the layer behind it.
    """

    def __init__(
        self, channels: int, edge_convs: Sequence[tuple[int, Sequence[int]]], fused: int, hidden: int, classes: int
    ) -> None:
        super().__init__()
        widths = [channels, *(c[-1] for _, c in edge_convs)]
        blocks = (EdgeConv(k, width, c) for width, (k, c) in zip(widths[:-1], edge_convs, strict=True))
        self.edge_convs = nn.ModuleList(blocks)
        self.fusion_block = nn.Sequential(PointwiseConv(sum(widths[1:]), fused), RowNorm(fused))
        self.fc = nn.Sequential(nn.Sequential(nn.Linear(fused, hidden), nn.ReLU()), nn.Linear(hidden, classes))

    @property
    def blocks(self) -> list[EdgeConv]:
        return list(self.edge_convs)  # type: ignore[arg-type]

    def forward(self, points: Tensor, rows: Rows, x: Tensor) -> Tensor:
        """Points (B, 2, P) and features (N, C) -> (B, K)."""
        taps = [nn.Identity()] * len(self.edge_convs)
        outputs = convolve(self.blocks, taps, points, rows, x)
        logits: Tensor = self.fc(rows.mean(torch.relu(self.fusion_block(torch.cat(outputs, 1)))))
        return logits


class WeaverTagger(nn.Module):
    """A ParticleNet over several collections: points, features and mask of each in turn -> logits or probabilities.

    Args:
        collections: name, number of features and channels of each.
        edge_convs: k and channels of each block.
        fused, hidden: channels of the fusion and of the layer behind it.
        softmax: whether the network returns probabilities instead of logits.
    """

    def __init__(
        self,
        collections: Sequence[tuple[str, int, int]],
        edge_convs: Sequence[tuple[int, Sequence[int]]],
        fused: int,
        hidden: int,
        classes: int,
        *,
        softmax: bool,
    ) -> None:
        super().__init__()
        self.names, self.softmax = [name for name, _, _ in collections], softmax
        self.rows: type[Rows] = Rows
        self.published = 0
        """Number of parameters before folding."""
        self.before_folding: tuple[nn.Module, ...] = ()
        """The network whose `folded` copy this is, normalisations and all; a tuple, so that it is no part of this."""
        self.origin = ""
        """Which file it was rebuilt from, and how well the two agree."""
        for name, features, channels in collections:
            self.add_module(f"{name}_conv", FeatureConv(features, channels))
        self.pn = FusedParticleNet(collections[0][2], edge_convs, fused, hidden, classes)

    def forward(self, *x: Tensor) -> Tensor:
        """(B, 2, P), (B, F, P), (B, 1, P) of each collection -> (B, K)."""
        clouds = []
        for i, name in enumerate(self.names):
            points, features, mask = x[3 * i : 3 * i + 3]
            rows = self.rows(mask.squeeze(1))
            clouds.append((points, rows.dense(self.get_submodule(f"{name}_conv")(rows.of(features))), mask))
        points, mask = (torch.cat([cloud[j] for cloud in clouds], 2) for j in (0, 2))
        features = torch.cat([cloud[1].transpose(1, 2) for cloud in clouds], 2)
        points, features, mask = with_room(self.pn.blocks, points, features, mask)
        rows = self.rows(mask.squeeze(1))
        logits: Tensor = self.pn(points, rows, rows.of(features))
        return logits.softmax(1) if self.softmax else logits

    def folded(self) -> Self:
        """Return a frozen copy, in evaluation mode, with all normalisations folded but those of the inputs."""
        network = copy.deepcopy(self).eval().requires_grad_(False)
        network.before_folding = self.before_folding or (self,)
        for module in network.modules():
            if isinstance(module, EdgeConv):
                module.fold()
            elif isinstance(module, nn.Sequential):
                fold_sequence(module)
        return network

    def unpacked(self) -> Self:
        """Return a `folded` copy for export, which computes every slot."""
        network = self.folded()
        network.rows = Slots
        for block in network.pn.blocks:  # what exporters know
            block.chunked = False
        return network


@torch.no_grad()
def rebuild_script(
    script: torch.jit.ScriptModule, arguments: Sequence[str], x: Sequence[Tensor]
) -> WeaverTagger | None:
    """Rebuild a TorchScript `ParticleNetTagger` as our own class, folded; None if the two differ on ``x``.

    Args:
        arguments: names of the script's inputs.
        x: inputs to compare both on.
    """
    state = script.state_dict()
    names = [name.removesuffix("_points") for name in arguments[::3]]
    if [f"{n}_{part}" for n in names for part in ("points", "features", "mask")] != list(arguments):
        return None
    try:
        blocks = [int(match[1]) for key in state if (match := re.match(r"pn\.edge_convs\.(\d+)\.", key))]
        edge_convs = []
        for i in range(1 + max(blocks)):
            layers = [v for k, v in state.items() if re.fullmatch(rf"pn\.edge_convs\.{i}\.convs\.\d+\.weight", k)]
            edge_convs.append((int(getattr(script.pn.edge_convs, str(i)).k), [len(w) for w in layers]))
        collections = [(n, *reversed(state[f"{n}_conv.conv.1.weight"].shape[:2])) for n in names]
        network = WeaverTagger(
            collections,
            edge_convs,
            len(state["pn.fusion_block.0.weight"]),
            len(state["pn.fc.0.0.weight"]),
            len(state["pn.fc.1.weight"]),
            softmax=bool(script.pn.for_inference),
        )
        # A convolution over a list and one over a matrix of edges hold the same numbers in other shapes.
        shapes = network.state_dict()
        network.load_state_dict({k: v.view_as(shapes[k]) if k in shapes else v for k, v in state.items()})
        network.published = sum(p.numel() for p in network.parameters())
        network = network.folded()
        difference = (network(*x) - script(*(t.clone() for t in x))).abs().amax(1)
    except (KeyError, ValueError, AttributeError, RuntimeError, TypeError):  # another architecture after all
        return None
    return network if float(difference.median()) < REBUILD_TOLERANCE else None
