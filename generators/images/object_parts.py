"""What the things of the world are made of, in `things.csv`, and the colours and scenes in which they are met.

Public knowledge, as masses and lifetimes are for jets: a car has wheels below and windows above, a ship is met at sea.
Drawn by hand, and kept or changed by how often a *teacher* recognised them; no photograph was looked at.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from generators.images.dead_leaves import PALETTE

TABLE = Path(__file__).with_name("objects.csv")
"""One part a line, the last on top. Lengths are in units of half the thing's size, x to the right (where it looks), y
down, angles in degrees; ``long`` and ``wide`` are half-axes of a superellipse of exponent ``power``; ``corner`` draws
its far end to a tip; ``often`` is the probability that the part is there; a ``pair`` has a mirror image."""
ROLES = {"ground": 1, "body": PALETTE, "second": PALETTE + 1, "dark": PALETTE + 2, "light": PALETTE + 3}
"""Which colour of the palette a part has: the scene has the first ones, the thing those after."""
NUMBERS = ("x", "y", "long", "wide", "angle", "power", "often", "corner")


class Kind(NamedTuple):
    """A thing, seen from one side."""

    name: str
    """In `TABLE`."""
    tones: str
    """Its colours, red, green, blue as six hexadecimal digits each."""
    scenes: str
    """Colours above and below the horizon, joined by a hyphen."""
    smooth: bool = True
    """Whether it, and mostly what is around it, has little texture."""
    tilt: float = 0.12
    """Standard deviation of its angle, in radians."""


SKY = "739ed9-bfd1e6 bfccd9-ccd1d9 4c73bf-99b2d9"
WATER = "a6bfe0-40668c bfc7cc-66808c 4c7399-335980"
ROAD = "99a6b2-737373 4c6640-808080 b2bfcc-595959 d9d9d9-cccccc"
GRASS = "4c6b33-668038 99b2bf-668040 404c26-8c804c"
SAND = "998c73-a69473 a6bfd9-b29e7a"
ROOM = "99806b-80614c bfb8ad-736661 664c47-998c80"
UNDERGROWTH = "4c592e-594c33 8c8066-666640 333326-66594c"
"""Of scenes, above and below the horizon; then those of paint, metal, fur, feathers, skin."""

PAINT = "bf1a1a e6e6e6 1f1f24 264099 99999e d9b226 336640 595966"
METAL = "e6e6eb 99a1ad 666b75 ccd1e0"
FUR = "734c2e 261f1a e6e0d6 997347 807a73 4c3321 bf9461"
BAY = "734526 4c2e1a 1f1a1a 8c5933 d9d1c7"
FAWN = "997347 734c2e bf9461"
MOSS = "597326 736633 59472e 809933"
FEATHERS = f"{FUR} 8c4026 4c6699 666666"

KINDS = (
    Kind("car", PAINT, ROAD),
    Kind("car from the front", PAINT, ROAD),
    Kind("car at an angle", PAINT, ROAD),
    Kind("lorry", PAINT, ROAD),
    Kind("lorry from the front", PAINT, ROAD),
    Kind("aeroplane", METAL, f"{SKY} {SKY} {ROAD}", tilt=0.48),
    Kind("aeroplane from below", METAL, SKY, tilt=0.48),
    Kind("fighter", METAL, SKY, tilt=0.48),
    Kind("fighter from below", METAL, SKY, tilt=0.48),
    Kind("ship", f"{PAINT} {METAL}", WATER),
    Kind("sailing boat", METAL, WATER),
    Kind("horse", BAY, f"{GRASS} {SAND}", smooth=False),
    Kind("horse and rider", BAY, f"{GRASS} {SAND}", smooth=False),
    Kind("horse grazing", BAY, GRASS, smooth=False),
    Kind("horse's head", BAY, f"{GRASS} {SKY}", smooth=False),
    Kind("deer", FAWN, GRASS, smooth=False),
    Kind("dog", FUR, f"{GRASS} {ROOM}", smooth=False),
    Kind("dog's face", FUR, f"{GRASS} {ROOM}", smooth=False),
    Kind("dog sitting", FUR, f"{GRASS} {ROOM}", smooth=False),
    Kind("cat's face", FUR, f"{GRASS} {ROOM}", smooth=False),
    Kind("cat sitting", FUR, f"{GRASS} {ROOM}", smooth=False),
    Kind("cat lying", FUR, f"{GRASS} {ROOM}", smooth=False),
    Kind("bird", FEATHERS, f"{UNDERGROWTH} {GRASS} {SKY}", smooth=False),
    Kind("ostrich", FEATHERS, f"{GRASS} {SAND} {WATER}", smooth=False),
    Kind("bird in flight", FEATHERS, f"{SKY} {WATER}", smooth=False, tilt=0.48),
    Kind("bird on water", FEATHERS, WATER, smooth=False),
    Kind("bird's head", FEATHERS, f"{UNDERGROWTH} {GRASS} {SKY}", smooth=False),
    Kind("frog", MOSS, f"{UNDERGROWTH} {SAND}", smooth=False),
    Kind("frog from the front", MOSS, f"{UNDERGROWTH} {SAND}", smooth=False),
)


def parts() -> tuple[Tensor, Tensor]:
    """`TABLE` as (kinds, parts, `NUMBERS`), and the palette's colour of each part, (kinds, parts).

    Kinds with fewer parts than others end in parts that are never there. Angles are in radians.
    """
    of_kind: dict[str, list[dict[str, str]]] = {kind.name: [] for kind in KINDS}
    with TABLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            of_kind[row["kind"]].append(row)
            if row["pair"] == "1":
                of_kind[row["kind"]].append(row | {"x": f"-{row['x']}", "angle": str(180 - float(row["angle"]))})
    most = max(map(len, of_kind.values()))
    numbers, colours = torch.zeros(len(KINDS), most, len(NUMBERS)), torch.zeros(len(KINDS), most, dtype=torch.long)
    for i, rows in enumerate(of_kind.values()):
        numbers[i, : len(rows)] = torch.tensor([[float(row[name]) for name in NUMBERS] for row in rows])
        colours[i, : len(rows)] = torch.tensor([ROLES[row["colour"]] for row in rows])
    numbers[..., NUMBERS.index("angle")].deg2rad_()
    return numbers, colours


def colours(of_kinds: list[str]) -> Tensor:
    """Hexadecimal colours, each kind's list repeated to one length: (kinds, length, 3), pairs (kinds, length, 2, 3).

    All colours of a kind come up as often as each other.
    """
    lists = [[[[*bytes.fromhex(c)] for c in entry.split("-")] for entry in line.split()] for line in of_kinds]
    length = math.lcm(*map(len, lists))
    return torch.tensor([entries * (length // len(entries)) for entries in lists]).squeeze(2) / 255
