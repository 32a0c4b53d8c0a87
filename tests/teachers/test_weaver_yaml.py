"""Weaver's YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from teachers.weaver_yaml import read_weaver_yaml
from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition
from zskt.jets.preprocess import Variable


def test_weavers_yaml_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(
        "inputs:\n  pf_features:\n    length: 30\n    vars:\n"
        "      - [part_pt_log, 1.7, 0.7]\n      - [part_charge, null]\n      - [part_dzerr, 0, 1, 0, 1]\n"
        "  pf_mask:\n    length: 30\n    vars: [[part_mask, null]]\n"
        "labels:\n  type: simple\n  value: [label_QCD, label_Hbb]\n"
    )
    preprocess = read_weaver_yaml(path)
    assert preprocess.outputs == ("label_QCD", "label_Hbb")
    assert preprocess.groups[0].variables[0] == Variable("part_pt_log", 1.7, 0.7, 0.0, -5.0, 5.0)
    assert preprocess.groups[0].variables[1] == Variable("part_charge")
    assert (preprocess.groups[0].variables[2].lower_bound, preprocess.groups[0].variables[2].upper_bound) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("inputs: {pf_features: {length: 3, vars: [[part_pt, auto]]}}\nlabels: {value: [a]}\n", "leaves medians"),
        (
            "preprocess: {method: auto}\ninputs: {pf_features: {vars: [part_pt]}}\nlabels: {value: [a]}\n",
            "leaves medians",
        ),
        ("inputs: {pf_features: {vars: [part_pt]}}\nlabels: [a]\n", "no inputs or no labels"),
        ("inputs: {pf_features: {vars: [part_pt]}}\nlabels: {value: 1.5}\n", "no inputs or no labels"),
        ("inputs: {pf_features: {}}\nlabels: {value: [a]}\n", "has no vars"),
        ("[", "not a readable YAML"),
    ],
)
def test_a_yaml_that_does_not_say_enough(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_weaver_yaml(path)


@pytest.mark.parametrize("listed", ["pfcand_pt_log", ["pfcand_pt_log", "auto"]])
def test_what_weaver_worked_out_counts(listed: object, tmp_path: Path) -> None:
    params = {"length": 50, "center": 0.8, "scale": 0.7, "min": -4, "max": 3, "pad_value": 1}
    content = {
        "preprocess": {"method": "auto", "params": {"pfcand_pt_log": params}},
        "inputs": {"pf_features": {"length": 50, "vars": [listed]}},
        "labels": {"type": "simple", "value": ["a", "b"]},
    }
    path = tmp_path / "net.auto.yaml"
    path.write_text(yaml.safe_dump(content))
    assert read_weaver_yaml(path).groups[0].variables == (Variable("pfcand_pt_log", 0.8, 0.7, 0.0, -4.0, 3.0, 1.0),)
    content["preprocess"] = {"method": "auto", "params": None}
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match="leaves medians and factors to weaver"):
        read_weaver_yaml(path)


def test_entries_repeated_for_want_of_others_need_a_mask(tmp_path: Path) -> None:
    content: dict[str, Any] = {
        "inputs": {"pf_features": {"length": 50, "pad_mode": "wrap", "vars": [["pfcand_pt_log", 1, 1]]}},
        "labels": {"type": "simple", "value": ["a", "b"]},
    }
    path = tmp_path / "net.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match="pad_mode wrap"):
        read_weaver_yaml(path)
    content["inputs"]["pf_mask"] = {"length": 50, "vars": [["pfcand_mask", None]]}
    path.write_text(yaml.safe_dump(content))
    assert len(read_weaver_yaml(path).groups) == 2


def test_new_variables_and_custom_labels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(
        "new_variables:\n  part_d0: part_d0val\n  part_mask: ak.ones_like(part_energy)\n"
        "inputs:\n  pf_features: {length: 30, vars: [[part_d0, null], [part_e, null], [part_e, null]]}\n"
        "  mask: {length: 30, vars: [[part_mask, null]]}\n"
        "labels: {type: custom, value: {truth_label: jet_label, target_mass: a / b}}\n"
    )
    preprocess = read_weaver_yaml(path)
    assert preprocess.definitions == (
        FileDefinition("part_d0", "part_d0val"), FileDefinition("part_mask", "ak.ones_like(part_energy)")
    )  # fmt: skip
    assert preprocess.groups[0].names == ("part_d0", "part_e", "part_e")
    assert [g.collection for g in preprocess.groups] == ["pf", "pf"]
    assert preprocess.outputs == ("truth_label", "target_mass") and preprocess.block == "truth_label"
    path.write_text(path.read_text().replace("labels:", "nothing:"))
    assert read_weaver_yaml(path).block == "label"
