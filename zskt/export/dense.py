"""The form in which a student is exported: few operations on dense tensors, for ONNX, int8 and FPGAs.

Students learn on packed rows of real particles. Here masks do that, so that nothing but products, sums and maxima
remains. Batch normalisations are folded into the products beside them.

Shapes: B jets, K classes, R regressed values.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from zskt.export.probabilities import probabilities
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.compression import plain
from zskt.networks.deep_sets import DeepSets
from zskt.networks.mixer import Mixer
from zskt.networks.particle_flow import ParticleFlow
from zskt.networks.particlenet import ParticleNet
from zskt.networks.recurrent import RecurrentTagger
from zskt.networks.regression_head import RegressionHead
from zskt.networks.weaver import WeaverTagger
from zskt.viewed import Viewed

GraphNetwork = ParticleNet | WeaverTagger
"""Networks that search for neighbours."""


@torch.no_grad()
def to_export_form(network: nn.Module) -> nn.Module:
    """Return the same function of the inputs in evaluation mode, in few dense operations that runtimes know."""
    network = plain(network)
    if isinstance(network, RegressionHead):
        head = RegressionHead(to_export_form(network.network), network.regressions, network.gaussians)
        head.centre.copy_(network.centre)
        head.scale.copy_(network.scale)
        return head.eval()
    if isinstance(network, BernoulliHead):
        return BernoulliHead(to_export_form(network.network)).eval()
    if isinstance(network, Viewed):
        return Viewed(network.view, to_export_form(network.network)).eval()
    if isinstance(network, GraphNetwork | ParticleFlow | DeepSets | RecurrentTagger | Mixer):
        return network.unpacked()
    return network.eval()


class SoftmaxHead(nn.Module):
    """Probabilities instead of logits, in the order of the teacher's outputs.

    Those of independent labels, of a network with the attribute ``bernoulli``, are sigmoids, one by one.

    Args:
        network: (B, K + R), classes first.
        regressions: R.
        order: for each of the teacher's outputs, its position among the network's.
    """

    def __init__(self, network: nn.Module, regressions: int, order: Sequence[int]) -> None:
        super().__init__()
        self.network, self.regressions, self.order = network, regressions, list(order)
        self.bernoulli = bool(getattr(network, "bernoulli", False))

    def forward(self, *x: Tensor) -> Tensor:
        """The network's inputs -> probabilities and values (B, K + R)."""
        outputs = self.network(*x)
        if not self.regressions:
            return probabilities(outputs, self.bernoulli)
        logits, values = outputs[:, : -self.regressions], outputs[:, -self.regressions :]
        both = torch.cat([probabilities(logits, self.bernoulli), values], 1) if logits.shape[1] else values
        in_order = all(a < b for a, b in pairwise(self.order))
        ordered: Tensor = both if in_order else both[:, self.order]
        return ordered
