"""From the name of a variable in ``preprocess.json`` to what it is.

Names like pfcand_* and sv_* are those of one producer of CMSSW, jet_pfcand_*, jet_sv_* and jet_losttrack_* those of
another, part_* those of JetClass: see `meanings`. With other prefixes, the first of these that knows the rest.
"""

from __future__ import annotations

import re

from zskt.jets.variables import (
    EVALUATOR,
    EVALUATOR_VERTICES,
    JETCLASS,
    JETS,
    KINEMATICS,
    TRACKS,
    VERTICES,
    VariableDefinition,
)

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
EXCLUDED_WORDS = {"hcal", "ecal", "calo", "gen", "softdrop", "sd", "groomed", "pruned", "subjet", "raw", "corrected"}
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


def meaning(name: str, kind: str) -> VariableDefinition | None:
    """What a variable of objects of this kind is; None where that is not known."""
    lower = name.lower()
    tables: list[dict[str, VariableDefinition]]
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
        if any(w in EXCLUDED_WORDS or (w not in KNOWN and j > 0) for j, w in enumerate(front)):
            break
        rest = "_".join(words[i:])
        for table in tables:
            found = table.get(rest) or table.get(SAME.get(rest, rest))
            if found is not None:
                return found
    return None
