"""Networks that take one jet a call, without an axis of jets, as ATLAS exports them.

Shapes: B jets, C variables, P entries.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from teachers.layouts import Arranged
from teachers.lengths import real_lengths
from zskt.jets.preprocess import InputGroup


class OneJetACall(Arranged):
    """A network that is called once for each jet, with the entries that the jet has and no padding.

    Args:
        network: called with the inputs of one jet; returns a tensor, or several.
        order: for each of its arguments, the position of its input in the description.
        layouts: the layout of each argument.
        groups: all described inputs, which say what padding is.
        kept: positions of the outputs that are answers about the jet, in order.
    """

    def __init__(
        self,
        network: nn.Module,
        order: Sequence[int],
        layouts: Sequence[str],
        groups: Sequence[InputGroup],
        kept: Sequence[int] | None = None,
    ) -> None:
        super().__init__(network, order, layouts, kept)
        self.groups = tuple(groups)

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Call the network for each jet, and put its answers side by side: a tensor (B, O)."""
        lengths = real_lengths(x, self.groups)
        answers = []
        for i in range(len(x[0])):
            jet = [t[i : i + 1] if n is None else t[i : i + 1, :, : n[i]] for t, n in zip(x, lengths, strict=True)]
            outputs = self.answers(self.network(*self.arguments(jet)))
            answers.append(torch.cat([output.reshape(1, -1) for output in outputs], 1))
        return (torch.cat(answers),)
