"""A recurrent student: it reads the particles of a jet one after the other, the hardest first.

K. Cho et al., arXiv:1406.1078, equations 5 to 8, the gated recurrent unit, as `torch.nn.GRU` has it.

Shapes: B jets, C variables, P entries, H hidden units, K classes, R regressed values.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.folding import as_convolutions, folded
from zskt.networks.mlp import hidden_layers
from zskt.networks.rows import MaskedChannels, Rows


class RecurrentTagger(nn.Module):
    """Answer with F(h_n), h_i = GRU(h_(i-1), phi(p_i)), where n is the number of particles of a jet.

    Particles come in the order of their momentum, and real ones before padding, as all readers and generators put
    them. What it answers to the first n of them depends on nothing behind: the view ``leading:n`` asks for that.

    Args:
        collections: the collections of the teacher's inputs; the network reads the largest collection of objects.
        outputs: K + R.
        embedding: width of phi, the network of an entry.
        hidden: H.
        single_cloud: there is one collection; the states carry an attention map.
    """

    attention_layers: tuple[str, ...]
    """Names of the submodules whose outputs, (B, H, P), carry the attention maps."""

    def __init__(
        self,
        collections: Sequence[ObjectCollection],
        outputs: int,
        embedding: int,
        hidden: int,
        *,
        single_cloud: bool = False,
    ) -> None:
        super().__init__()
        self.collection = max((c for c in collections if not c.of_jet), key=lambda c: c.max_length)
        self.rows: type[Rows] = Rows
        variables = self.collection.variables
        self.phi = nn.Sequential(nn.BatchNorm1d(variables), *hidden_layers([variables, embedding]))
        self.gru = nn.GRU(embedding, hidden, batch_first=True)
        self.f = nn.Linear(hidden, outputs)
        self.map = nn.Identity()
        self.attention_layers = ("map",) if single_cloud else ()

    def forward(self, *x: Tensor) -> Tensor:
        """The teacher's inputs, (B, C, P) each -> (B, K + R)."""
        features = self.collection.read(x)
        rows = self.rows(self.collection.real(x, features))
        entries = self.phi(rows.of(features))
        states, _ = self.gru(rows.channels(entries).transpose(1, 2))  # (B, P, H)
        if self.map._forward_hooks:
            self.map((states * rows.real.unsqueeze(2)).transpose(1, 2))
        outputs: Tensor = self.f(last_of(states, rows.real))
        return outputs

    def unpacked(self) -> Self:
        """Return a copy for export: normalisations folded, 1 x 1 convolutions over all slots, padding masked."""
        form = copy.deepcopy(self).eval().requires_grad_(False)
        form.phi, form.rows = as_convolutions(folded(self.phi.children())), MaskedChannels
        return form


def last_of(states: Tensor, real: Tensor) -> Tensor:
    """Select from states (B, P, H) that of the last real entry, (B, H); zeros where there is none.

    Args:
        real: (B, P) of bool, or of 1 and 0.
    """
    number = torch.arange(1, states.shape[1] + 1, device=states.device)
    last = (number * real).amax(1).long()  # 1 of the first slot, 0 of an empty jet
    index = (last - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, states.shape[2])
    state = states.gather(1, index).squeeze(1)
    return state * (last > 0).unsqueeze(1)
