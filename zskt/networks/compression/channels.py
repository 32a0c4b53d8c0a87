"""Structured pruning: channels leave a network, as rows of one product and columns of the next.

H. Li et al., "Pruning filters for efficient ConvNets", arXiv:1608.08710, section 3.1, remove the filters of least norm.
Here a channel counts by the norm of its row times that of its columns in the next product, which is the same however
the two share a factor.

The networks here are chains of products, in which what hangs together can be named in a few lines, exactly. Networks
with sums of branches would need a tracer of dependences, such as torch-pruning's.

Shapes: C channels of a hidden layer, of which C' stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from zskt.networks.deep_sets import DeepSets
from zskt.networks.folding import Product
from zskt.networks.highway import Highway
from zskt.networks.lenet_vgg import LeNet5
from zskt.networks.mixer import Mixer, MixerBlock
from zskt.networks.mlp import MLP
from zskt.networks.particle_flow import ParticleFlow


@dataclass(frozen=True)
class Seam:
    """A hidden layer: the product that puts it out, and the one that takes it."""

    before: Product
    after: Product
    offsets: tuple[int, ...] = (0,)
    """Columns of ``after`` at which the channels begin; more than one where it takes several summaries of them."""


def chains_of(network: nn.Module) -> list[Seam]:
    """Return the hidden layers whose channels can be removed; none for architectures that are no chains."""
    if isinstance(network, ParticleFlow):
        return _particle_flow(network)
    if isinstance(network, Mixer):
        blocks = [block for block in network.blocks if isinstance(block, MixerBlock)]
        parts = [part for block in blocks for part in (block.particles, block.channels)]
        return [seam for part in (*parts, network.f) for seam in _chain(part)]
    return _chain(network) if isinstance(network, DeepSets | MLP | LeNet5) else []


def _chain(layers: nn.Module) -> list[Seam]:
    """Return the hidden layers of products that follow each other; each takes all that the one before puts out."""
    products = [module for module in layers.modules() if isinstance(module, Product)]
    return [Seam(before, after) for before, after in pairwise(products)]


def _particle_flow(network: ParticleFlow) -> list[Seam]:
    """Return the hidden layers of a particle-flow network: mean and maximum of the last one of phi enter f."""
    if any(isinstance(module, Highway) for module in network.modules()):
        return []
    seams, begin = _chain(network.f), 0
    first = next(module for module in network.f if isinstance(module, Product))
    for phi in network.networks:
        seams += _chain(phi)
        last = [module for module in phi.modules() if isinstance(module, Product)][-1]
        width = len(last.weight)
        seams.append(Seam(last, first, (begin, begin + width)))
        begin += 2 * width + 1  # mean, maximum, and how many
    return seams


@torch.no_grad()
def remove_channels(seams: Sequence[Seam], share: float) -> None:
    """Keep a share of the channels of each hidden layer, those that count most, in place; one stays at least.

    All channels are scored before any is removed. Columns are numbered as in the whole network, and removed at the end.
    """
    kept_rows: dict[int, Tensor] = {}
    kept_columns: dict[int, Tensor] = {}
    for seam in seams:
        scores = channel_scores(seam)
        keep = torch.zeros(len(scores), dtype=torch.bool)
        keep[scores.argsort(descending=True, stable=True)[: max(1, round(share * len(scores)))]] = True
        kept_rows[id(seam.before)] = keep
        columns = kept_columns.setdefault(id(seam.after), torch.ones(seam.after.weight.shape[1], dtype=torch.bool))
        for offset in seam.offsets:
            columns[offset : offset + len(keep)] = keep
    for product in {id(p): p for seam in seams for p in (seam.before, seam.after)}.values():
        _select(product, kept_rows.get(id(product)), kept_columns.get(id(product)))


def channel_scores(seam: Seam) -> Tensor:
    """Return the norm of each channel's row times that of its columns, (C,)."""
    rows = seam.before.weight.flatten(1).norm(dim=1)
    columns = seam.after.weight.transpose(0, 1).flatten(1).norm(dim=1)
    taken = torch.stack([columns[offset : offset + len(rows)] for offset in seam.offsets])
    scores: Tensor = rows * taken.norm(dim=0)
    return scores


def _select(product: Product, rows: Tensor | None, columns: Tensor | None) -> None:
    """Keep some of the rows and columns of a product, in place."""
    weight, bias = product.weight, product.bias
    weight = weight if columns is None else weight[:, columns]
    weight = weight if rows is None else weight[rows]
    product.weight = nn.Parameter(weight.clone())
    if bias is not None and rows is not None:
        product.bias = nn.Parameter(bias[rows].clone())
    out, into = weight.shape[:2]
    if isinstance(product, nn.Linear):
        product.out_features, product.in_features = out, into
    else:
        product.out_channels, product.in_channels = out, into
