"""Turn the tables of PFNano, candidates and secondary vertices, into collections of each jet.

Shapes: B jets, P entries. GeV, cm, radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import torch
from torch import Tensor

from zskt.errors import UserError
from zskt.jets.angles import wrap
from zskt.jets.collections import Collection
from zskt.jets.tracks import impact_parameters

MIN_PUPPI_WEIGHT = 0.01


@dataclass(frozen=True)
class JetKind:
    """Tables of PFNano that hold jets of one radius."""

    jets: str
    """Table of the jets themselves."""
    links: str
    """Table that links candidates to jets, and holds the variables of tracks in jets."""
    radius: float
    puppi: bool
    """Whether the jets are of PUPPI-weighted candidates."""
    min_pt: float
    """Smallest transverse momentum, GeV: below it, CMSSW leaves a jet's variables empty."""


JET_KINDS = {
    0.8: JetKind("FatJet", "FatJetPFCands", 0.8, True, 150.0),
    0.4: JetKind("Jet", "JetPFCands", 0.4, False, 15.0),
}
"""Kinds of jets by their radius."""

CANDIDATE_BRANCHES = {
    "pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "charge": "charge", "pdg": "pdgId", "puppi": "puppiWeight",
    "dxy": "d0", "dxy_error": "d0Err", "dz": "dz", "dz_error": "dzErr", "norm_chi2": "trkChi2",
    "lost_inner_hits": "lostInnerHits", "vertex_quality": "pvAssocQuality", "track_quality": "trkQuality",
}  # fmt: skip
"""Columns of candidates here, and their branches."""
LINK_BRANCHES = {
    "eta_rel": "btagEtaRel", "pt_ratio": "btagPtRatio", "ppar_ratio": "btagPParRatio", "sip3d": "btagSip3dVal",
    "sip3d_sig": "btagSip3dSig", "jet_distance": "btagJetDistVal",
}  # fmt: skip
"""Columns of candidates in jets here, and their branches in the table of links."""
VERTEX_BRANCHES = {
    "pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "tracks": "ntracks", "norm_chi2": "chi2", "dxy": "dxy",
    "dxy_sig": "dxySig", "d3d": "dlen", "d3d_sig": "dlenSig", "angle": "pAngle",
}  # fmt: skip
"""Columns of secondary vertices here, and their branches."""
_FLAGS = {
    "is_electron": (11,), "is_muon": (13,), "is_photon": (22,), "is_charged_hadron": (211,), "is_neutral_hadron": (130,)
}  # fmt: skip
"""Kinds of candidates, and their PDG numbers."""


def _by_jet(events: ak.Array, kind: JetKind, columns: dict[str, ak.Array], selected: ak.Array) -> dict[str, ak.Array]:
    """Group rows of the link table by the jet that they belong to: one list for each selected jet, over all events."""
    index = events[f"{kind.links}_jetIdx"]
    positions = ak.local_index(selected, axis=1)[selected]
    pairs = index[:, np.newaxis, :] == positions[:, :, np.newaxis]
    return {
        name: ak.flatten(ak.broadcast_arrays(values[:, np.newaxis, :], pairs)[0][pairs], axis=1)
        for name, values in columns.items()
    }


def _dense(columns: dict[str, ak.Array], what: str, path: Path) -> Collection:
    """Pad lists to columns (B, P)."""
    counts = ak.num(next(iter(columns.values())), axis=1)
    slots = max(int(ak.max(counts)), 1)
    mask = torch.arange(slots) < torch.from_numpy(ak.to_numpy(counts)).unsqueeze(1)
    dense: dict[str, Tensor] = {}
    for name, values in columns.items():
        padded = ak.to_numpy(ak.fill_none(ak.pad_none(values, slots, clip=True), 0))
        dense[name] = torch.from_numpy(padded.astype(np.float32))
        if bool(torch.isnan(dense[name]).any()) and name not in ("sip3d", "sip3d_sig", "dxy_sig", "d3d_sig"):
            row = int(torch.isnan(dense[name]).any(1).nonzero()[0])
            raise UserError(f"{path}: {what}, {name}: NaN in jet {row}; remove such events")
        dense[name] = dense[name].nan_to_num(nan=0.0, posinf=torch.inf, neginf=-torch.inf)
    return Collection(dense, mask)


def particles_of(events: ak.Array, kind: JetKind, selected: ak.Array, jet: dict[str, Tensor], path: Path) -> Collection:
    """Collect the candidates of each selected jet by falling PUPPI-weighted pT, with all columns of taggers."""
    index = events[f"{kind.links}_pFCandsIdx"]
    if bool(ak.any(index >= ak.num(events["PFCands_pt"], axis=1))) or bool(ak.any(index < 0)):
        raise UserError(f"{path}: {kind.links}_pFCandsIdx points outside PFCands; make the file anew")
    stored = {name: events[f"PFCands_{branch}"][index] for name, branch in CANDIDATE_BRANCHES.items()}
    stored |= {name: events[f"{kind.links}_{branch}"] for name, branch in LINK_BRANCHES.items()}
    grouped = _by_jet(events, kind, stored, selected)
    empty_jets = ak.num(grouped["pt"], axis=1) == 0
    if bool(ak.any(empty_jets)):
        raise UserError(f"{path}: {kind.jets} {int(ak.argmax(empty_jets))} has no particles; remove such jets")
    c = _dense(grouped, kind.links, path)
    pt, track = c["pt"], c["dxy_error"] > 0  # -1 where a candidate has no track
    columns = dict(c.columns)
    columns |= {name: (torch.isin(c["pdg"].abs(), torch.tensor(ids)) & c.mask).float() for name, ids in _FLAGS.items()}
    columns["track"] = (track & c.mask).float()
    columns["is_lost_track"] = torch.zeros_like(pt)
    columns["energy"] = (c["mass"].square() + (pt * c["eta"].cosh()).square()).sqrt() * c.mask
    for name in ("dxy", "dxy_error", "dz", "dz_error", "norm_chi2"):
        columns[name] = torch.where(track, c[name], 0.0)
    columns |= _not_stored(columns, c.mask, jet)
    weight = c["puppi"] if kind.puppi else torch.ones_like(pt)
    order = torch.argsort(torch.where(c.mask, weight * pt, -1.0), dim=1, descending=True, stable=True)
    return Collection(columns, c.mask).ordered(order, weight >= MIN_PUPPI_WEIGHT)


def _not_stored(c: dict[str, Tensor], mask: Tensor, jet: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fill in what taggers of the trigger take and PFNano leaves out; hits are those of a typical track."""

    def momentum(of: dict[str, Tensor]) -> Tensor:
        return torch.stack([of["pt"] * of["phi"].cos(), of["pt"] * of["phi"].sin(), of["pt"] * of["eta"].sinh()], -1)

    axis = momentum(jet)
    relative = impact_parameters(momentum(c), c, axis / axis.norm(dim=-1, keepdim=True))
    quality = c["vertex_quality"]
    origin = torch.where(quality >= 6, 3.0, torch.where(quality >= 4, 2.0, quality.clamp(max=1.0)))
    return {
        "from_pv": origin * mask,
        "decay_length": relative["decay_length"] * c["track"],
        "sip2d": relative["sip2d"] * c["track"],
        "pixel_hits": 4.0 * c["track"],
        "strip_hits": 8.0 * c["track"],
    }


def vertices_of(
    events: ak.Array, kind: JetKind, jets: dict[str, ak.Array], selected: ak.Array, path: Path
) -> Collection:
    """Collect the secondary vertices within each selected jet's radius by falling significance."""
    eta, phi = jets["eta"][selected], jets["phi"][selected]
    dphi = wrap(phi[:, :, np.newaxis] - events["SV_phi"][:, np.newaxis, :])
    deta = eta[:, :, np.newaxis] - events["SV_eta"][:, np.newaxis, :]
    near = deta**2 + dphi**2 < kind.radius**2
    stored = {
        name: ak.flatten(ak.broadcast_arrays(events[f"SV_{branch}"][:, np.newaxis, :], near)[0][near], axis=1)
        for name, branch in VERTEX_BRANCHES.items()
    }
    c = _dense(stored, "SV", path)
    columns = dict(c.columns)
    columns["energy"] = (c["mass"].square() + (c["pt"] * c["eta"].cosh()).square()).sqrt() * c.mask
    columns["cos_theta"] = -columns.pop("angle").cos() * c.mask  # the angle is between momentum and the way back
    significance = torch.where(torch.isfinite(c["dxy_sig"]), c["dxy_sig"], 0.0)
    order = torch.argsort(torch.where(c.mask, significance, -torch.inf), dim=1, descending=True, stable=True)
    return Collection(columns, c.mask).ordered(order)
