"""Generators, z -> pseudo-samples: one file per input domain or idea, and the registry of them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from generators.images.convnet import Images
from generators.images.cutouts import Cutouts
from generators.images.dead_leaves import Leaves
from generators.images.objects import Things
from generators.images.strokes import Strokes
from generators.jets.mlp import FreeJets
from generators.jets.noise import NoiseJets
from generators.jets.shower import Shower
from generators.jets.unknown_variables import complete
from zskt.contracts import Bandit, Draw, Generator

__all__ = ["GENERATORS", "Bandit", "Draw", "Entry", "Generator"]


@dataclass(frozen=True)
class Entry:
    """An entry of the registry."""

    domain: str
    """What it makes, as in the teacher's `Inputs.domain`."""
    build: Callable[[Any], Generator]
    """Input specification of the domain -> the generator."""
    line: str


def _jets(build: Callable[[Any], nn.Module], line: str) -> Entry:
    return Entry("jets", lambda inputs: cast(Generator, complete(build(inputs), inputs)), line)


GENERATORS: dict[str, Entry] = {
    "noise": _jets(NoiseJets, "jets of random particles: the trivial baseline, nothing to learn"),
    "mlp": _jets(FreeJets, "the paper's idea for jets: a free network from z to particles"),
    "shower-prior": _jets(
        lambda inputs: Shower(inputs, adversarial=False), "public physics, no adversary: decays, shower, hadronisation"
    ),
    "shower": _jets(
        Shower, "the same physics, its continuous parameters and its mix of processes moved by an adversary"
    ),
    "image": Entry("images", Images, "the paper's convolutional network from z to normalised pixels"),
    "strokes-prior": Entry(
        "images", lambda inputs: Strokes(inputs, adversarial=False), "a pen's random strokes, for written characters"
    ),
    "strokes": Entry("images", Strokes, "the same, moved by an adversary"),
    "cutouts-prior": Entry("images", Cutouts, "one thing on black, for pictures of goods"),
    "leaves-prior": Entry("images", Leaves, "things in front of things, for photographs"),
    "things-prior": Entry("images", Things, "the same, with sketches of vehicles, ships and animals in the middle"),
}
"""Of each domain in rising order of what they know, as tables have them."""
