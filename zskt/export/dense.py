"""A student as the few dense operations that it is: what leaves for ONNX, int8 and FPGAs.

Students learn on real particles only, row by row; here masks do that, so that nothing but products, sums and maxima
over (B, P, C) remains. Batch normalisations are folded into the products beside them.

Shapes: B jets, P entries of a collection, C channels, K classes, R regressed values.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from zskt.networks.deep_sets import DeepSets
from zskt.networks.particle_flow import ObjectCollection, RegressionHead, TaggerPFN
from zskt.networks.particlenet import ParticleNet, Slots, affine, fold
from zskt.networks.students import PFN
from zskt.networks.weaver import WeaverTagger, fold_tagger


def pointwise(layers: Sequence[nn.Module]) -> nn.Sequential:
    """As `folded`, for (B, C, P): convolutions of size one, which runtimes fuse with their activations."""
    found: list[nn.Module] = []
    for layer in folded(layers):
        if isinstance(layer, nn.Linear):
            conv = nn.Conv1d(layer.in_features, layer.out_features, 1)
            conv.weight.copy_(layer.weight.unsqueeze(2))
            assert conv.bias is not None
            conv.bias.copy_(layer.bias)
            layer = conv
        found.append(layer)
    return nn.Sequential(*found)


def folded(layers: Sequence[nn.Module]) -> nn.Sequential:
    """Linear layers and activations that do what linear layers, normalisations and activations did.

    A normalisation in front is folded into the first layer, the others into the layer before them.
    """
    found: list[nn.Module] = []
    front: nn.BatchNorm1d | None = None
    for layer in layers:
        if isinstance(layer, nn.Linear):
            copy = nn.Linear(layer.in_features, layer.out_features)
            copy.weight.copy_(layer.weight)
            copy.bias.copy_(layer.bias)
            if front is not None:
                scale, shift = affine(front)
                copy.bias.add_(copy.weight @ shift)
                copy.weight.mul_(scale)
                front = None
            found.append(copy)
        elif isinstance(layer, nn.BatchNorm1d):
            if not found:
                front = layer
                continue
            before = found[-1]
            assert isinstance(before, nn.Linear)
            scale, shift = affine(layer)
            before.weight.mul_(scale.unsqueeze(1))
            before.bias.mul_(scale).add_(shift)
        else:
            found.append(layer)
    return nn.Sequential(*found)


class DensePFN(nn.Module):
    """A particle-flow network over collections, with masks.

    Args:
        collections: which inputs it reads.
        phi: a network for each collection that is not of the jet itself.
        f: the network of the jet.
        jet: scale and shift of the jet's own numbers.
    """

    jet_scale: Tensor
    jet_shift: Tensor

    def __init__(
        self,
        collections: Sequence[ObjectCollection],
        phi: Sequence[nn.Sequential],
        f: nn.Sequential,
        jet: tuple[Tensor, Tensor] | None,
    ) -> None:
        super().__init__()
        self.collections, self.phi, self.f = tuple(collections), nn.ModuleList(phi), f
        scale, shift = jet if jet is not None else (torch.ones(0), torch.zeros(0))
        self.register_buffer("jet_scale", scale)
        self.register_buffer("jet_shift", shift)

    def forward(self, *x: Tensor) -> Tensor:
        """The teacher's inputs, masks as numbers -> (B, K + R)."""
        networks, parts, numbers = iter(self.phi), [], []
        for c in self.collections:
            features = [x[i] if x[i].dim() > 2 else x[i].unsqueeze(2) for i in c.features]
            entries = features[0] if len(features) == 1 else torch.cat(features, 1)  # (B, C, P)
            if c.of_jet:
                numbers.append(entries[..., 0])
                continue
            mask = c.real(entries).unsqueeze(1).to(entries.dtype) if c.mask is None else x[c.mask]
            y = next(networks)(entries) * mask
            count = mask.sum(2)
            parts += [y.sum(2) / count.clamp(min=1), y.amax(2).clamp(min=0), torch.log1p(count)]
        if numbers:
            parts.append(torch.cat(numbers, 1) * self.jet_scale + self.jet_shift)
        answered: Tensor = self.f(torch.cat(parts, 1))
        return answered


@torch.no_grad()
def dense(student: nn.Module) -> nn.Module:
    """The same function of a student's inputs in evaluation mode, fit to leave."""
    if isinstance(student, RegressionHead):
        copy = RegressionHead(dense(student.network), student.regressions)
        copy.centre.copy_(student.centre)
        copy.scale.copy_(student.scale)
        return copy.eval()
    if isinstance(student, TaggerPFN):
        phi = [pointwise(list(network.children())) for network in student.phi]
        jet = None if student.jet is None else affine(student.jet)
        return DensePFN(student.collections, phi, folded(list(student.f)), jet).eval()
    if isinstance(student, PFN):
        cloud = ObjectCollection((1,), 2, student.phi[0].num_features, 128, of_jet=False)  # type: ignore[arg-type]
        return DensePFN((cloud,), [pointwise(list(student.phi))], folded(list(student.f)), None).eval()
    if isinstance(student, DeepSets):
        return student.folded().eval()
    if isinstance(student, ParticleNet | WeaverTagger):
        return unpacked(student)
    return student.eval()


def unpacked(network: ParticleNet | WeaverTagger) -> nn.Module:
    """A graph network that leaves: normalisations folded, padding computed like particles and masked."""
    if isinstance(network, ParticleNet):
        found: ParticleNet | WeaverTagger = fold(network)
    else:
        found = copy.deepcopy(network).eval()
        fold_tagger(found)
    found.rows = Slots
    return found


class SoftmaxHead(nn.Module):
    """Probabilities instead of logits, in the order of the teacher's outputs.

    Args:
        network: (B, K + R), classes first.
        regressions: R.
        order: for each of the teacher's outputs, which of the network's it is.
    """

    def __init__(self, network: nn.Module, regressions: int, order: Sequence[int]) -> None:
        super().__init__()
        self.network, self.regressions, self.order = network, regressions, list(order)

    def forward(self, *x: Tensor) -> Tensor:
        """As the network -> (B, O)."""
        answered = self.network(*x)
        if not self.regressions:
            p: Tensor = answered.softmax(1)
            return p
        classes, values = answered[:, : -self.regressions], answered[:, -self.regressions :]
        said = torch.cat([classes.softmax(1), values], 1) if classes.shape[1] else values
        in_order = all(a < b for a, b in pairwise(self.order))
        found: Tensor = said if in_order else said[:, self.order]
        return found
