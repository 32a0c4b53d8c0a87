"""Generators, z -> pseudo-samples: the registry of those that the command line knows, and functions that build one.

For networks of your own: `convnet` makes images and `scenes` photographs, `motion` video and series, `tabular` vectors,
`point_cloud` points with a mask, and `iterated` takes pseudo-samples that you make yourself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from generators.frames.motion import Motion, motion
from generators.frames.network import NetworkFrames
from generators.frames.noise import NoiseFrames
from generators.images.convnet import ConvGenerator, convnet
from generators.images.cutouts import Cutouts
from generators.images.dead_leaves import DeadLeaves
from generators.images.noise import NoiseImages
from generators.images.objects import Objects
from generators.images.scenes import Scenes, scenes
from generators.images.strokes import Strokes
from generators.jets.mlp import MLPJets
from generators.jets.noise import NoiseJets
from generators.jets.shower import Shower
from generators.jets.unknown_variables import with_unknown_variables
from generators.vectors.point_cloud import point_cloud
from generators.vectors.tabular import Tabular, tabular
from zskt.generator import Generator
from zskt.iterated import iterated

__all__ = ["GENERATORS", "Entry", "Generator", "convnet", "iterated", "motion", "point_cloud", "scenes", "tabular"]


@dataclass(frozen=True)
class Entry:
    """An entry of the registry."""

    domain: str
    """Domain of the teachers that it is for, as in `Inputs.domain`."""
    build: Callable[[Any], Generator]
    """Function from the input specification of the domain to the generator."""
    summary: str
    """What it draws, in a line."""
    prior: str = ""
    """The generator to take instead where the teacher has no gradient; empty if this one needs none."""
    mix: str = ""
    """The one to take instead where rewards alone are followed; empty for the same as ``prior``."""


def _jets(build: Callable[[Any], Generator], summary: str, prior: str = "", mix: str = "") -> Entry:
    """An entry for jets, which draws unknown variables of a tagger, too."""
    return Entry("jets", lambda inputs: with_unknown_variables(build(inputs), inputs), summary, prior, mix)


GENERATORS: dict[str, Entry] = {
    "noise": _jets(NoiseJets, "jets of random particles: the trivial baseline, nothing to learn"),
    "mlp": _jets(MLPJets, "the paper's idea for jets: a free network from z to particles", "shower-prior"),
    "shower-prior": _jets(
        partial(Shower, adversarial=False), "public physics, no adversary: decays, shower, hadronisation"
    ),
    "shower-mix": _jets(
        partial(Shower, adversarial=False, mixes=True),
        "the same physics, its mix of processes following what each was worth: rewards, no gradient",
    ),
    "shower": _jets(
        Shower,
        "the same physics, its continuous parameters and its mix of processes moved by an adversary",
        "shower-prior",
        "shower-mix",
    ),
    "noise-image": Entry(
        "images", NoiseImages, "a normal number for each pixel: the trivial baseline, nothing to learn"
    ),
    "image": Entry(
        "images", ConvGenerator, "the paper's convolutional network from z to normalised pixels", "leaves-prior"
    ),
    "strokes-prior": Entry(
        "images", partial(Strokes, adversarial=False), "a pen's random strokes, for written characters"
    ),
    "strokes": Entry("images", Strokes, "the same, moved by an adversary", "strokes-prior"),
    "cutouts-prior": Entry("images", Cutouts, "one object on black, for pictures of products"),
    "leaves-prior": Entry("images", DeadLeaves, "objects in front of objects, for photographs"),
    "things-prior": Entry("images", Objects, "the same, with sketches of vehicles, ships and animals in the middle"),
    "scenes-prior": Entry(
        "images", Scenes, "the same, with backgrounds and surfaces cut out of three public photographs"
    ),
    "tabular-prior": Entry(
        "vectors", partial(Tabular, adversarial=False), "numbers spread over their bounds, nothing to learn"
    ),
    "tabular": Entry("vectors", Tabular, "the same, moved by an adversary", "tabular-prior"),
    "noise-frames": Entry(
        "frames", NoiseFrames, "a normal number for each pixel or value: the trivial baseline, nothing to learn"
    ),
    "frames": Entry("frames", NetworkFrames, "a free convolutional network from z to all frames", "motion-prior"),
    "motion-prior": Entry(
        "frames", partial(Motion, adversarial=False), "a pen's drawings that move and bounce; of series, waves"
    ),
    "motion": Entry("frames", Motion, "the same, moved by an adversary", "motion-prior"),
}
"""Generators by name: in each domain, those that know more stand further down, as in tables."""
