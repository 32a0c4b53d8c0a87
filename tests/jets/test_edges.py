"""Jets at the edge: no particle or one, coincident ones, nothing that moves, along the beam, back to back."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from tests.gradients import gradients
from zskt.jets.features import FULL
from zskt.jets.jets import Jets
from zskt.jets.tracks import impact_parameters, reconstruct
from zskt.jets.variables import (
    EVALUATOR_VARIABLES,
    JET_VARIABLES,
    JETCLASS_VARIABLES,
    KINEMATIC_VARIABLES,
    TRACK_VARIABLES,
    VERTEX_VARIABLES,
)


def jets_of(*momenta: tuple[float, float, float], displaced: float = 0.5, real: int = 2) -> Jets:
    """One jet of charged hadrons, the first ``real`` slots of it real, every column with a gradient."""
    p = torch.tensor(momenta)
    zero, one = torch.zeros(1, len(p)), torch.ones(1, len(p))
    px, py, pz = (column.unsqueeze(0) for column in p.unbind(1))
    energy = p.square().sum(1).sqrt().unsqueeze(0)
    columns = {f.name: zero for f in fields(Jets)} | {
        "px": px, "py": py, "pz": pz, "energy": energy, "charge": one, "is_charged_hadron": one,
        "d0": displaced * one, "d0_error": 0.04 * displaced * one, "dz": zero, "dz_error": 0.04 * displaced * one,
        "jet_pt": torch.hypot(px.sum(1, keepdim=True), py.sum(1, keepdim=True)),
        "jet_energy": energy.sum(1, keepdim=True),
    }  # fmt: skip
    mask = (torch.arange(len(p)) < real).unsqueeze(0)
    return Jets(**{k: v.clone().requires_grad_() for k, v in columns.items() if k != "mask"}, mask=mask)


ALONG_X, OBLIQUE, AT_REST = (100.0, 0.0, 0.0), (90.0, 50.0, 20.0), (0.0, 0.0, 0.0)
JETS_AT_THE_EDGE = {
    "none": jets_of(AT_REST, AT_REST, real=0),
    "one": jets_of(ALONG_X, AT_REST, real=1),
    "one at an angle": jets_of(OBLIQUE, AT_REST, real=1),
    "two that coincide": jets_of(OBLIQUE, OBLIQUE, AT_REST),
    "one without momentum": jets_of(OBLIQUE, AT_REST),
    "all without momentum": jets_of(AT_REST, AT_REST),
    "one along the beam": jets_of(ALONG_X, (0.0, 0.0, 10.0)),
    "back to back": jets_of(ALONG_X, (-100.0, 0.0, 0.0)),
    "neither displaced nor measured": jets_of(ALONG_X, OBLIQUE, displaced=0.0),
}


def leaves_of(jets: Jets) -> list[Tensor]:
    return [getattr(jets, f.name) for f in fields(jets) if f.name != "mask"]


@pytest.mark.parametrize("case", JETS_AT_THE_EDGE)
def test_features_of_odd_jets_have_finite_gradients_and_padding_has_none(case: str) -> None:
    jets = JETS_AT_THE_EDGE[case]
    points, features, mask = FULL(jets)
    assert torch.isfinite(features).all() and (features * ~mask == 0).all()
    gradients(points, *leaves_of(jets))
    gradients(jets.mass, *leaves_of(jets))
    of_px = gradients(features, *leaves_of(jets))[0]
    assert (of_px[~jets.mask] == 0).all()


@pytest.mark.parametrize("case", JETS_AT_THE_EDGE)
def test_quantities_of_odd_jets_have_finite_gradients(case: str) -> None:
    jets = JETS_AT_THE_EDGE[case]
    reconstructed = reconstruct(jets, 0.4, lost=True)
    tables = [
        (reconstructed.particles, KINEMATIC_VARIABLES | TRACK_VARIABLES),
        (reconstructed.particles, JETCLASS_VARIABLES | EVALUATOR_VARIABLES),
    ]
    tables += [
        (reconstructed.lost_tracks, KINEMATIC_VARIABLES | TRACK_VARIABLES),
        (reconstructed.vertices, KINEMATIC_VARIABLES | VERTEX_VARIABLES),
        (reconstructed.particles, JET_VARIABLES),
    ]
    for collection, table in tables:
        for name, definition in table.items():
            y = definition.quantity(collection, reconstructed.jet)
            assert torch.isfinite(y).all(), name
            if y.requires_grad:
                gradients(y, *leaves_of(jets))


def test_a_lone_track_has_all_the_energy_and_runs_along_the_axis() -> None:
    reconstructed = reconstruct(JETS_AT_THE_EDGE["one"], 0.8)
    value = {
        name: KINEMATIC_VARIABLES[name].quantity(reconstructed.particles, reconstructed.jet)
        for name in ("erel", "erel_log", "deltar")
    }
    assert [float(v.detach()) for v in value.values()] == pytest.approx([1, 0, 0], abs=1e-5)
    assert float(
        EVALUATOR_VARIABLES["ppara_ratio"].quantity(reconstructed.particles, reconstructed.jet).detach()
    ) == pytest.approx(1)
    empty = reconstruct(JETS_AT_THE_EDGE["none"], 0.8)
    assert float(KINEMATIC_VARIABLES["erel"].quantity(empty.particles, empty.jet).detach()) == 0


def test_coincident_tracks_do_not_tell_where_they_come_from() -> None:
    assert not reconstruct(JETS_AT_THE_EDGE["two that coincide"], 0.8).vertices.mask.any()


def test_slopes_of_impact_parameters_are_right() -> None:
    regular = [
        torch.tensor([[v, 0.7 * v]], dtype=torch.double, requires_grad=True) for v in (0.3, -0.2, 0.1, 0.02, 0.03)
    ]
    axis = torch.tensor([[[0.8, 0.0, 0.6]]], dtype=torch.double)

    def quantities(*columns: Tensor) -> tuple[Tensor, ...]:
        eta, dxy, dz, dxy_error, dz_error = columns
        p = torch.stack([eta.cos(), eta.sin(), eta.sinh()], -1)
        t = {"eta": eta, "phi": eta, "dxy": dxy, "dz": dz, "dxy_error": dxy_error, "dz_error": dz_error}
        return tuple(impact_parameters(p, t, axis).values())

    assert torch.autograd.gradcheck(quantities, regular)
