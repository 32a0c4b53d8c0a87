"""What a run's folder records of a tagger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.toy_taggers import described
from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition
from zskt.jets.jets import AK8_SELECTION
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tagger_description import Description


def test_a_record_survives_json() -> None:
    outputs = ("mass_corr", "label_b", "label_c")
    description = Description(described(outputs), ("label_b", "label_c"), ("mass_corr",), 123)
    record = json.loads(json.dumps(description.to_record()))
    assert Description.from_record(record, Path("inputs.json")) == description


@pytest.mark.parametrize("record", [{}, {"inputs": 3}, {"inputs": [{"name": "pf"}], "outputs": [], "regressed": []}])
def test_another_file_is_told(record: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"run/inputs\.json: is not the record of a run's inputs"):
        Description.from_record(record, Path("run/inputs.json"))


def test_repeats_definitions_and_jets_are_kept() -> None:
    group = InputGroup("pf_features", (Variable("pfcand_e"), Variable("pfcand_e", 1.0)), 1, 40, entries="pf")
    preprocess = Preprocess((group,), ("a", "b"), (FileDefinition("part_x", "part_pt * 2"),))
    description = Description(
        preprocess, ("a", "b"), (), 5, selection=AK8_SELECTION, selection_reason="radius 0.8, from a test"
    )
    record = json.loads(json.dumps(description.to_record()))
    assert Description.from_record(record, Path("inputs.json")) == description


def test_earlier_records_are_read_as_then() -> None:
    numbers = [0.0, 1.0, 0.0, -1.0, 1.0, 0.0]
    record = {
        "inputs": [
            {"name": name, "lengths": [1, 40], "flat": False, "variables": {f"pfcand_{name}": numbers}}
            for name in ("points", "features", "pf_points__0", "pf_mask__1")
        ],
        "outputs": ["a"], "regressed": [], "parameters": 3,
    }  # fmt: skip
    description = Description.from_record(record, Path("inputs.json"))
    assert [g.collection for g in description.preprocess.groups] == ["points", "features", "pf", "pf"]
    assert description.selection is None
    assert description.preprocess.groups[0].variables == (Variable("pfcand_points", *numbers),)
