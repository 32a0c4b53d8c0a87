"""CMS PFNano: NanoAOD with the candidates and secondary vertices of its jets -> reconstructed jets.

The variables are rebuilt as CMSSW's `DeepBoostedJetTagInfoProducer` fills them: candidates of the jet by falling
PUPPI-weighted pT without those of weight below 0.01, secondary vertices within the jet's radius by falling significance
of their transverse flight distance.

Units as stored: GeV, cm, radians. Shapes: B jets, P entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import awkward as ak
import numpy as np
import torch
import uproot

from zskt.dataset import Labelled
from zskt.errors import UserError
from zskt.jets.collections import ReconstructedJets, empty
from zskt.jets.pfnano_tables import CANDIDATES, KINDS, LINKS, VERTICES, JetKind, particles_of, vertices_of
from zskt.jets.pfnano_truth import TRUTH, flat, labels_of

TREE = "Events"


def read_pfnano(path: Path, radius: float, classes: Sequence[str]) -> Labelled:
    """Jets of the radius nearest to ``radius``, small ones labelled by generated flavour where the classes allow it.

    What a large jet comes from is not in the file: these have no labels.

    Raises:
        UserError: if the file is missing, damaged or empty, lacks a branch, or holds what no jet can be.
    """
    kind = KINDS[min(KINDS, key=lambda r: abs(r - radius))]
    events = _events(path, kind)
    jets = {name: events[f"{kind.jets}_{name}"] for name in ("pt", "eta", "phi", "mass")}
    for name, values in jets.items():
        if not bool(ak.all(np.isfinite(values))):
            raise UserError(f"{path}: {kind.jets}_{name} is not finite in some jet; remove such events")
    kept = jets["pt"] >= kind.least_pt
    if not int(ak.sum(kept)):
        raise UserError(f"{path}: holds no {kind.jets} above {kind.least_pt:.0f} GeV; give a file that does")
    jet = {name: torch.from_numpy(flat(values[kept])).unsqueeze(1) for name, values in jets.items()}
    jet["energy"] = (jet["mass"].square() + (jet["pt"] * jet["eta"].cosh()).square()).sqrt()
    particles = particles_of(events, kind, kept, jet, path)
    vertices = vertices_of(events, kind, jets, kept, path)
    scores = {
        name.removeprefix(f"{kind.jets}_"): torch.from_numpy(flat(events[name][kept]))
        for name in events.fields
        if name.startswith(f"{kind.jets}_particleNet")
    }
    lost = empty(len(jet["pt"]), tuple(particles.columns), torch.device("cpu"))
    labels = labels_of(events, kind, kept, classes)
    return Labelled(ReconstructedJets(jet, particles, vertices, lost, scores), labels)


def is_pfnano(path: Path) -> bool:
    """Whether a ROOT file has a tree of events instead of jets."""
    try:
        with uproot.open(path) as file:
            return TREE in file and "tree" not in file
    except Exception:  # whoever reads it next says what is wrong
        return False


def _events(path: Path, kind: JetKind) -> ak.Array:
    wanted = [f"{kind.jets}_{name}" for name in ("pt", "eta", "phi", "mass")]
    wanted += [f"PFCands_{name}" for name in CANDIDATES.values()]
    wanted += [f"{kind.links}_{name}" for name in ("jetIdx", "pFCandsIdx", *LINKS.values())]
    wanted += [f"SV_{name}" for name in VERTICES.values()]
    try:
        with uproot.open(path) as file:
            tree = file[TREE]
            found = set(tree.keys())
            missing = [name for name in wanted if name not in found]
            if missing:
                raise UserError(f"{path}: no branch {', '.join(missing[:5])}; give a PFNano file with these tables")
            optional = [n for n in sorted(found) if n.startswith(f"{kind.jets}_particleNet")]
            optional += [f"{kind.jets}_{name}" for name in TRUTH if f"{kind.jets}_{name}" in found]
            return tree.arrays(wanted + optional)
    except UserError:
        raise
    except Exception as error:  # uproot raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable PFNano file ({first}); fetch it again") from error
