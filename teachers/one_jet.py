"""Networks that take one jet a call, without an axis of jets, as ATLAS exports them.

Shapes: B jets, C variables, P entries.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from teachers.layouts import Arranged
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
        lengths = self._lengths(x)
        answers = []
        for i in range(len(x[0])):
            jet = [t[i : i + 1] if n is None else t[i : i + 1, :, : n[i]] for t, n in zip(x, lengths, strict=True)]
            outputs = self.answers(self.network(*self.arguments(jet)))
            answers.append(torch.cat([output.reshape(1, -1) for output in outputs], 1))
        return (torch.cat(answers),)

    def _lengths(self, x: Sequence[Tensor]) -> list[list[int] | None]:
        """Count the real entries of each jet in each input; None of an input that is always of one length."""
        real: dict[str, Tensor] = {}
        for t, group in zip(x, self.groups, strict=True):
            if t.dim() < 3 or group.min_length == group.max_length:
                continue
            padding = float(group.is_one_for_padding)
            pads = t.new_tensor([padding if group.is_mask else v.pad for v in group.variables]).view(1, -1, 1)
            present = (t.detach() != pads).any(1)
            positions = torch.arange(1, t.shape[2] + 1, device=t.device)
            longest = (present * positions).amax(1).clamp(min=group.min_length)
            masked = group.is_mask or group.collection not in real
            real[group.collection] = longest if masked else torch.maximum(real[group.collection], longest)
        lengths: list[list[int] | None] = []
        for t, group in zip(x, self.groups, strict=True):
            fixed = t.dim() < 3 or group.collection not in real
            lengths.append(None if fixed else real[group.collection].clamp(max=t.shape[2]).tolist())
        return lengths
