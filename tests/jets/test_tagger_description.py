"""What a run's folder records of a tagger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.toy_taggers import described
from zskt.errors import UserError
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
