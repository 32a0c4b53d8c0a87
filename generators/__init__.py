"""Generators, z -> pseudo-samples: one file per input domain or idea, and the registry of them all."""

from collections.abc import Callable
from dataclasses import dataclass

from teachers.inputs import JetInputs

from .draw import Bandit, Draw, Generator
from .mlp import FreeJets
from .noise import NoiseJets
from .shower import Shower

__all__ = ["GENERATORS", "Bandit", "Draw", "Entry", "Generator"]


@dataclass(frozen=True)
class Entry:
    """An entry of the registry."""

    build: Callable[[JetInputs], Generator]
    line: str


GENERATORS: dict[str, Entry] = {
    "noise": Entry(NoiseJets, "jets of random particles: the trivial baseline, nothing to learn"),
    "mlp": Entry(FreeJets, "the paper's idea for jets: a free network from z to particles"),
    "shower-prior": Entry(
        lambda inputs: Shower(inputs, adversarial=False), "public physics, no adversary: decays, shower, hadronisation"
    ),
    "shower": Entry(
        Shower, "the same physics, its continuous parameters and its mix of processes moved by an adversary"
    ),
}
