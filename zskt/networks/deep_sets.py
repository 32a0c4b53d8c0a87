"""A particle-flow network of a fixed number of leading particles, without masks: what fits an FPGA.

E. A. Moreno et al., arXiv:1908.05318, and the deep sets of P. Odagiu et al., arXiv:2402.01876, for level-1 triggers.

Shapes: B jets, C variables, P particle slots, of which the first N count, K + R outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zskt.jets.features import JetInputs
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.networks.particle_flow import collections_of
from zskt.networks.particlenet import affine

PARTICLES = 16


class DeepSets(nn.Module):
    """F(mean_i phi(p_i)), i over the N leading slots; padding is particles of zeros, and phi learns what they are.

    Args:
        features: position of the particles' input, or positions, and how many variables they hold.
        outputs: K + R.
        phi, f: widths.
    """

    attention_layers: tuple[str, ...] = ()

    def __init__(
        self, features: tuple[Sequence[int], int], outputs: int, phi: Sequence[int] = (32, 32), f: Sequence[int] = (32,)
    ) -> None:
        super().__init__()
        self.features, variables = tuple(features[0]), features[1]
        self.input_norm = nn.BatchNorm1d(variables)
        layers: list[nn.Module] = []
        for a, b in zip((variables, *phi[:-1]), phi, strict=True):
            layers += [nn.Conv1d(a, b, 1), nn.BatchNorm1d(b), nn.ReLU()]
        self.phi = nn.Sequential(*layers)
        self.pool = nn.AvgPool1d(PARTICLES)
        head: list[nn.Module] = []
        for a, b in zip((phi[-1], *f[:-1]), f, strict=True):
            head += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU()]
        self.f = nn.Sequential(nn.Flatten(), *head, nn.Linear(f[-1], outputs))

    def leading(self, *x: Tensor) -> Tensor:
        """The inputs that it looks at: (B, C, N), padded with zeros where there are fewer slots."""
        rows = torch.cat([x[i] for i in self.features], 1)[..., :PARTICLES]
        return nn.functional.pad(rows, (0, PARTICLES - rows.shape[-1]))

    def forward(self, *x: Tensor) -> Tensor:
        """The teacher's inputs -> (B, K + R)."""
        answered: Tensor = self.f(self.pool(self.phi(self.input_norm(self.leading(*x)))))
        return answered

    @torch.no_grad()
    def folded(self) -> DeepSets:
        """The same function in evaluation mode, without normalisations."""
        found = copy.deepcopy(self).eval()
        first = found.phi[0]
        assert isinstance(first, nn.Conv1d) and first.bias is not None
        scale, shift = affine(found.input_norm)
        first.bias.add_(first.weight[..., 0] @ shift)
        first.weight.mul_(scale.view(1, -1, 1))
        found.input_norm = nn.Identity()  # type: ignore[assignment]
        for name in ("phi", "f"):
            kept: list[nn.Module] = []
            for layer in getattr(found, name):
                if isinstance(layer, nn.BatchNorm1d):
                    before = kept[-1]
                    assert isinstance(before, nn.Linear | nn.Conv1d) and before.bias is not None
                    scale, shift = affine(layer)
                    before.weight.mul_(scale.view(-1, *[1] * (before.weight.dim() - 1)))
                    before.bias.mul_(scale).add_(shift)
                else:
                    kept.append(layer)
            setattr(found, name, nn.Sequential(*kept))
        return found

    def core(self) -> nn.Sequential:
        """What comes after `leading`, as plain layers: (B, C, N) -> (B, K + R)."""
        return nn.Sequential(*self.phi, self.pool, *self.f)


def deepsets(inputs: JetInputs | TaggerInputs, outputs: int) -> DeepSets:
    """For the particles of a teacher's inputs: the largest collection."""
    if isinstance(inputs, JetInputs):
        return DeepSets(((1,), len(inputs.features)), outputs)
    most = max((c for c in collections_of(inputs) if not c.of_jet), key=lambda c: c.most)
    return DeepSets((most.features, most.variables), outputs)
