"""The variables of ``preprocess.json`` whose meaning is known: name -> raw quantity of reconstructed jets.

Definitions: CMSSW, RecoBTag/FeatureTools: `DeepBoostedJetTagInfoProducer` for names like pfcand_* and sv_*,
`ParticleNetFeatureEvaluator` for names like jet_pfcand_*, jet_sv_*, jet_losttrack_*, which differ in signs; the
configuration of JetClass (arXiv:2202.03772) for part_*. With other prefixes, the first of these that knows the rest.

Shapes: B jets, P entries. GeV, cm, radians.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from .reconstructed import Collection

Jet = Mapping[str, Tensor]
Quantity = Callable[[Collection, Jet], Tensor]
"""Entries of a collection, (B, P) columns, and their jet, (B, 1) columns -> (B, P)."""

PION = 0.1396  # GeV
MISSING_LOG = -99.0  # CMSSW's value of a logarithm that is none


class Meaning(NamedTuple):
    """What a variable is."""

    quantity: Quantity
    words: str
    """For the report at the start of a run."""
    needs: tuple[str, ...]
    """Columns that must be there."""
    whole: bool = False
    """Whether its values are whole numbers."""


def _log(x: Tensor) -> Tensor:
    return torch.where(x > 0, x.clamp(min=1e-12).log(), torch.full_like(x, MISSING_LOG))


def _sign(jet: Jet) -> Tensor:
    return torch.where(jet["eta"] > 0, 1.0, -1.0)


def _wrapped(phi: Tensor) -> Tensor:
    return torch.remainder(phi + torch.pi, 2 * torch.pi) - torch.pi


def _dphi(c: Collection, jet: Jet) -> Tensor:
    return _wrapped(c["phi"] - jet["phi"])


def _distance(c: Collection, jet: Jet) -> Tensor:
    return ((c["eta"] - jet["eta"]).square() + _dphi(c, jet).square() + 1e-12).sqrt()


def _significance(value: str, error: str) -> Quantity:
    """value / error, 0 where there is no error."""

    def quantity(c: Collection, jet: Jet) -> Tensor:
        has = c[error] > 0
        return torch.where(has, c[value] / torch.where(has, c[error], 1.0), 0.0)

    return quantity


def _column(name: str, words: str, whole: bool = False) -> Meaning:
    return Meaning(lambda c, jet: c[name], words, (name,), whole)


def _absolute(meaning: Meaning) -> Meaning:
    return meaning._replace(quantity=lambda c, jet: meaning.quantity(c, jet).abs(), words=f"|{meaning.words}|")


def _in_jet(quantity: Quantity, words: str) -> Meaning:
    return Meaning(quantity, words, ("eta", "phi"))


DXY_SIG = Meaning(_significance("dxy", "dxy_error"), "dxy / its error", ("dxy", "dxy_error"))
DZ_SIG = Meaning(_significance("dz", "dz_error"), "dz / its error", ("dz", "dz_error"))
DETA = _in_jet(lambda c, jet: _sign(jet) * (c["eta"] - jet["eta"]), "pseudorapidity from the jet's axis, outwards")

KINEMATICS: dict[str, Meaning] = {
    "pt": _column("pt", "transverse momentum"),
    "pt_log": Meaning(lambda c, jet: _log(c["pt"]), "ln pT", ("pt",)),
    "e": _column("energy", "energy"),
    "e_log": Meaning(lambda c, jet: _log(c["energy"]), "ln E", ("energy",)),
    "px": Meaning(lambda c, jet: c["pt"] * c["phi"].cos(), "px", ("pt", "phi")),
    "py": Meaning(lambda c, jet: c["pt"] * c["phi"].sin(), "py", ("pt", "phi")),
    "pz": Meaning(lambda c, jet: c["pt"] * c["eta"].sinh(), "pz", ("pt", "eta")),
    "eta": _column("eta", "pseudorapidity"),
    "abseta": Meaning(lambda c, jet: c["eta"].abs(), "|pseudorapidity|", ("eta",)),
    "phi": _column("phi", "azimuth"),
    "mass": _column("mass", "mass"),
    "etarel": DETA,
    "deta": DETA,
    "phirel": _in_jet(_dphi, "azimuth from the jet's axis"),
    "dphi": _in_jet(_dphi, "azimuth from the jet's axis"),
    "deltar": _in_jet(_distance, "distance from the jet's axis"),
    "ptrel": Meaning(lambda c, jet: c["pt"] / jet["pt"], "pT / jet's", ("pt",)),
    "ptrel_log": Meaning(lambda c, jet: _log(c["pt"] / jet["pt"]), "ln of pT / jet's", ("pt",)),
    "erel": Meaning(lambda c, jet: c["energy"] / jet["energy"], "E / jet's", ("energy",)),
    "erel_log": Meaning(lambda c, jet: _log(c["energy"] / jet["energy"]), "ln of E / jet's", ("energy",)),
}
TRACKS: dict[str, Meaning] = {
    "charge": _column("charge", "charge", whole=True),
    "isel": _column("is_electron", "electron?", whole=True),
    "ismu": _column("is_muon", "muon?", whole=True),
    "isgamma": _column("is_photon", "photon?", whole=True),
    "ischargedhad": _column("is_charged_hadron", "charged hadron?", whole=True),
    "isneutralhad": _column("is_neutral_hadron", "neutral hadron?", whole=True),
    "islosttrack": _column("is_lost_track", "lost track?", whole=True),
    "puppiw": _column("puppi", "weight by PUPPI"),
    "vtx_ass": _column("vertex_quality", "quality of association with the vertex", whole=True),
    "frompv": _column("from_pv", "association with the primary vertex", whole=True),
    "lostinnerhits": _column("lost_inner_hits", "lost inner hits", whole=True),
    "normchi2": Meaning(
        lambda c, jet: torch.where(c["track"] > 0, c["norm_chi2"].floor(), 999.0),
        "chi2 / ndof of the track, floored, 999 without one",
        ("norm_chi2", "track"),
        whole=True,
    ),
    "track_chi2": _column("norm_chi2", "chi2 / ndof of the track, 0 without one"),
    "quality": _column("track_quality", "quality mask of the track", whole=True),
    "dz": _column("dz", "longitudinal impact parameter"),
    "dzsig": DZ_SIG,
    "dxy": _column("dxy", "transverse impact parameter"),
    "dxysig": DXY_SIG,
    "dzerr": _column("dz_error", "error of dz"),
    "dxyerr": _column("dxy_error", "error of dxy"),
    "btagetarel": _column("eta_rel", "pseudorapidity about the jet's axis"),
    "btagptratio": _column("pt_ratio", "momentum across the jet's axis / momentum"),
    "btagpparratio": _column("ppar_ratio", "momentum along the jet's axis / momentum"),
    "btagsip2dval": _column("sip2d", "signed transverse impact parameter"),
    "btagsip2dsig": Meaning(_significance("sip2d", "dxy_error"), "its significance", ("sip2d", "dxy_error")),
    "btagsip3dval": _column("sip3d", "signed impact parameter in space"),
    "btagsip3dsig": _column("sip3d_sig", "its significance"),
    "btagjetdistval": _column("jet_distance", "distance of track and jet's axis"),
    "decaylen": _column("decay_length", "signed decay length along the jet's axis"),
    "npixhits": _column("pixel_hits", "pixel hits", whole=True),
    "nstriphits": _column("strip_hits", "strip layers", whole=True),
    "nhits": Meaning(
        lambda c, jet: c["pixel_hits"] + c["strip_hits"], "hits", ("pixel_hits", "strip_hits"), whole=True
    ),
}
VERTICES: dict[str, Meaning] = {
    "ntracks": _column("tracks", "tracks of the vertex", whole=True),
    "normchi2": _column("norm_chi2", "chi2 / ndof of the vertex"),
    "chi2": _column("norm_chi2", "chi2 / ndof of the vertex"),
    "dxy": _column("dxy", "transverse flight distance"),
    "dxysig": _column("dxy_sig", "its significance"),
    "d3d": _column("d3d", "flight distance"),
    "d3dsig": _column("d3d_sig", "its significance"),
    "costhetasvpv": _column("cos_theta", "cosine of momentum and flight direction"),
}
JETS: dict[str, Meaning] = {
    name: Meaning(lambda c, jet, key=key: jet[key], words, ())  # type: ignore[misc]
    for name, key, words in (
        ("pt", "pt", "jet's pT"), ("eta", "eta", "jet's pseudorapidity"), ("phi", "phi", "jet's azimuth"),
        ("mass", "mass", "jet's mass"), ("energy", "energy", "jet's energy"), ("e", "energy", "jet's energy"),
    )
}  # fmt: skip
JETS |= {
    "abseta": Meaning(lambda c, jet: jet["eta"].abs(), "jet's |pseudorapidity|", ()),
    "pt_log": Meaning(lambda c, jet: _log(jet["pt"]), "ln of the jet's pT", ()),
    "e_log": Meaning(lambda c, jet: _log(jet["energy"]), "ln of the jet's energy", ()),
    "mass_log": Meaning(lambda c, jet: _log(jet["mass"]), "ln of the jet's mass", ()),
}
EVALUATOR: dict[str, Meaning] = {
    "deta": _in_jet(lambda c, jet: jet["eta"] - c["eta"], "jet's pseudorapidity less its own"),
    "dphi": _in_jet(lambda c, jet: -_dphi(c, jet), "jet's azimuth less its own"),
    "etarel": Meaning(lambda c, jet: about_axis(c, jet), "pseudorapidity about the jet's axis", ("pt", "eta", "phi")),
    "pperp_ratio": Meaning(lambda c, jet: across(c, jet), "momentum across the jet's axis / momentum", ("eta", "phi")),
    "ppara_ratio": Meaning(lambda c, jet: along(c, jet), "momentum along the jet's axis / momentum", ("eta", "phi")),
    "id": Meaning(lambda c, jet: particle_id(c), "number of its kind", ("charge",), whole=True),
    "dzsig": _absolute(DZ_SIG),
    "dxysig": _absolute(DXY_SIG),
    "trackjet_d3d": TRACKS["btagsip3dval"],
    "trackjet_d3dsig": _absolute(TRACKS["btagsip3dsig"]),
    "trackjet_dist": Meaning(lambda c, jet: -c["jet_distance"], "distance of track and jet's axis", ("jet_distance",)),
    "trackjet_decayl": TRACKS["decaylen"],
}
"""Where `ParticleNetFeatureEvaluator` means something else by particles' and lost tracks' names."""
EVALUATOR_VERTICES: dict[str, Meaning] = {
    "deta": _in_jet(lambda c, jet: c["eta"] - jet["eta"], "pseudorapidity less the jet's"),
    "dphi": _in_jet(lambda c, jet: c["phi"] - jet["phi"], "azimuth less the jet's, not wrapped"),
}
JETCLASS: dict[str, Meaning] = {
    "d0": Meaning(lambda c, jet: (-10 * c["dxy"]).tanh(), "tanh of d0 in mm", ("dxy",)),
    "d0val": Meaning(lambda c, jet: -10 * c["dxy"], "d0 in mm", ("dxy",)),
    "d0err": Meaning(lambda c, jet: (10 * c["dxy_error"]).clamp(0, 1), "error of d0 in mm", ("dxy_error",)),
    "dz": Meaning(lambda c, jet: (10 * c["dz"]).tanh(), "tanh of dz in mm", ("dz",)),
    "dzval": Meaning(lambda c, jet: 10 * c["dz"], "dz in mm", ("dz",)),
    "dzerr": Meaning(lambda c, jet: (10 * c["dz_error"]).clamp(0, 1), "error of dz in mm", ("dz_error",)),
}

SAME = {
    "energy": "e", "energy_log": "e_log", "pt_log_nopuppi": "pt_log", "e_log_nopuppi": "e_log", "logpt": "pt_log",
    "log_pt": "pt_log", "log_e": "e_log", "loge": "e_log", "log_energy": "e_log", "logptrel": "ptrel_log",
    "logerel": "erel_log", "dr": "deltar", "delta_r": "deltar", "iselectron": "isel", "ismuon": "ismu",
    "isphoton": "isgamma", "ischargedhadron": "ischargedhad", "isneutralhadron": "isneutralhad",
    "puppiweight": "puppiw", "nlostinnerhits": "lostinnerhits", "track_qual": "quality", "trkquality": "quality",
    "ntrack": "ntracks", "d0sig": "dxysig", "etarel_btag": "btagetarel", "trk_chi2": "track_chi2",
    "eta_rel": "etarel", "phi_rel": "phirel", "abs_eta": "abseta", "q": "charge", "m": "mass",
}  # fmt: skip
"""Other spellings of a name."""


def across(c: Collection, jet: Jet) -> Tensor:
    """Sine of the angle between a particle's momentum and the jet's axis."""
    return (1 - along(c, jet).square()).clamp(min=1e-12).sqrt() * c.mask


def along(c: Collection, jet: Jet) -> Tensor:
    """Its cosine."""
    transverse = 1 / (c["eta"].cosh() * jet["eta"].cosh())
    return (transverse * _dphi(c, jet).cos() + c["eta"].tanh() * jet["eta"].tanh()).clamp(-1, 1) * c.mask


def particle_id(c: Collection) -> Tensor:
    """0 to 4, as `ParticleNetFeatureEvaluator` numbers kinds of particles."""
    kinds = ("is_electron", "is_muon", "is_photon", "is_neutral_hadron", "is_charged_hadron")
    return torch.stack([i * c[name] for i, name in enumerate(kinds)]).sum(0)


def about_axis(c: Collection, jet: Jet) -> Tensor:
    """Rapidity of a particle along the jet's axis, taken for a pion: `reco::btau::etaRel`."""
    size = c["pt"] * c["eta"].cosh()
    energy, parallel = (size.square() + PION**2).sqrt(), along(c, jet) * size
    return 0.5 * torch.log((energy + parallel).clamp(min=1e-6) / (energy - parallel).clamp(min=1e-6)) * c.mask


COLLECTION = re.compile(r"^(jet_)?(sv|vtx|vertex|vertices)(_|$)", re.IGNORECASE)
LOST = re.compile(r"^(jet_)?(losttrack|lt)(_|$)", re.IGNORECASE)
PARTICLE = re.compile(
    r"(^|_)([cn]?pf\w*|part|particles?|cands?|candidates?|constituents?|tracks?|trk|muons?|electrons?|photons?)(_|$)",
    re.IGNORECASE,
)
SUBSETS = {
    "cpf": ("charge",), "npf": ("is_photon", "is_neutral_hadron"), "muon": ("is_muon",), "mu": ("is_muon",),
    "electron": ("is_electron",), "el": ("is_electron",), "photon": ("is_photon",), "cpfcand": ("charge",),
    "cpfcandlt": ("charge",), "npfcand": ("is_photon", "is_neutral_hadron"),
}  # fmt: skip
"""Inputs that hold only some of the particles, by a word of their name: those of which a column is not zero."""


KNOWN = {
    "jet", "pf", "pfcand", "pfcands", "cpf", "npf", "cpfcand", "cpfcandlt", "npfcand", "part", "particle", "particles",
    "cand", "cands", "constituent", "track", "trk", "losttrack", "lt", "sv", "vtx", "vertex", "fj", "fatjet", "event",
    "muon", "electron",
}  # fmt: skip
"""Words that only say what objects a variable is of."""
FOREIGN = {"hcal", "ecal", "calo", "gen", "softdrop", "sd", "groomed", "pruned", "subjet", "raw", "corrected"}
"""Words that make something else of what follows."""


def kind_of(names: tuple[str, ...], group: str = "") -> str:
    """Which objects variables of these names belong to: "vertices", "lost_tracks", "particles" or "jet".

    Args:
        group: name of their input, which decides where the variables' names do not.
    """
    first = next((name for name in names if not name.endswith("mask")), names[0])
    kinds = (("vertices", COLLECTION), ("lost_tracks", LOST), ("particles", PARTICLE))
    for text in (first, group):
        for kind, pattern in kinds:
            if pattern.search(text):
                return kind
        if text.lower().startswith(("jet", "fj", "fatjet", "event", "global")):
            return "jet"
    return "particles"


def meaning(name: str, kind: str) -> Meaning | None:
    """What a variable of objects of this kind is; None where that is not known."""
    lower = name.lower()
    tables: list[dict[str, Meaning]]
    if kind == "jet":
        tables = [JETS]
    elif kind == "vertices":
        tables = [EVALUATOR_VERTICES] if lower.startswith("jet_") else []
        tables += [VERTICES, KINEMATICS]
    else:
        tables = [EVALUATOR] if lower.startswith("jet_") else [JETCLASS] if lower.startswith("part_") else []
        tables += [TRACKS, KINEMATICS]
    words = lower.split("_")
    for i in range(len(words)):
        # In front there may be words for the objects, and first of all one of the user's own.
        front = words[:i]
        if any(w in FOREIGN or (w not in KNOWN and j > 0) for j, w in enumerate(front)):
            break
        rest = "_".join(words[i:])
        for table in tables:
            found = table.get(rest) or table.get(SAME.get(rest, rest))
            if found is not None:
                return found
    return None
