"""Networks that count their padding: they are fed jets at the length that each jet has.

CMS's producers cut or pad the entries of a jet to between ``min_length`` and ``max_length``, and call the network for
that jet alone. A network without a mask then never sees more padding than it takes to reach ``min_length``.

Shapes: B jets, C variables, P entries, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zskt.jets.preprocess import InputGroup
from zskt.outputs import raw_outputs


def real_lengths(x: Sequence[Tensor], groups: Sequence[InputGroup]) -> list[list[int] | None]:
    """Count the real entries of each jet in each input; None of an input that is always of one length.

    Inputs of the same entries have the same count: of their mask, if they have one.

    Args:
        x: (B, C, P) each, or (B, C).
        groups: the description of each, which says what padding is.
    """
    real: dict[str, Tensor] = {}
    for t, group in zip(x, groups, strict=True):
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
    for t, group in zip(x, groups, strict=True):
        fixed = t.dim() < 3 or group.collection not in real
        lengths.append(None if fixed else real[group.collection].clamp(max=t.shape[2]).tolist())
    return lengths


class ByLength(nn.Module):
    """A network that counts its padding, called with as many entries as jets have; jets of one length share a call.

    Args:
        network: called with (B, C, P) inputs; returns a tensor, or several.
        groups: all described inputs.
    """

    def __init__(self, network: nn.Module, groups: Sequence[InputGroup]) -> None:
        super().__init__()
        self.network, self.groups = network, tuple(groups)
        origin: str = getattr(network, "origin", "") or "TorchScript, as it is"
        self.origin = f"{origin}; at the length of each jet, for its answers depend on padding"
        self.published: int | None = getattr(network, "published", None)
        self.differentiable: bool = getattr(network, "differentiable", True)

    def forward(self, *x: Tensor) -> Tensor:
        """Call the network once for each length: (B, C, P) each -> (B, O)."""
        lengths = real_lengths(x, self.groups)
        rows: dict[tuple[int | None, ...], list[int]] = {}
        for i in range(len(x[0])):
            rows.setdefault(tuple(None if n is None else n[i] for n in lengths), []).append(i)
        answers = []
        for ends, jets in rows.items():
            cut = [t[jets] if end is None else t[jets, :, :end] for t, end in zip(x, ends, strict=True)]
            answers.append(raw_outputs(self.network, cut))
        order = torch.tensor([i for jets in rows.values() for i in jets], device=x[0].device)
        return torch.cat(answers)[torch.argsort(order)]
