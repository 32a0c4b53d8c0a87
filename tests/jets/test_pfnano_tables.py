"""Tables of PFNano as collections of each jet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import torch

from zskt.errors import UserError
from zskt.jets.pfnano_tables import (
    CANDIDATE_BRANCHES,
    JET_KINDS,
    LINK_BRANCHES,
    VERTEX_BRANCHES,
    particles_of,
    vertices_of,
)

AK4, AK8 = JET_KINDS[0.4], JET_KINDS[0.8]
HERE = Path("a.root")


def test_vertices_belong_to_the_jets_that_they_are_near_by_falling_significance() -> None:
    columns: dict[str, Any] = {f"SV_{branch}": [[1.0, 1.0, 1.0], []] for branch in VERTEX_BRANCHES.values()}
    columns |= {"SV_eta": [[0.0, 0.1, 0.0], []], "SV_phi": [[3.1, 3.0, 0.0], []]}
    columns |= {"SV_dxySig": [[2.0, 5.0, 9.0], []], "SV_pAngle": [[0.0, math.pi, 0.0], []]}
    columns |= {"SV_mass": [[3.0, 3.0, 3.0], []], "SV_pt": [[4.0, 0.0, 4.0], []]}
    events = ak.Array(columns)
    # The first jet lies across the edge of the azimuth, the second is not selected, the third is alone in its event.
    jets = {"eta": ak.Array([[0.0, 0.0], [0.0]]), "phi": ak.Array([[-3.1, 0.0], [0.0]])}
    vertices = vertices_of(events, AK4, jets, ak.Array([[True, False], [True]]), HERE)
    assert vertices.mask.tolist() == [[True, True], [False, False]]
    assert vertices["dxy_sig"][0].tolist() == [5, 2]
    assert vertices["energy"][0].tolist() == [3, 5]  # the hypotenuse of mass and momentum
    assert vertices["cos_theta"][0].tolist() == pytest.approx([1, -1])
    assert not vertices["energy"][1].any()


def an_event(**changes: Any) -> ak.Array:
    """Three candidates, of which the jet has the last two."""
    columns: dict[str, Any] = {f"PFCands_{branch}": [[1.0, 1.0, 1.0]] for branch in CANDIDATE_BRANCHES.values()}
    for kind in (AK4, AK8):
        columns |= {f"{kind.links}_{branch}": [[0.5, 0.5]] for branch in LINK_BRANCHES.values()}
        columns |= {f"{kind.links}_jetIdx": [[0, 0]], f"{kind.links}_pFCandsIdx": [[1, 2]]}
    columns |= {"PFCands_pt": [[50.0, 3.0, 4.0]], "PFCands_eta": [[0.0, 0.0, 0.0]], "PFCands_mass": [[0.0, 4.0, 0.0]]}
    columns |= {"PFCands_pdgId": [[211, -13, 22]], "PFCands_puppiWeight": [[1.0, 1.0, 0.005]]}
    columns |= {"PFCands_d0Err": [[0.1, 0.1, -1.0]], "PFCands_d0": [[0.3, 0.3, 0.3]]}
    return ak.Array(columns | changes)


def particles(events: ak.Array, kind: Any = AK4) -> Any:
    """Particles of the only jet."""
    one = torch.ones(1, 1)
    return particles_of(events, kind, ak.Array([[True]]), {"pt": one, "eta": one, "phi": one}, HERE)


def test_candidates_are_those_of_the_jet_with_what_taggers_take() -> None:
    found = particles(an_event())
    assert found["pt"].tolist() == [[4, 3]] and found.mask.all()
    assert found["energy"].tolist() == [[4, 5]]
    assert (found["is_photon"].tolist(), found["is_muon"].tolist()) == ([[1, 0]], [[0, 1]])
    assert found["track"].tolist() == [[0, 1]]
    assert found["dxy"][0].tolist() == pytest.approx([0, 0.3])  # without a track there is no impact parameter
    weighted = particles(an_event(), AK8)
    assert weighted["pt"][weighted.mask].tolist() == [3]  # the photon's PUPPI weight is below 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"JetPFCands_pFCandsIdx": [[1, 3]]}, "JetPFCands_pFCandsIdx points outside PFCands"),
        ({"JetPFCands_jetIdx": [[1, 1]]}, "Jet 0 has no particles"),
        ({"PFCands_phi": [[0.0, math.nan, 0.0]]}, "JetPFCands, phi: NaN in jet 0"),
    ],
)
def test_tables_that_do_not_fit_are_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"a.root: {message}"):
        particles(an_event(**changes))
