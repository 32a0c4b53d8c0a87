"""Object parts, colours and scenes for `generators.images.objects`.

Public knowledge, as masses and lifetimes are for jets: a car has wheels below and windows above, a ship is met at sea.
The parts were drawn by hand, and kept or changed by how often a *teacher* recognised them. No photograph was looked at.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from generators.images.dead_leaves import N_SCENE_COLOURS

PARTS_FILE = Path(__file__).with_name("objects.csv")
"""Table of the parts, one a line, the last on top.

Lengths are in units of half the object's size. x points to the right, where the object faces, y down; angles are in
degrees. ``long`` and ``wide`` are half-axes of a superellipse of exponent ``power``; ``corner`` draws its far end to a
tip; ``often`` is the probability that the part is present; a ``pair`` has a mirror image.
"""
PALETTE_INDEX = {
    "ground": 1,
    "body": N_SCENE_COLOURS,
    "second": N_SCENE_COLOURS + 1,
    "dark": N_SCENE_COLOURS + 2,
    "light": N_SCENE_COLOURS + 3,
}
"""Index of the colours in the palette: the scene has the first ones, the object those after."""
PART_COLUMNS = ("x", "y", "long", "wide", "angle", "power", "often", "corner")
"""Columns of `PARTS_FILE` that hold numbers."""


class ObjectKind(NamedTuple):
    """A kind of object, seen from one side."""

    name: str
    """Name in `PARTS_FILE`."""
    tones: str
    """Colours of the object, each six hexadecimal digits of red, green and blue."""
    scenes: str
    """Colours above and below the horizon, joined by a hyphen."""
    smooth: bool = True
    """Whether the object has little texture, and mostly its surroundings, too."""
    tilt: float = 0.12
    """Standard deviation of the object's angle, in radians."""


SKY = "739ed9-bfd1e6 bfccd9-ccd1d9 4c73bf-99b2d9"
WATER = "a6bfe0-40668c bfc7cc-66808c 4c7399-335980"
ROAD = "99a6b2-737373 4c6640-808080 b2bfcc-595959 d9d9d9-cccccc"
GRASS = "4c6b33-668038 99b2bf-668040 404c26-8c804c"
SAND = "998c73-a69473 a6bfd9-b29e7a"
ROOM = "99806b-80614c bfb8ad-736661 664c47-998c80"
UNDERGROWTH = "4c592e-594c33 8c8066-666640 333326-66594c"
"""Colours of scenes, above and below the horizon; then those of paint, metal, fur, feathers and skin."""

PAINT = "bf1a1a e6e6e6 1f1f24 264099 99999e d9b226 336640 595966"
METAL = "e6e6eb 99a1ad 666b75 ccd1e0"
FUR = "734c2e 261f1a e6e0d6 997347 807a73 4c3321 bf9461"
BAY = "734526 4c2e1a 1f1a1a 8c5933 d9d1c7"
FAWN = "997347 734c2e bf9461"
MOSS = "597326 736633 59472e 809933"
FEATHERS = f"{FUR} 8c4026 4c6699 666666"

OBJECT_KINDS = (
    ObjectKind("car", PAINT, ROAD),
    ObjectKind("car from the front", PAINT, ROAD),
    ObjectKind("car at an angle", PAINT, ROAD),
    ObjectKind("lorry", PAINT, ROAD),
    ObjectKind("lorry from the front", PAINT, ROAD),
    ObjectKind("aeroplane", METAL, f"{SKY} {SKY} {ROAD}", tilt=0.48),
    ObjectKind("aeroplane from below", METAL, SKY, tilt=0.48),
    ObjectKind("fighter", METAL, SKY, tilt=0.48),
    ObjectKind("fighter from below", METAL, SKY, tilt=0.48),
    ObjectKind("ship", f"{PAINT} {METAL}", WATER),
    ObjectKind("sailing boat", METAL, WATER),
    ObjectKind("horse", BAY, f"{GRASS} {SAND}", smooth=False),
    ObjectKind("horse and rider", BAY, f"{GRASS} {SAND}", smooth=False),
    ObjectKind("horse grazing", BAY, GRASS, smooth=False),
    ObjectKind("horse's head", BAY, f"{GRASS} {SKY}", smooth=False),
    ObjectKind("deer", FAWN, GRASS, smooth=False),
    ObjectKind("dog", FUR, f"{GRASS} {ROOM}", smooth=False),
    ObjectKind("dog's face", FUR, f"{GRASS} {ROOM}", smooth=False),
    ObjectKind("dog sitting", FUR, f"{GRASS} {ROOM}", smooth=False),
    ObjectKind("cat's face", FUR, f"{GRASS} {ROOM}", smooth=False),
    ObjectKind("cat sitting", FUR, f"{GRASS} {ROOM}", smooth=False),
    ObjectKind("cat lying", FUR, f"{GRASS} {ROOM}", smooth=False),
    ObjectKind("bird", FEATHERS, f"{UNDERGROWTH} {GRASS} {SKY}", smooth=False),
    ObjectKind("ostrich", FEATHERS, f"{GRASS} {SAND} {WATER}", smooth=False),
    ObjectKind("bird in flight", FEATHERS, f"{SKY} {WATER}", smooth=False, tilt=0.48),
    ObjectKind("bird on water", FEATHERS, WATER, smooth=False),
    ObjectKind("bird's head", FEATHERS, f"{UNDERGROWTH} {GRASS} {SKY}", smooth=False),
    ObjectKind("frog", MOSS, f"{UNDERGROWTH} {SAND}", smooth=False),
    ObjectKind("frog from the front", MOSS, f"{UNDERGROWTH} {SAND}", smooth=False),
)


def load_parts() -> tuple[Tensor, Tensor]:
    """Read `PARTS_FILE`: numbers (kinds, parts, `PART_COLUMNS`), and the palette index of each part, (kinds, parts).

    Kinds with fewer parts than others end in parts that are never present. Angles are in radians.
    """
    rows_of: dict[str, list[dict[str, str]]] = {kind.name: [] for kind in OBJECT_KINDS}
    with PARTS_FILE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows_of[row["kind"]].append(row)
            if row["pair"] == "1":
                rows_of[row["kind"]].append(row | {"x": f"-{row['x']}", "angle": str(180 - float(row["angle"]))})
    n_parts = max(map(len, rows_of.values()))
    numbers = torch.zeros(len(OBJECT_KINDS), n_parts, len(PART_COLUMNS))
    colours = torch.zeros(len(OBJECT_KINDS), n_parts, dtype=torch.long)
    for i, rows in enumerate(rows_of.values()):
        numbers[i, : len(rows)] = torch.tensor([[float(row[name]) for name in PART_COLUMNS] for row in rows])
        colours[i, : len(rows)] = torch.tensor([PALETTE_INDEX[row["colour"]] for row in rows])
    numbers[..., PART_COLUMNS.index("angle")].deg2rad_()
    return numbers, colours


def parse_colours(of_kinds: list[str]) -> Tensor:
    """Parse the colours of each kind, as `ObjectKind` has them: (kinds, length, 3), of pairs (kinds, length, 2, 3).

    Shorter lists are repeated, so that all colours of a kind are as frequent as each other.
    """
    lists = [[[[*bytes.fromhex(c)] for c in entry.split("-")] for entry in line.split()] for line in of_kinds]
    length = math.lcm(*map(len, lists))
    return torch.tensor([entries * (length // len(entries)) for entries in lists]).squeeze(2) / 255
