"""Jets on which a network from a file is tried before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.jets.tagger_inputs import TaggerInputs, default_selection


@dataclass(frozen=True)
class Probe:
    """A source of inputs: random numbers in the bounds of each variable, or the simulated jets that ship with zskt.

    Random numbers reach further. Some networks answer them with NaN, as no jet is so.
    """

    simulated: bool = False

    def __call__(self, groups: Sequence[InputGroup], jets: int) -> tuple[Tensor, ...]:
        """Return inputs of so many jets, (B, C, P) each, or (B, C)."""
        if not self.simulated:
            return random_inputs(groups, jets)
        from zskt.jets.jetclass import read_jets  # uproot takes a second to import
        from zskt.jets.sample import SAMPLE

        preprocess = Preprocess(tuple(groups), ())
        return TaggerInputs(preprocess=preprocess, selection=default_selection(preprocess))(
            read_jets(SAMPLE, most=jets).samples
        )
