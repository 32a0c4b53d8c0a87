"""Raw values of variables, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from zskt.jets.collections import Collection
from zskt.jets.variables import (
    EVALUATOR_VARIABLES,
    JET_VARIABLES,
    JETCLASS_VARIABLES,
    KINEMATIC_VARIABLES,
    MISSING_LOG,
    TRACK_VARIABLES,
    VariableDefinition,
)

JET = {name: torch.tensor([[value]]) for name, value in (("pt", 100.0), ("eta", -0.5), ("phi", 0.0), ("energy", 120.0))}
COLUMNS = {
    "pt": [20.0, 0.0], "eta": [-0.7, 0.0], "phi": [0.1, 0.0], "energy": [25.0, 0.0], "dxy": [-0.02, 0.01],
    "dxy_error": [0.005, 0.0], "norm_chi2": [2.7, 0.0], "track": [1.0, 0.0], "is_electron": [0.0, 0.0],
    "is_muon": [1.0, 0.0], "is_photon": [0.0, 1.0], "is_neutral_hadron": [0.0, 0.0], "is_charged_hadron": [0.0, 0.0],
}  # fmt: skip
PARTICLES = Collection({k: torch.tensor([v]) for k, v in COLUMNS.items()}, torch.ones(1, 2).bool())


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (KINEMATIC_VARIABLES["pt_log"], [math.log(20), MISSING_LOG]),
        (KINEMATIC_VARIABLES["etarel"], [0.2, -0.5]),  # outwards: times the sign of the jet's own
        (KINEMATIC_VARIABLES["erel"], [25 / 120, 0.0]),
        (KINEMATIC_VARIABLES["pz"], [20 * math.sinh(-0.7), 0.0]),
        (TRACK_VARIABLES["dxysig"], [-4.0, 0.0]),  # no error, no significance
        (TRACK_VARIABLES["normchi2"], [2.0, 999.0]),
        (EVALUATOR_VARIABLES["dxysig"], [4.0, 0.0]),
        (EVALUATOR_VARIABLES["deta"], [0.2, -0.5]),
        (EVALUATOR_VARIABLES["id"], [1.0, 2.0]),
        (JETCLASS_VARIABLES["d0val"], [0.2, -0.1]),
        (JET_VARIABLES["abseta"], [0.5]),
    ],
)
def test_values(variable: VariableDefinition, expected: list[float]) -> None:
    assert variable.quantity(PARTICLES, JET)[0].tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_absolute_values_say_so() -> None:
    assert EVALUATOR_VARIABLES["dxysig"].words == "|dxy / its error|"
    assert EVALUATOR_VARIABLES["dxysig"].needs == ("dxy", "dxy_error")
