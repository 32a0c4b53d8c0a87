"""The head of an exported network: probabilities, where the network that learned gives logits.

Shapes: B samples, K classes or independent labels.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def probabilities(logits: Tensor, bernoulli: bool) -> Tensor:
    """Map logits (B, K) to the softmax of classes, or of independent labels to a sigmoid each: (B, K)."""
    return logits.sigmoid() if bernoulli else logits.softmax(1)


class WithProbabilities(nn.Module):
    """A network that takes samples as a user has them and returns probabilities.

    Args:
        network: prepared samples -> logits.
        bernoulli: whether these are of independent labels.
        prepare: what is done to samples before the network takes them; by default nothing.
    """

    def __init__(
        self, network: nn.Module, bernoulli: bool = False, prepare: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.network, self.bernoulli, self.prepare = network, bernoulli, prepare

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, K)."""
        return probabilities(self.network(x if self.prepare is None else self.prepare(x)), self.bernoulli)
