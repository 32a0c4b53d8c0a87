"""Vectors of class names, for generators that are asked for classes by what they are called.

The vector of a class is the mean of those of its words, "aquarium_fish" -> aquarium, fish; of a class of jets, of the
particles that its name stands for, "Hqql" -> higgs, quark, quark, lepton. The words' vectors are GloVe's (J. Pennington
et al., EMNLP 2014, glove.6B.50d, in the public domain), and ship in `WORDS_FILE`, which docs/make_word_vectors.py
writes. A class without a known word has a random vector, which depends on its name alone.

Shapes: K classes, E numbers of a vector.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from zskt.jets.class_names import plain_class

WORDS_FILE = Path(__file__).parent / "word_vectors.json"
SIZE = 50
"""E of GloVe's vectors."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SAME = 1e-4
"""Classes whose vectors are no further apart than this have the same."""
PARTICLE_WORDS = {
    "qcd": "background quark gluon jets", "background": "background", "light": "light quark", "other": "other",
    "undef": "unknown", "higgs": "higgs boson", "top": "top quark", "tau": "tau lepton", "pu": "pile noise",
    "uds": "up down strange quark", "ud": "up down quark", "mu": "muon", "h": "higgs boson", "x": "particle boson",
    "z": "z boson", "w": "w boson", "t": "top quark", "b": "bottom quark", "c": "charm quark",
    "s": "strange quark", "g": "gluon", "q": "quark", "l": "lepton", "e": "electron", "m": "muon", "v": "neutrino",
    "n": "neutrino", "p": "plus", "u": "up quark", "d": "down quark", "4": "four", "2": "two", "3": "three", "1": "one",
}  # fmt: skip
"""What the letters of a class of jets stand for, the longest first."""
_PARTICLES = re.compile("|".join(PARTICLE_WORDS))


@cache
def word_vectors() -> dict[str, Tensor]:
    """Read the vectors of all words that ship: (E,) each."""
    return {
        word: torch.tensor(vector, dtype=torch.float32) for word, vector in json.loads(WORDS_FILE.read_text()).items()
    }


def words_of(name: str, jets: bool = False) -> list[str]:
    """Split the name of a class into words in lower case: "maple_tree", "T-shirt", "Hbb" of jets, "7"."""
    if jets:
        letters = _PARTICLES.findall(plain_class(name))
        return [word for part in letters for word in PARTICLE_WORDS[part].split()]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[a-z]+|\d", spaced.lower())
    return [DIGITS[int(word)] if word.isdigit() else word for word in words]


def class_vectors(names: Sequence[str], jets: bool = False) -> Tensor:
    """Return the vectors of classes by their names, no two of them alike: (K, E)."""
    known = word_vectors()
    rows: list[Tensor] = []
    for name in names:
        found = [known[word] for word in words_of(name, jets) if word in known]
        row = torch.stack(found).mean(0) if found else _of_name(name)
        if any((row - other).abs().max() < SAME for other in rows):
            row = row + _of_name(name)
        rows.append(row)
    return torch.stack(rows)


def orthogonal_vectors(classes: int, rng: torch.Generator) -> Tensor:
    """Return random vectors of unit length at right angles: (K, E), E as in GloVe or K if that is more."""
    drawn = torch.randn(max(SIZE, classes), classes, generator=rng, device=rng.device, dtype=torch.float64)
    q: Tensor = torch.linalg.qr(drawn.cpu())[0]
    return q.T.float().to(rng.device)


def _of_name(name: str) -> Tensor:
    """Return a random vector of about the length of GloVe's, which depends on the name alone: (E,)."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "little")
    return 0.5 * torch.randn(SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
