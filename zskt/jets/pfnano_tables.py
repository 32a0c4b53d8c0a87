"""The tables of PFNano, row by row: candidates and secondary vertices -> collections of jets.

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
from zskt.jets.collections import Collection
from zskt.jets.tracks import along_axis

LEAST_PUPPI = 0.01


@dataclass(frozen=True)
class JetKind:
    """Where PFNano keeps jets of one radius."""

    jets: str
    links: str
    """Table that links candidates to jets, and holds the variables of tracks in jets."""
    radius: float
    puppi: bool
    """Whether the jets are of PUPPI-weighted candidates."""
    least_pt: float
    """Below it, CMSSW leaves a jet's variables empty."""


KINDS = {0.8: JetKind("FatJet", "FatJetPFCands", 0.8, True, 150.0), 0.4: JetKind("Jet", "JetPFCands", 0.4, False, 15.0)}

CANDIDATES = {
    "pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "charge": "charge", "pdg": "pdgId", "puppi": "puppiWeight",
    "dxy": "d0", "dxy_error": "d0Err", "dz": "dz", "dz_error": "dzErr", "norm_chi2": "trkChi2",
    "lost_inner_hits": "lostInnerHits", "vertex_quality": "pvAssocQuality", "track_quality": "trkQuality",
}  # fmt: skip
LINKS = {
    "eta_rel": "btagEtaRel", "pt_ratio": "btagPtRatio", "ppar_ratio": "btagPParRatio", "sip3d": "btagSip3dVal",
    "sip3d_sig": "btagSip3dSig", "jet_distance": "btagJetDistVal",
}  # fmt: skip
VERTICES = {
    "pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "tracks": "ntracks", "norm_chi2": "chi2", "dxy": "dxy",
    "dxy_sig": "dxySig", "d3d": "dlen", "d3d_sig": "dlenSig", "angle": "pAngle",
}  # fmt: skip
_FLAGS = {
    "is_electron": (11,), "is_muon": (13,), "is_photon": (22,), "is_charged_hadron": (211,), "is_neutral_hadron": (130,)
}  # fmt: skip


def _by_jet(events: ak.Array, kind: JetKind, columns: dict[str, ak.Array], kept: ak.Array) -> dict[str, ak.Array]:
    """Rows of the link table, grouped by the jet that they belong to: one list a kept jet, over all events."""
    index = events[f"{kind.links}_jetIdx"]
    which = ak.local_index(kept, axis=1)[kept]
    pairs = index[:, np.newaxis, :] == which[:, :, np.newaxis]
    return {
        name: ak.flatten(ak.broadcast_arrays(values[:, np.newaxis, :], pairs)[0][pairs], axis=1)
        for name, values in columns.items()
    }


def _dense(columns: dict[str, ak.Array], what: str, path: Path) -> Collection:
    """Lists as padded columns (B, P)."""
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


def particles_of(events: ak.Array, kind: JetKind, kept: ak.Array, jet: dict[str, Tensor], path: Path) -> Collection:
    """Candidates of each jet by falling PUPPI-weighted pT, with all columns that they have here."""
    index = events[f"{kind.links}_pFCandsIdx"]
    if bool(ak.any(index >= ak.num(events["PFCands_pt"], axis=1))) or bool(ak.any(index < 0)):
        raise UserError(f"{path}: {kind.links}_pFCandsIdx points outside PFCands; make the file anew")
    columns = {name: events[f"PFCands_{branch}"][index] for name, branch in CANDIDATES.items()}
    columns |= {name: events[f"{kind.links}_{branch}"] for name, branch in LINKS.items()}
    grouped = _by_jet(events, kind, columns, kept)
    empty_jets = ak.num(grouped["pt"], axis=1) == 0
    if bool(ak.any(empty_jets)):
        raise UserError(f"{path}: {kind.jets} {int(ak.argmax(empty_jets))} has no particles; remove such jets")
    c = _dense(grouped, kind.links, path)
    pt, track = c["pt"], c["dxy_error"] > 0  # -1 where a candidate has no track
    found = dict(c.columns)
    found |= {name: (torch.isin(c["pdg"].abs(), torch.tensor(ids)) & c.mask).float() for name, ids in _FLAGS.items()}
    found["track"] = (track & c.mask).float()
    found["is_lost_track"] = torch.zeros_like(pt)
    found["energy"] = (c["mass"].square() + (pt * c["eta"].cosh()).square()).sqrt() * c.mask
    for name in ("dxy", "dxy_error", "dz", "dz_error", "norm_chi2"):
        found[name] = torch.where(track, c[name], 0.0)
    found |= _not_stored(found, c.mask, jet)
    weight = c["puppi"] if kind.puppi else torch.ones_like(pt)
    order = torch.argsort(torch.where(c.mask, weight * pt, -1.0), dim=1, descending=True, stable=True)
    return Collection(found, c.mask).ordered(order, weight >= LEAST_PUPPI)


def _not_stored(c: dict[str, Tensor], mask: Tensor, jet: dict[str, Tensor]) -> dict[str, Tensor]:
    """What taggers of the trigger look at and PFNano leaves out: from what it has, hits as a typical track has them."""

    def momentum(of: dict[str, Tensor]) -> Tensor:
        return torch.stack([of["pt"] * of["phi"].cos(), of["pt"] * of["phi"].sin(), of["pt"] * of["eta"].sinh()], -1)

    axis = momentum(jet)
    along = along_axis(momentum(c), c, axis / axis.norm(dim=-1, keepdim=True))
    quality = c["vertex_quality"]
    origin = torch.where(quality >= 6, 3.0, torch.where(quality >= 4, 2.0, quality.clamp(max=1.0)))
    return {
        "from_pv": origin * mask,
        "decay_length": along["decay_length"] * c["track"],
        "sip2d": along["sip2d"] * c["track"],
        "pixel_hits": 4.0 * c["track"],
        "strip_hits": 8.0 * c["track"],
    }


def vertices_of(events: ak.Array, kind: JetKind, jets: dict[str, ak.Array], kept: ak.Array, path: Path) -> Collection:
    """Secondary vertices within each jet's radius by falling significance."""
    eta, phi = jets["eta"][kept], jets["phi"][kept]
    dphi = (phi[:, :, np.newaxis] - events["SV_phi"][:, np.newaxis, :] + np.pi) % (2 * np.pi) - np.pi
    deta = eta[:, :, np.newaxis] - events["SV_eta"][:, np.newaxis, :]
    near = deta**2 + dphi**2 < kind.radius**2
    columns = {
        name: ak.flatten(ak.broadcast_arrays(events[f"SV_{branch}"][:, np.newaxis, :], near)[0][near], axis=1)
        for name, branch in VERTICES.items()
    }
    c = _dense(columns, "SV", path)
    found = dict(c.columns)
    found["energy"] = (c["mass"].square() + (c["pt"] * c["eta"].cosh()).square()).sqrt() * c.mask
    found["cos_theta"] = -found.pop("angle").cos() * c.mask  # the angle is between momentum and the way back
    significance = torch.where(torch.isfinite(c["dxy_sig"]), c["dxy_sig"], 0.0)
    order = torch.argsort(torch.where(c.mask, significance, -torch.inf), dim=1, descending=True, stable=True)
    return Collection(found, c.mask).ordered(order)
