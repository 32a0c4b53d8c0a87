"""Generators, z -> pseudo-samples: one file per input domain or idea, and the registry of them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generators.images.convnet import ConvGenerator
from generators.images.cutouts import Cutouts
from generators.images.dead_leaves import DeadLeaves
from generators.images.objects import Objects
from generators.images.strokes import Strokes
from generators.jets.mlp import FreeJets
from generators.jets.noise import NoiseJets
from generators.jets.shower import Shower
from generators.jets.unknown_variables import complete
from zskt.generator import Generator

__all__ = ["GENERATORS", "Entry"]


@dataclass(frozen=True)
class Entry:
    """An entry of the registry."""

    domain: str
    """What it makes, as in the teacher's `Inputs.domain`."""
    build: Callable[[Any], Generator]
    """Input specification of the domain -> the generator."""
    summary: str


def _jets(build: Callable[[Any], Generator], summary: str) -> Entry:
    return Entry("jets", lambda inputs: complete(build(inputs), inputs), summary)


GENERATORS: dict[str, Entry] = {
    "noise": _jets(NoiseJets, "jets of random particles: the trivial baseline, nothing to learn"),
    "mlp": _jets(FreeJets, "the paper's idea for jets: a free network from z to particles"),
    "shower-prior": _jets(
        lambda inputs: Shower(inputs, adversarial=False), "public physics, no adversary: decays, shower, hadronisation"
    ),
    "shower": _jets(
        Shower, "the same physics, its continuous parameters and its mix of processes moved by an adversary"
    ),
    "image": Entry("images", ConvGenerator, "the paper's convolutional network from z to normalised pixels"),
    "strokes-prior": Entry(
        "images", lambda inputs: Strokes(inputs, adversarial=False), "a pen's random strokes, for written characters"
    ),
    "strokes": Entry("images", Strokes, "the same, moved by an adversary"),
    "cutouts-prior": Entry("images", Cutouts, "one thing on black, for pictures of goods"),
    "leaves-prior": Entry("images", DeadLeaves, "things in front of things, for photographs"),
    "things-prior": Entry("images", Objects, "the same, with sketches of vehicles, ships and animals in the middle"),
}
"""Of each domain in rising order of what they know, as tables have them."""
