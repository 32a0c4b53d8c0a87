"""What a tagger looks at."""

from __future__ import annotations

import pytest

from zskt.jets.features import FULL, KIN, KINPID
from zskt.jets.needed_fields import OPTIONAL_FIELDS, TRACK_FIELDS, fields_of
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tagger_inputs import TaggerInputs


@pytest.mark.parametrize(
    ("kind", "columns", "fields"),
    [
        ("particles", ("pt", "eta", "phi", "energy"), ()), ("particles", ("dxy",), ("charge", "d0")),
        ("particles", ("sip3d",), TRACK_FIELDS), ("particles", ("is_muon",), ("is_muon",)), ("jet", ("pt",), ()),
        ("vertices", (), TRACK_FIELDS), ("lost_tracks", ("pt",), ("charge",)),
    ],
)  # fmt: skip
def test_columns_follow_from_fields(kind: str, columns: tuple[str, ...], fields: tuple[str, ...]) -> None:
    assert fields_of(kind, columns) == set(fields)


def test_features_and_inputs_say_what_they_look_at() -> None:
    assert KIN.needed_fields() == frozenset() and FULL.needed_fields() == set(OPTIONAL_FIELDS)
    assert KINPID.needed_fields() == set(OPTIONAL_FIELDS[:6])
    group = InputGroup("npf_features", (Variable("npfcand_pt"),), 1, 30)
    assert TaggerInputs(preprocess=Preprocess((group,), ("a",))).needed_fields() == {"is_photon", "is_neutral_hadron"}
