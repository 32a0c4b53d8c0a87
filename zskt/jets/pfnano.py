"""Read CMS PFNano, NanoAOD with the candidates and secondary vertices of its jets, as reconstructed jets.

The variables are rebuilt as CMSSW's `DeepBoostedJetTagInfoProducer` fills them: candidates of the jet by falling
PUPPI-weighted pT without those of weight below 0.01, secondary vertices within the jet's radius by falling significance
of their transverse flight distance.

Units as stored: GeV, cm, radians. Shapes: B jets, P entries.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import torch
import uproot
from torch import Tensor

from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import UserError
from zskt.jets.class_names import plain_class
from zskt.jets.collections import ReconstructedJets, empty
from zskt.jets.flavours import parton_classes
from zskt.jets.pfnano_tables import (
    CANDIDATE_BRANCHES,
    JET_KINDS,
    LINK_BRANCHES,
    VERTEX_BRANCHES,
    JetKind,
    particles_of,
    vertices_of,
)
from zskt.jets.possible import MAX_ENERGY
from zskt.terminal import note

TREE = "Events"
MAX_ETA = 10.0
"""Pseudorapidity that no jet has: the beams' own at the LHC is 9.6."""
TRUTH_BRANCHES = ("hadronFlavour", "partonFlavour", "nBHadrons", "nCHadrons", "genJetIdx")


def read_pfnano(path: Path, radius: float, classes: Sequence[str], label_of_others: int | None = None) -> Labelled:
    """Read jets of the radius nearest to ``radius``, small ones labelled by generated flavour where a class is of it.

    The file does not say what a large jet comes from: these have no labels.

    Args:
        label_of_others: label of jets of another flavour, as of `zskt.jets.read.read_for_tagger`.

    Raises:
        UserError: if the file is missing, damaged or empty, lacks a branch, or holds what no jet can be.
    """
    kind = JET_KINDS[min(JET_KINDS, key=lambda r: abs(r - radius))]
    events = _events(path, kind)
    jets = {name: events[f"{kind.jets}_{name}"] for name in ("pt", "eta", "phi", "mass")}
    for name, values in jets.items():
        if not bool(ak.all(np.isfinite(values))):
            raise UserError(f"{path}: {kind.jets}_{name} is not finite in some jet; remove such events")
    impossible = (jets["pt"] > MAX_ENERGY) | (jets["mass"] > MAX_ENERGY) | (np.abs(jets["eta"]) > MAX_ETA)
    selected = (jets["pt"] >= kind.min_pt) & ~impossible
    if int(ak.sum(impossible)):
        note(f"zskt: {path}: {ak.sum(impossible)} {kind.jets} of more than 100 TeV, or |eta| > 10, left out")
    if not int(ak.sum(selected)):
        raise UserError(f"{path}: holds no {kind.jets} above {kind.min_pt:.0f} GeV; give a file that does")
    jet = {name: torch.from_numpy(flatten(values[selected])).unsqueeze(1) for name, values in jets.items()}
    jet["energy"] = (jet["mass"].square() + (jet["pt"] * jet["eta"].cosh()).square()).sqrt()
    particles = particles_of(events, kind, selected, jet, path)
    vertices = vertices_of(events, kind, jets, selected, path)
    scores = {
        name.removeprefix(f"{kind.jets}_"): torch.from_numpy(flatten(events[name][selected]))
        for name in events.fields
        if name.startswith(f"{kind.jets}_particleNet")
    }
    lost = empty(len(jet["pt"]), tuple(particles.columns), torch.device("cpu"))
    labels = labels_of(events, kind, selected, classes, label_of_others)
    return Labelled(ReconstructedJets(jet, particles, vertices, lost, scores), labels)


def is_pfnano(path: Path) -> bool:
    """Return whether a ROOT file has a tree of events instead of jets; jets may lie in a tree of that name."""
    try:
        with uproot.open(path) as file:
            return TREE in file and "tree" not in file and "part_px" not in set(file[TREE].keys())
    except Exception:  # whoever reads it next says what is wrong
        return False


def _events(path: Path, kind: JetKind) -> ak.Array:
    """Read the branches that jets of this kind need, and those of scores and truth that are there."""
    required = [f"{kind.jets}_{name}" for name in ("pt", "eta", "phi", "mass")]
    required += [f"PFCands_{name}" for name in CANDIDATE_BRANCHES.values()]
    required += [f"{kind.links}_{name}" for name in ("jetIdx", "pFCandsIdx", *LINK_BRANCHES.values())]
    required += [f"SV_{name}" for name in VERTEX_BRANCHES.values()]
    try:
        with uproot.open(path) as file:
            tree = file[TREE]
            present = set(tree.keys())
            missing = [name for name in required if name not in present]
            if missing:
                raise UserError(f"{path}: no branch {', '.join(missing[:5])}; give a PFNano file with these tables")
            optional = [n for n in sorted(present) if n.startswith(f"{kind.jets}_particleNet")]
            optional += [f"{kind.jets}_{name}" for name in TRUTH_BRANCHES if f"{kind.jets}_{name}" in present]
            return tree.arrays(required + optional)
    except UserError:
        raise
    except Exception as error:  # uproot raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable PFNano file ({first}); fetch it again") from error


def flatten(values: Any) -> np.ndarray:
    """Flatten a jagged array to float32."""
    return np.asarray(ak.to_numpy(ak.flatten(values)), dtype=np.float32)


def labels_of(
    events: ak.Array, kind: JetKind, selected: ak.Array, classes: Sequence[str], others: int | None = None
) -> Tensor:
    """Return the position in the classes of each jet's flavour, (B,); where there is none `UNLABELLED`, or ``others``.

    The finest class of a flavour counts: gluons are light jets where no class is of gluons. A jet of no flavour at all
    that no class of light jets takes, and all jets where no class is of any flavour, stay without label.
    """
    count = int(ak.sum(selected))
    branches = [f"{kind.jets}_{name}" for name in TRUTH_BRANCHES]
    if kind.puppi or not set(branches) <= set(events.fields):
        return torch.full((count,), UNLABELLED)
    columns = [flatten(events[name][selected]).astype(int) for name in branches]
    plain = {plain_class(name): k for k, name in reversed(list(enumerate(classes)))}  # the first of a name counts
    flavours = [_flavour(plain, *map(int, row)) for row in zip(*columns, strict=True)]
    labels = torch.tensor([next((plain[n] for n in names if n in plain), UNLABELLED) for names in flavours])
    if others is None or not bool((labels >= 0).any()):
        return labels
    known = torch.tensor([names[0] != "undef" for names in flavours])
    return torch.where((labels < 0) & known, others, labels)


def _flavour(plain: Collection[str], hadron: int, parton: int, b: int, c: int, generated: int) -> tuple[str, ...]:
    """Return names of classes that a jet of such truth belongs to, the most telling first.

    Args:
        plain: plain names of the tagger's classes.
        hadron: flavour by hadrons, 5, 4 or 0.
        parton: flavour by partons, a PDG number.
        b, c: numbers of hadrons with such quarks.
        generated: index of the generated jet; negative for pile-up, which is no light jet.
    """
    heavy = "bb" if b > 1 else "b" if b else "cc" if c > 1 else "c" if c else {5: "b", 4: "c"}.get(hadron, "")
    if heavy:
        return (heavy, heavy[0])
    return ("pu", "undef") if generated < 0 else parton_classes(parton, plain)
