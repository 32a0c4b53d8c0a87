"""Names of variables, and what they stand for."""

from __future__ import annotations

from zskt.jets.variable_names import find_variable, kind_of


def test_kinds_by_names() -> None:
    assert kind_of(("sv_mass",)) == kind_of(("jet_sv_mass",)) == "vertices"
    assert kind_of(("jet_losttrack_pt_log",)) == kind_of(("lt_pt",)) == "lost_tracks"
    assert kind_of(("jet_pfcand_pt_log",)) == kind_of(("part_px",)) == "particles"
    assert kind_of(("jet_pt", "jet_eta")) == "jet"
    assert find_variable("foo_pt_log", "particles") is find_variable("pfcand_pt_log_nopuppi", "particles")
    assert kind_of(("pt", "eta"), "jet_features") == "jet" and kind_of(("ntracks",), "sv_features") == "vertices"
    for foreign in ("pfcand_hcalFrac", "pfcand_hcal_energy", "pfcand_gen_pt"):
        assert find_variable(foreign, "particles") is None
    assert find_variable("jet_softdrop_mass", "jet") is None and find_variable("jet_mass", "jet") is not None
