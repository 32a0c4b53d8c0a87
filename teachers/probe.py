"""Jets on which a network from a file is tried before it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from torch import Tensor

from zskt.jets.preprocess import Preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.jets.selection_hints import selection_by_length
from zskt.jets.tagger_inputs import TaggerInputs


@dataclass(frozen=True)
class Probe:
    """A source of inputs: random numbers in the bounds of each variable, or the simulated jets that ship with zskt.

    Random numbers reach further. Some networks answer them with NaN, as no jet is so.
    """

    simulated: bool = False

    def __call__(self, preprocess: Preprocess, jets: int) -> tuple[Tensor, ...]:
        """Return inputs of so many jets, (B, C, P) each, or (B, C)."""
        if not self.simulated:
            return random_inputs(preprocess.groups, jets)
        inputs = TaggerInputs(preprocess=replace(preprocess, outputs=()), selection=selection_by_length(preprocess))
        return inputs(_simulated(jets))


@cache
def _simulated(jets: int) -> Any:
    """Read so many of the jets that ship; once a process, as a network may be tried in hundreds of layouts."""
    from zskt.jets.jetclass import read_jets  # uproot takes a second to import
    from zskt.jets.sample import SAMPLE

    return read_jets(SAMPLE, most=jets).samples
