"""Inputs of a network and those that are described."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachers.input_order import input_order
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup

GROUPS = [InputGroup(name, ()) for name in ("pf_points", "pf_features", "pf_mask")]
WHERE = (Path("model.pt"), Path("preprocess.json"))


def test_inputs_are_matched_by_name_else_by_position() -> None:
    assert input_order(["pf_mask__2", "pf_points__0", "pf_features__1"], GROUPS, *WHERE) == [2, 0, 1]
    assert input_order(["a", "b", "c"], GROUPS, *WHERE) == [0, 1, 2]
    numbered = [InputGroup(name, ()) for name in ("input__0", "input__1")]
    assert input_order(["input__1", "input__0"], numbered, *WHERE) == [1, 0]


def test_an_input_that_the_exporter_dropped_is_left_out() -> None:
    assert input_order(["pf_features", "pf_mask"], GROUPS, *WHERE) == [1, 2]
    assert input_order(["pf_mask__7"], GROUPS, *WHERE) == [2]


def test_another_number_of_inputs_names_the_first_that_is_odd() -> None:
    with pytest.raises(UserError, match=r"takes 2 inputs, preprocess\.json describes 3, the first .* is sv_mask; give"):
        input_order(["pf_mask", "sv_mask"], GROUPS, *WHERE)
    with pytest.raises(UserError, match=r"takes 4 inputs, preprocess\.json describes 3, the first .* is sv_mask; give"):
        input_order(["pf_points", "pf_features", "pf_mask", "sv_mask"], GROUPS, *WHERE)
