"""ParticleNet: a jet tagger that convolves over each particle's nearest neighbours.

H. Qu and L. Gouskos, "Jet tagging via particle clouds", arXiv:1902.08570. Parameter names are those of the
networks published with JetClass, so that their state_dicts load unchanged.

Shapes: B jets, P particle slots (padding included), C channels, k neighbours, K classes, and
N real particles of the whole batch. Matrix products run on the N real particles only (`rows.Rows`),
row N being a row of zeros that stands for every padded slot.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Self, cast

import torch
from torch import Tensor, nn

from zskt.networks.folding import fold_behind
from zskt.networks.frozen_edges import mean_message
from zskt.networks.rows import Rows, Slots

EdgeConvSpec = tuple[int, tuple[int, ...]]
"""Number of neighbours k, and the channels of the layers of one EdgeConv block."""


def nearest(points: Tensor, rows: Rows, k: int) -> Tensor:
    """Find the slots of the k nearest neighbours of each row, nearest first: (B, P, C) -> (N, k).

    A particle is none of its own neighbours: the first of the k + 1 nearest is dropped unseen, as in the published
    networks. Where two particles coincide, which of them is dropped is arbitrary. Padded slots are infinitely far away.
    Distances are float32 whatever the network computes in: bfloat16 would not know the nearest from the next.
    """
    with torch.autocast(points.device.type, enabled=False):
        points = points if points.dtype == torch.float64 else points.float()
        square = (points * points).sum(-1)  # (B, P)
        products = rows.pick(2 * points @ points.transpose(1, 2))  # (N, P)
    distance = products.neg_().add_(rows.pick(square.unsqueeze(2))).add_(square[rows.jet]).clamp_(min=0)
    distance = distance.masked_fill_(~rows.real[rows.jet], torch.inf)
    return distance.topk(k + 1, dim=-1, largest=False).indices[:, 1:]


class PointwiseConv(nn.Conv2d):
    """A 1 x 1 convolution by the name and shape of its weight, applied as a matrix product to rows (..., C)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size=1, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        return nn.functional.linear(rows, self.weight.flatten(1), self.bias)


class RowNorm(nn.BatchNorm1d):
    """Batch normalisation of rows (..., C) over everything but the channels."""

    channels_last = True
    """What `zskt.bn_statistics` is told."""

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(rows.flatten(0, -2)).view_as(rows)


class EdgeConv(nn.Module):
    """An EdgeConv block: x_i -> ReLU(shortcut(x_i) + mean_j h(x_i, x_j - x_i)), j over the k nearest of i."""

    def __init__(self, k: int, channels_in: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.k = k
        self.chunked = False
        """Whether the CPU takes some particles at a time through all layers: it can where all is frozen and folded."""
        widths = [2 * channels_in, *channels]
        self.convs = nn.ModuleList(PointwiseConv(a, b) for a, b in pairwise(widths))
        self.bns = nn.ModuleList(RowNorm(c) for c in channels)
        self.sc: nn.Module = nn.Identity()
        self.sc_bn: nn.Module = nn.Identity()
        if channels_in != channels[-1]:
            self.sc = nn.Conv1d(channels_in, channels[-1], 1, bias=False)
            self.sc_bn = RowNorm(channels[-1])

    def forward(self, x: Tensor, neighbours: Tensor) -> Tensor:
        """(N, C) rows and (N, k) row numbers of the neighbours, N for padding -> (N, C')."""
        first, *others = (cast(PointwiseConv, conv) for conv in self.convs)
        own, other = first.weight.flatten(1).chunk(2, dim=1)
        # W [x_i, x_j - x_i] = (W_own - W_other) x_i + W_other x_j: two products a particle instead of one an edge.
        centre = nn.functional.linear(x, own - other, first.bias)
        message = nn.functional.pad(x @ other.T, (0, 0, 0, 1))
        if self.chunked and x.is_cpu:
            mean = mean_message(centre, message, neighbours, others)
        else:
            h = message.index_select(0, neighbours.flatten()).view(*neighbours.shape, -1) + centre.unsqueeze(1)
            h = self.bns[0](h).relu_()
            for conv, bn in zip(others, self.bns[1:], strict=True):
                h = bn(conv(h)).relu_()
            mean = h.mean(1)
        shortcut = x
        if isinstance(self.sc, nn.Conv1d):
            shortcut = self.sc_bn(nn.functional.linear(x, self.sc.weight.flatten(1), self.sc.bias))
        return torch.relu(shortcut + mean)

    def fold(self) -> None:
        """Fold the normalisations of the block into its products, in place; a folded block stays as it is."""
        if not any(isinstance(bn, RowNorm) for bn in self.bns):
            return
        for conv, bn in zip(self.convs, self.bns, strict=True):
            fold_behind(cast(PointwiseConv, conv), cast(RowNorm, bn))
        if isinstance(self.sc, nn.Conv1d):
            fold_behind(self.sc, cast(RowNorm, self.sc_bn))
        self.bns = nn.ModuleList(nn.Identity() for _ in self.bns)
        self.sc_bn = nn.Identity()
        self.chunked = True


def with_room(blocks: Sequence[EdgeConv], *tensors: Tensor) -> tuple[Tensor, ...]:
    """Pad (B, C, P) each where P is too small for the search: every particle needs k others, be they padding."""
    needed = max(block.k for block in blocks) + 1
    if torch.onnx.is_in_onnx_export():  # for any P: padded always, cut where there was room
        end = torch.clamp(torch.as_tensor(tensors[0].shape[-1]), min=needed)
        return tuple(nn.functional.pad(t, (0, needed))[:, :, :end] for t in tensors)
    short = needed - tensors[0].shape[-1]
    return tuple(nn.functional.pad(t, (0, short)) for t in tensors) if short > 0 else tensors


def convolve(
    blocks: Sequence[EdgeConv], taps: Sequence[nn.Module] | nn.ModuleList, points: Tensor, rows: Rows, x: Tensor
) -> list[Tensor]:
    """Apply EdgeConv blocks to points (B, 2, P) and features (N, F): the output of each block, (N, C).

    The blocks' outputs pass through ``taps`` as (B, C, P), where hooks can capture them.
    """
    place = points.transpose(1, 2)
    outputs: list[Tensor] = []
    for block, tap in zip(blocks, taps, strict=True):
        if outputs:
            place = rows.dense(x)
        near = nearest(place.detach(), rows, block.k)
        x = block(x, rows.number[rows.jet.unsqueeze(1), near])
        if tap._forward_hooks:
            tap(rows.channels(x))
        outputs.append(x)
    return outputs


class ParticleNet(nn.Module):
    """ParticleNet without fusion block, as published with JetClass (H. Qu, C. Li, S. Qian, arXiv:2202.03772).

    Args:
        features: number of input features a particle.
        classes: number of classes K.
        edge_convs: neighbours and channels of each EdgeConv block.
        hidden: width of the fully connected layer.
        dropout: its dropout probability.
    """

    attention_layers: tuple[str, ...]
    """Names of the submodules whose outputs, (B, C, P), carry the attention maps."""

    def __init__(
        self,
        features: int,
        classes: int,
        edge_convs: Sequence[EdgeConvSpec] = ((16, (64,) * 3), (16, (128,) * 3), (16, (256,) * 3)),
        hidden: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.bn_fts: nn.Module = RowNorm(features)
        widths = [features, *(channels[-1] for _, channels in edge_convs)]
        self.edge_convs = nn.ModuleList(
            EdgeConv(k, width, channels) for width, (k, channels) in zip(widths[:-1], edge_convs, strict=True)
        )
        self.fc = nn.Sequential(
            nn.Sequential(nn.Linear(widths[-1], hidden), nn.ReLU(), nn.Dropout(dropout)), nn.Linear(hidden, classes)
        )
        self.maps = nn.ModuleList(nn.Identity() for _ in edge_convs)  # where hooks capture the blocks' outputs
        self.attention_layers = tuple(f"maps.{i}" for i in range(len(edge_convs)))
        self.rows: type[Rows] = Rows
        self.before_folding: tuple[nn.Module, ...] = ()
        """The network whose `folded` copy this is, normalisations and all; a tuple, so that it is no part of this."""

    @property
    def blocks(self) -> list[EdgeConv]:
        return [cast(EdgeConv, block) for block in self.edge_convs]

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        """Points (B, 2, P), features (B, F, P), mask (B, 1, P) of bool -> logits (B, K).

        Points serve the neighbour search alone: no gradient flows to them.
        """
        points, features, mask = with_room(self.blocks, points, features, mask)
        rows = self.rows(mask.squeeze(1))
        x = self.bn_fts(rows.of(features))  # (N, F)
        x = convolve(self.blocks, self.maps, points, rows, x)[-1]
        logits: Tensor = self.fc(rows.mean(x))
        return logits

    def folded(self) -> Self:
        """Return a frozen copy, in evaluation mode, whose normalisations are folded into the products before them.

        It is the same function of the inputs to rounding. The input's own normalisation stays, for it tells about the
        private data.
        """
        network = copy.deepcopy(self).eval().requires_grad_(False)
        network.before_folding = self.before_folding or (self,)
        for block in network.blocks:
            block.fold()
        return network

    def unpacked(self) -> Self:
        """Return a `folded` copy for export, which computes every slot."""
        network = self.folded()
        network.rows = Slots
        for block in network.blocks:  # what exporters know
            block.chunked = False
        return network
