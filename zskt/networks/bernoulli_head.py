"""Outputs of a network that are independent labels, none of which excludes another.

Shapes: B samples, L labels.
"""

from __future__ import annotations

from torch import Tensor, nn


class BernoulliHead(nn.Module):
    """A network whose outputs are the logits z of L independent labels: the sigmoid of z is a label's probability.

    `zskt.forward.split_heads` reads the attribute ``bernoulli``: losses and metrics then take each label for a choice
    of two classes, with the logits (z, 0). Teachers and students of the Python interface are wrapped alike.

    Args:
        network: with L outputs; with L + R inside a `zskt.networks.regression_head.RegressionHead`.
    """

    bernoulli = True

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.attention_layers = tuple(f"network.{name}" for name in getattr(network, "attention_layers", ()))

    def forward(self, *x: Tensor) -> Tensor:
        """Return the network's outputs: (B, L)."""
        outputs: Tensor = self.network(*x)
        return outputs
