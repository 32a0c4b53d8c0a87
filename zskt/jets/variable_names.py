"""Look up what a variable of ``preprocess.json`` is by its name.

Names like pfcand_* and sv_* are those of one producer of CMSSW, jet_pfcand_*, jet_sv_* and jet_losttrack_* those of
another, part_* those of JetClass: see `zskt.jets.variables`. With other prefixes, the first of these that has the rest.
"""

from __future__ import annotations

import re

from zskt.jets.input_names import REPEAT_NUMBER
from zskt.jets.variables import (
    EVALUATOR_VARIABLES,
    EVALUATOR_VERTEX_VARIABLES,
    JET_VARIABLES,
    JETCLASS_VARIABLES,
    KINEMATIC_VARIABLES,
    TRACK_VARIABLES,
    VERTEX_VARIABLES,
    VariableDefinition,
)

SYNONYMS = {
    "energy": "e", "energy_log": "e_log", "pt_log_nopuppi": "pt_log", "e_log_nopuppi": "e_log", "logpt": "pt_log",
    "log_pt": "pt_log", "log_e": "e_log", "loge": "e_log", "log_energy": "e_log", "logptrel": "ptrel_log",
    "logerel": "erel_log", "dr": "deltar", "delta_r": "deltar", "iselectron": "isel", "ismuon": "ismu",
    "isphoton": "isgamma", "ischargedhadron": "ischargedhad", "isneutralhadron": "isneutralhad",
    "puppiweight": "puppiw", "nlostinnerhits": "lostinnerhits", "track_qual": "quality", "trkquality": "quality",
    "ntrack": "ntracks", "d0sig": "dxysig", "etarel_btag": "btagetarel", "trk_chi2": "track_chi2",
    "eta_rel": "etarel", "phi_rel": "phirel", "abs_eta": "abseta", "q": "charge", "m": "mass",
}  # fmt: skip
"""Other spellings of the names of variables."""

VERTEX_NAME = re.compile(r"^(jet_)?(sv|vtx|vertex|vertices)(_|$)", re.IGNORECASE)
LOST_TRACK_NAME = re.compile(r"^(jet_)?(losttrack|lt)(_|$)", re.IGNORECASE)
PARTICLE_NAME = re.compile(
    r"(^|_)([cn]?pf\w*|part|particles?|cands?|candidates?|constituents?|tracks?|trk|muons?|electrons?|photons?)(_|$)",
    re.IGNORECASE,
)
PARTICLE_SUBSETS = {
    "cpf": ("charge",), "npf": ("is_photon", "is_neutral_hadron"), "muon": ("is_muon",), "mu": ("is_muon",),
    "electron": ("is_electron",), "el": ("is_electron",), "photon": ("is_photon",), "cpfcand": ("charge",),
    "cpfcandlt": ("charge",), "npfcand": ("is_photon", "is_neutral_hadron"),
    "track": ("track",), "trk": ("track",),
}  # fmt: skip
"""Words in the names of inputs that hold only some particles, and the columns of which one is not zero for them."""
OBJECT_WORDS = {
    "jet", "pf", "pfcand", "pfcands", "cpf", "npf", "cpfcand", "cpfcandlt", "npfcand", "part", "particle", "particles",
    "cand", "cands", "constituent", "track", "trk", "losttrack", "lt", "sv", "vtx", "vertex", "fj", "fatjet", "event",
    "muon", "electron",
}  # fmt: skip
"""Words that only say which objects a variable is of."""
EXCLUDED_WORDS = {"hcal", "ecal", "calo", "gen", "softdrop", "sd", "groomed", "pruned", "subjet", "raw", "corrected"}
"""Words that make another variable of what follows."""


def kind_of(names: tuple[str, ...], group: str = "") -> str:
    """Tell which objects variables belong to: "vertices", "lost_tracks", "particles" or "jet".

    Args:
        names: names of the variables of one input.
        group: name of their input, which decides where the variables' names do not.
    """
    first = next((name for name in names if not name.endswith("mask")), names[0])
    kinds = (("vertices", VERTEX_NAME), ("lost_tracks", LOST_TRACK_NAME), ("particles", PARTICLE_NAME))
    for text in (first, group):
        for kind, pattern in kinds:
            if pattern.search(text):
                return kind
        if text.lower().startswith(("jet", "fj", "fatjet", "event", "global")):
            return "jet"
    return "particles"


def find_variable(name: str, kind: str) -> VariableDefinition | None:
    """Find the definition of a variable of objects of this kind; None where there is none."""
    lower = REPEAT_NUMBER.sub("", name.lower())
    tables: list[dict[str, VariableDefinition]]
    if kind == "jet":
        tables = [JET_VARIABLES]
    elif kind == "vertices":
        tables = [EVALUATOR_VERTEX_VARIABLES] if lower.startswith("jet_") else []
        tables += [VERTEX_VARIABLES, KINEMATIC_VARIABLES]
    else:
        tables = [EVALUATOR_VARIABLES] if lower.startswith("jet_") else []
        tables += [JETCLASS_VARIABLES] if lower.startswith("part_") else []
        tables += [TRACK_VARIABLES, KINEMATIC_VARIABLES]
    words = lower.split("_")
    for i in range(len(words)):
        # In front there may be words for the objects, and first of all one of the user's own.
        prefix = words[:i]
        if any(w in EXCLUDED_WORDS or (w not in OBJECT_WORDS and j > 0) for j, w in enumerate(prefix)):
            break
        rest = "_".join(words[i:])
        for table in tables:
            definition = table.get(rest) or table.get(SYNONYMS.get(rest, rest))
            if definition is not None:
                return definition
    return None
