"""Definitions of the input variables of taggers: a name without its prefix -> the raw quantity of reconstructed jets.

Sources: CMSSW, RecoBTag/FeatureTools: `DeepBoostedJetTagInfoProducer` (`KINEMATIC_VARIABLES`, `TRACK_VARIABLES`,
`VERTEX_VARIABLES`) and `ParticleNetFeatureEvaluator` (`EVALUATOR_VARIABLES`), which differ in signs; the configuration
of JetClass, arXiv:2202.03772 (`JETCLASS_VARIABLES`), and the branches of its files (`RAW_VARIABLES`).

Shapes: B jets, P entries. GeV, cm, radians.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from zskt.jets.axis import Jet, cos_to_axis, distance, dphi, rapidity_to_axis, sin_to_axis
from zskt.jets.collections import OF_EVERY_PARTICLE, Collection

Quantity = Callable[[Collection, Jet], Tensor]
"""Function of a collection with columns (B, P) and its jet with columns (B, 1); returns (B, P)."""

KINDS = ("is_electron", "is_muon", "is_photon", "is_neutral_hadron", "is_charged_hadron")
MISSING_LOG = -99.0  # CMSSW's value for the logarithm of what is not positive


class VariableDefinition(NamedTuple):
    """How a variable is computed, and what it is in words."""

    quantity: Quantity
    """Compute its raw values."""
    words: str
    """Its meaning, for the report at the start of a run."""
    needs: tuple[str, ...]
    """Names of the columns that it is computed from."""
    is_integer: bool = False
    """Whether its values are whole numbers."""


def _log(x: Tensor) -> Tensor:
    return torch.where(x > 0, x.clamp(min=1e-12).log(), torch.full_like(x, MISSING_LOG))


def _sign(jet: Jet) -> Tensor:
    return torch.where(jet["eta"] > 0, 1.0, -1.0)


def _energy_share(c: Collection, jet: Jet) -> Tensor:
    """Return the energy over the jet's; 0 in a jet of nothing."""
    return c["energy"] / jet["energy"].clamp(min=1e-9)


def _number_of_kind(c: Collection, jet: Jet) -> Tensor:
    """Number the kinds of particles from 0 to 4, as `ParticleNetFeatureEvaluator` does."""
    return torch.stack([i * c[name] for i, name in enumerate(KINDS)]).sum(0)


def _significance(value: str, error: str) -> Quantity:
    """Make the quantity value / error, 0 where there is no error."""

    def quantity(c: Collection, jet: Jet) -> Tensor:
        has = c[error] > 0
        return torch.where(has, c[value] / torch.where(has, c[error], 1.0), 0.0)

    return quantity


def _column(name: str, words: str, is_integer: bool = False) -> VariableDefinition:
    return VariableDefinition(lambda c, jet: c[name], words, (name,), is_integer)


def _absolute(signed: VariableDefinition) -> VariableDefinition:
    return signed._replace(quantity=lambda c, jet: signed.quantity(c, jet).abs(), words=f"|{signed.words}|")


def _in_jet(quantity: Quantity, words: str) -> VariableDefinition:
    return VariableDefinition(quantity, words, ("eta", "phi"))


DXY_SIG = VariableDefinition(_significance("dxy", "dxy_error"), "dxy / its error", ("dxy", "dxy_error"))
DZ_SIG = VariableDefinition(_significance("dz", "dz_error"), "dz / its error", ("dz", "dz_error"))
DETA = _in_jet(lambda c, jet: _sign(jet) * (c["eta"] - jet["eta"]), "pseudorapidity from the jet's axis, outwards")

KINEMATIC_VARIABLES: dict[str, VariableDefinition] = {
    "pt": _column("pt", "transverse momentum"),
    "pt_log": VariableDefinition(lambda c, jet: _log(c["pt"]), "ln pT", ("pt",)),
    "e": _column("energy", "energy"),
    "e_log": VariableDefinition(lambda c, jet: _log(c["energy"]), "ln E", ("energy",)),
    "px": VariableDefinition(lambda c, jet: c["pt"] * c["phi"].cos(), "px", ("pt", "phi")),
    "py": VariableDefinition(lambda c, jet: c["pt"] * c["phi"].sin(), "py", ("pt", "phi")),
    "pz": VariableDefinition(lambda c, jet: c["pt"] * c["eta"].sinh(), "pz", ("pt", "eta")),
    "eta": _column("eta", "pseudorapidity"),
    "abseta": VariableDefinition(lambda c, jet: c["eta"].abs(), "|pseudorapidity|", ("eta",)),
    "phi": _column("phi", "azimuth"),
    "mass": _column("mass", "mass"),
    "p": VariableDefinition(lambda c, jet: c["pt"] * c["eta"].cosh(), "momentum", ("pt", "eta")),
    "theta": VariableDefinition(
        lambda c, jet: torch.atan2(1 / c["eta"].cosh(), c["eta"].tanh()), "polar angle", ("eta",)
    ),
    "etarel": DETA,
    "deta": DETA,
    "phirel": _in_jet(dphi, "azimuth from the jet's axis"),
    "dphi": _in_jet(dphi, "azimuth from the jet's axis"),
    "deltar": _in_jet(distance, "distance from the jet's axis"),
    "ptrel": VariableDefinition(lambda c, jet: c["pt"] / jet["pt"], "pT / jet's", ("pt",)),
    "ptrel_log": VariableDefinition(lambda c, jet: _log(c["pt"] / jet["pt"]), "ln of pT / jet's", ("pt",)),
    "erel": VariableDefinition(_energy_share, "E / jet's", ("energy",)),
    "erel_log": VariableDefinition(lambda c, jet: _log(_energy_share(c, jet)), "ln of E / jet's", ("energy",)),
}
TRACK_VARIABLES: dict[str, VariableDefinition] = {
    "charge": _column("charge", "charge", is_integer=True),
    "isel": _column("is_electron", "electron?", is_integer=True),
    "ismu": _column("is_muon", "muon?", is_integer=True),
    "isgamma": _column("is_photon", "photon?", is_integer=True),
    "ischargedhad": _column("is_charged_hadron", "charged hadron?", is_integer=True),
    "isneutralhad": _column("is_neutral_hadron", "neutral hadron?", is_integer=True),
    "islosttrack": _column("is_lost_track", "lost track?", is_integer=True),
    "puppiw": _column("puppi", "weight by PUPPI"),
    "vtx_ass": _column("vertex_quality", "quality of association with the vertex", is_integer=True),
    "frompv": _column("from_pv", "association with the primary vertex", is_integer=True),
    "lostinnerhits": _column("lost_inner_hits", "lost inner hits", is_integer=True),
    "normchi2": VariableDefinition(
        lambda c, jet: torch.where(c["track"] > 0, c["norm_chi2"].floor(), 999.0),
        "chi2 / ndof of the track, floored, 999 without one",
        ("norm_chi2", "track"),
        is_integer=True,
    ),
    "track_chi2": _column("norm_chi2", "chi2 / ndof of the track, 0 without one"),
    "quality": _column("track_quality", "quality mask of the track", is_integer=True),
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
    "btagsip2dsig": VariableDefinition(_significance("sip2d", "dxy_error"), "its significance", ("sip2d", "dxy_error")),
    "btagsip3dval": _column("sip3d", "signed impact parameter in space"),
    "btagsip3dsig": _column("sip3d_sig", "its significance"),
    "btagjetdistval": _column("jet_distance", "distance of track and jet's axis"),
    "decaylen": _column("decay_length", "signed decay length along the jet's axis"),
    "npixhits": _column("pixel_hits", "pixel hits", is_integer=True),
    "nstriphits": _column("strip_hits", "strip layers", is_integer=True),
    "nhits": VariableDefinition(
        lambda c, jet: c["pixel_hits"] + c["strip_hits"], "hits", ("pixel_hits", "strip_hits"), is_integer=True
    ),
}
VERTEX_VARIABLES: dict[str, VariableDefinition] = {
    "ntracks": _column("tracks", "tracks of the vertex", is_integer=True),
    "normchi2": _column("norm_chi2", "chi2 / ndof of the vertex"),
    "chi2": _column("norm_chi2", "chi2 / ndof of the vertex"),
    "dxy": _column("dxy", "transverse flight distance"),
    "dxysig": _column("dxy_sig", "its significance"),
    "d3d": _column("d3d", "flight distance"),
    "d3dsig": _column("d3d_sig", "its significance"),
    "costhetasvpv": _column("cos_theta", "cosine of momentum and flight direction"),
}
JET_VARIABLES: dict[str, VariableDefinition] = {
    name: VariableDefinition(lambda c, jet, key=key: jet[key], words, ())  # type: ignore[misc]
    for name, key, words in (
        ("pt", "pt", "jet's pT"), ("eta", "eta", "jet's pseudorapidity"), ("phi", "phi", "jet's azimuth"),
        ("mass", "mass", "jet's mass"), ("energy", "energy", "jet's energy"), ("e", "energy", "jet's energy"),
    )
}  # fmt: skip
JET_VARIABLES |= {
    "abseta": VariableDefinition(lambda c, jet: jet["eta"].abs(), "jet's |pseudorapidity|", ()),
    "pt_log": VariableDefinition(lambda c, jet: _log(jet["pt"]), "ln of the jet's pT", ()),
    "e_log": VariableDefinition(lambda c, jet: _log(jet["energy"]), "ln of the jet's energy", ()),
    "mass_log": VariableDefinition(lambda c, jet: _log(jet["mass"]), "ln of the jet's mass", ()),
}
EVALUATOR_VARIABLES: dict[str, VariableDefinition] = {
    "deta": _in_jet(lambda c, jet: jet["eta"] - c["eta"], "jet's pseudorapidity less its own"),
    "dphi": _in_jet(lambda c, jet: -dphi(c, jet), "jet's azimuth less its own"),
    "etarel": VariableDefinition(rapidity_to_axis, "pseudorapidity about the jet's axis", ("pt", "eta", "phi")),
    "pperp_ratio": VariableDefinition(sin_to_axis, "momentum across the jet's axis / momentum", ("eta", "phi")),
    "ppara_ratio": VariableDefinition(cos_to_axis, "momentum along the jet's axis / momentum", ("eta", "phi")),
    "id": VariableDefinition(_number_of_kind, "number of its kind", KINDS, is_integer=True),
    "dzsig": _absolute(DZ_SIG),
    "dxysig": _absolute(DXY_SIG),
    "trackjet_d3d": TRACK_VARIABLES["btagsip3dval"],
    "trackjet_d3dsig": _absolute(TRACK_VARIABLES["btagsip3dsig"]),
    "trackjet_dist": VariableDefinition(
        lambda c, jet: -c["jet_distance"], "distance of track and jet's axis", ("jet_distance",)
    ),
    "trackjet_decayl": TRACK_VARIABLES["decaylen"],
}
"""Variables of particles and lost tracks by whose names `ParticleNetFeatureEvaluator` means something else."""
EVALUATOR_VERTEX_VARIABLES: dict[str, VariableDefinition] = {
    "deta": _in_jet(lambda c, jet: c["eta"] - jet["eta"], "pseudorapidity less the jet's"),
    "dphi": _in_jet(lambda c, jet: c["phi"] - jet["phi"], "azimuth less the jet's, not wrapped"),
}


def _of_every_particle(c: Collection, name: str) -> Tensor:
    """Return an impact parameter of all particles; of the tracks that CMS keeps where no other is known."""
    everywhere = OF_EVERY_PARTICLE[name]
    return c[everywhere] if everywhere in c else c[name]


def _in_mm(name: str, factor: float, words: str) -> VariableDefinition:
    """Define an impact parameter in mm, in the sign of the factor, as JetClass's files have it."""
    return VariableDefinition(lambda c, jet: factor * _of_every_particle(c, name), words, (name,))


def _tanh(raw: VariableDefinition) -> VariableDefinition:
    return raw._replace(quantity=lambda c, jet: raw.quantity(c, jet).tanh(), words=f"tanh of {raw.words}")


def _clipped(raw: VariableDefinition) -> VariableDefinition:
    return raw._replace(quantity=lambda c, jet: raw.quantity(c, jet).clamp(0, 1))


D0, DZ = _in_mm("dxy", -10, "d0 in mm"), _in_mm("dz", 10, "dz in mm")
D0_ERROR, DZ_ERROR = _in_mm("dxy_error", 10, "error of d0 in mm"), _in_mm("dz_error", 10, "error of dz in mm")
JETCLASS_VARIABLES: dict[str, VariableDefinition] = {
    "d0": _tanh(D0), "d0val": D0, "d0err": _clipped(D0_ERROR),
    "dz": _tanh(DZ), "dzval": DZ, "dzerr": _clipped(DZ_ERROR),
}  # fmt: skip
RAW_VARIABLES: dict[str, VariableDefinition] = {
    f"part_{name}": definition
    for name, definition in {
        **{
            name: KINEMATIC_VARIABLES[name]
            for name in ("px", "py", "pz", "pt", "eta", "phi", "p", "mass", "deta", "dphi")
        },
        "energy": KINEMATIC_VARIABLES["e"],
        "charge": TRACK_VARIABLES["charge"],
        "isChargedHadron": TRACK_VARIABLES["ischargedhad"],
        "isNeutralHadron": TRACK_VARIABLES["isneutralhad"],
        "isPhoton": TRACK_VARIABLES["isgamma"],
        "isElectron": TRACK_VARIABLES["isel"],
        "isMuon": TRACK_VARIABLES["ismu"],
        "d0val": D0,
        "d0err": D0_ERROR,
        "dzval": DZ,
        "dzerr": DZ_ERROR,
    }.items()
}
"""Branches of JetClass's files, and what they are usually called where they follow from these; nothing is clipped."""
