"""Tell which fields of `Jets` a tagger looks at, beside momenta: a file needs to hold no others.

Columns are those of `zskt.jets.collections`, which `zskt.jets.tracks` computes from the fields.
"""

from __future__ import annotations

from collections.abc import Iterable

KINDS = ("is_charged_hadron", "is_neutral_hadron", "is_photon", "is_electron", "is_muon")
OPTIONAL_FIELDS = ("charge", *KINDS, "d0", "d0_error", "dz", "dz_error")
"""Fields of `Jets` that a tagger of kinematics does not look at."""
KINEMATIC_COLUMNS = ("pt", "eta", "phi", "energy", "mass", "puppi", "is_lost_track")
"""Columns that momenta are enough for."""
FIELDS_OF_COLUMN: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("charge", *KINDS)},
    **dict.fromkeys(KINEMATIC_COLUMNS, ()),
    **dict.fromkeys(("track", "eta_rel", "pt_ratio", "ppar_ratio", "norm_chi2", "track_quality"), ("charge",)),
    "dxy": ("charge", "d0"), "dxy_error": ("charge", "d0_error"), "dz": ("charge", "dz"),
    "dz_error": ("charge", "dz_error"), "vertex_quality": ("charge", "dz"), "from_pv": ("charge", "dz"),
    **dict.fromkeys(("pixel_hits", "lost_inner_hits", "strip_hits"), ("charge", "d0")),
}  # fmt: skip
"""Fields that a column of particles follows from; all of a track for those that are not named."""
TRACK_FIELDS = ("charge", "d0", "d0_error", "dz", "dz_error")


def fields_of(kind: str, columns: Iterable[str]) -> set[str]:
    """Return the optional fields of `Jets` that columns of objects of one kind follow from."""
    if kind == "jet":
        return set()
    if kind == "vertices":  # they are found among the tracks
        return set(TRACK_FIELDS)
    fields = {field for column in columns for field in FIELDS_OF_COLUMN.get(column, TRACK_FIELDS)}
    return fields | {"charge"} if kind == "lost_tracks" else fields
