"""What PFNano knows of the origin of its jets: flavours of generated hadrons and partons -> classes of a tagger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np
import torch
from torch import Tensor

from zskt.dataset import UNLABELLED, plain_positions
from zskt.jets.pfnano_tables import JetKind

TRUTH = ("hadronFlavour", "partonFlavour", "nBHadrons", "nCHadrons", "genJetIdx")


def flat(values: Any) -> np.ndarray:
    """Of lists a list, as 32-bit numbers."""
    return np.asarray(ak.to_numpy(ak.flatten(values)), dtype=np.float32)


def labels_of(events: ak.Array, kind: JetKind, kept: ak.Array, classes: Sequence[str]) -> Tensor:
    """Position of each jet's flavour in the classes; `UNLABELLED` where no class stands for it or nobody knows."""
    count = int(ak.sum(kept))
    names = [f"{kind.jets}_{name}" for name in TRUTH]
    if kind.puppi or not set(names) <= set(events.fields):
        return torch.full((count,), UNLABELLED)
    columns = [flat(events[name][kept]).astype(int) for name in names]
    plain = plain_positions(classes)
    flavours = (_flavour(*map(int, row)) for row in zip(*columns, strict=True))
    return torch.tensor([next((plain[n] for n in names if n in plain), UNLABELLED) for names in flavours])


def _flavour(hadron: int, parton: int, b: int, c: int, generated: int) -> tuple[str, ...]:
    """Names of classes, the most telling first, that a jet of such truth belongs to."""
    heavy = "bb" if b > 1 else "b" if b else "cc" if c > 1 else "c" if c else {5: "b", 4: "c"}.get(hadron, "")
    if heavy:
        return (heavy, heavy[0])
    if generated < 0:
        return ("pu", "undef")
    return ("g",) if abs(parton) == 21 else ("uds", "ud", "light") if parton else ("undef",)
