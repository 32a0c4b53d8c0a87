"""What every generator returns, and what it must offer."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from zskt.jets.jets import Jets


class Draw(NamedTuple):
    """A batch of pseudo-samples."""

    x: Batch
    """What a network is called with."""
    jets: Jets | None = None
    """The same as four-vectors, for pictures; None in other domains."""
    log_prob: Tensor | None = None
    """(B,), log probability of the discrete choices behind each sample, with graph; None if there are none to learn."""
    choice: Tensor | None = None
    """(B,), discrete choice behind each sample, of a generator that wants to `Bandit.observe` what it was worth."""
    cost: Tensor | None = None
    """A scalar that the adversary pays for leaving its prior; None if it pays nothing."""


class Generator(Protocol):
    """z -> x. A module; one without parameters is no adversary, and plays without generator steps."""

    latent_size: int
    acceptance: float
    """Share of latent variables that lead to a pseudo-sample inside the domain, at least."""

    def __call__(self, z: Tensor, rng: torch.Generator) -> Draw:
        """z (B, Z) of N(0, 1) -> at most B pseudo-samples; ``rng`` draws what is discrete."""
        ...


@runtime_checkable
class Bandit(Protocol):
    """A generator that learns its discrete choices from rewards alone, without gradients."""

    def observe(self, choice: Tensor, reward: Tensor) -> None:
        """What each of the choices (B,) was worth, (B,)."""
        ...


Batch = tuple[Tensor, ...]
"""What a network is called with, ``network(*batch)``: for jets points (B, 2, P), features (B, F, P), mask (B, 1, P)."""


class Samples(Protocol):
    """Data of any domain: `Jets`, or a tensor of pixels."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor | slice, /) -> Self: ...


class Inputs(Protocol):
    """How a network of some domain is fed."""

    @property
    def domain(self) -> str:
        """Name of the domain: "jets", "images"."""
        ...

    def __call__(self, samples: Any, /) -> Batch:
        """Samples of the domain -> what the network is called with."""
        ...
