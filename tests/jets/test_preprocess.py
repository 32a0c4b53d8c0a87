"""``preprocess.json``: read, written, and told what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.toy_taggers import described
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess, Variable, read_preprocess


def test_preprocess_is_read_and_written_in_cms_layout(tmp_path: Path) -> None:
    path = tmp_path / "preprocess.json"
    path.write_text(json.dumps(described().to_json()))
    assert read_preprocess(path) == described()
    raw = torch.tensor([0.0, 100.0, torch.inf, -torch.inf, torch.nan])
    v = Variable("x", 1.0, 0.5, 3.0, -5.0, 5.0)
    assert v(raw).tolist() == [-0.5, 5.0, 1.0, 1.0, 1.0]


def deep(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("pf_mask"), "says nothing of the input pf_mask"),
        (lambda d: d.update(output_names=[]), "output_names is empty"),
        (lambda d: d.update(output_names=["a", "a"]), "output_names has a twice"),
        (lambda d: d["pf_features"].pop("var_names"), "has no entry pf_features.var_names"),
        (
            lambda d: d["pf_features"]["var_infos"]["pfcand_charge"].update(median="x"),
            r"pfcand_charge.median is 'x', expected float",
        ),
        (lambda d: d["sv_mask"].update(min_length=9), "lengths from 9 to 4"),
        (lambda d: d["pf_features"].update(var_infos=[1]), r"pf_features.var_infos is \[1\], expected object"),
        (lambda d: d["pf_features"].update(var_names=[["a"]]), r"pf_features.var_names.0 is \['a'\], expected str"),
        (lambda d: d["pf_features"].update(max_length=float("inf")), "max_length is inf"),
        (lambda d: d["pf_features"].update(max_length=1e9), "pf_features.max_length is 1000000000.0, .* <= 10000"),
        (lambda d: d["pf_features"].update(max_length=None, var_length=-1), "var_length is -1, expected"),
        (lambda d: d["pf_features"].update(var_names=["a"] * 5001), "var_names .* length <= 5000"),
        (lambda d: d["pf_features"]["var_infos"]["pfcand_charge"].update(median=1e300), "median is 1e.300, no number"),
        (lambda d: d.update(a=10**400), "a is 1000.*at most 2"),
        (lambda d: d.update(a=deep(100)), "more than 64 deep"),
        (lambda d: d.update(input_names=[["a"]]), "no list of names"),
        (lambda d: d["pf_features"].update(max_length=0), "pf_features: max_length is 0; give the number"),
        (lambda d: d["pf_features"].update(var_length=0, max_length=None, min_length=None), "max_length is 0"),
        (
            lambda d: d["pf_features"]["var_infos"].update(
                pfcand_chrge=d["pf_features"]["var_infos"].pop("pfcand_charge")
            ),
            "says nothing of pfcand_charge; is it what stands there as pfcand_chrge",
        ),
        (
            lambda d: d["pf_features"]["var_infos"].pop("pfcand_charge"),
            "says nothing of pfcand_charge; give its median",
        ),
        (
            lambda d: d["pf_features"]["var_infos"].update(pfcand_charge={"mean": 1.0, "std": 2.0}),
            "pfcand_charge: has mean, std and no norm_factor; say it by median, norm_factor",
        ),
        (
            lambda d: d["pf_features"]["var_infos"]["pfcand_charge"].update(norm_factor=0),
            "norm_factor is 0, so that every value is alike",
        ),
    ],
)
def test_a_wrong_preprocess_is_named(tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    path, content = tmp_path / "p.json", described().to_json()
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=words):
        read_preprocess(path)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        (Variable("x"), ""),
        (Variable("x", 1.5, 0.25, 0.0, -5.0, 5.0), "(x - 1.5) * 0.25, from -5 to 5"),
        (Variable("x", -2.0), "x + 2"),
        (Variable("x", 0.0, 3.0), "x * 3"),
        (Variable("x", upper_bound=9.0), "x, to 9"),
    ],
)
def test_preparation_in_words(variable: Variable, words: str) -> None:
    assert variable.in_words == words


def test_what_may_be_left_out(tmp_path: Path) -> None:
    path, content = tmp_path / "p.json", described().to_json()
    for name in content["input_names"]:
        del content[name]["var_infos"]
    content["pf_features"].update(min_length=0)
    path.write_text(json.dumps(content))
    groups = read_preprocess(path).groups
    assert {(v.median, v.norm_factor) for group in groups for v in group.variables} == {(0.0, 1.0)}
    assert groups[0].min_length == 1
    content["pf_features"]["var_infos"] = {
        n: {"norm_factor": 2.0, "mu": 3} for n in content["pf_features"]["var_names"]
    }
    path.write_text(json.dumps(content))
    assert {v.norm_factor for v in read_preprocess(path).group("pf_features").variables} == {2.0}


def test_bounds_may_be_infinite_and_nothing_else(tmp_path: Path) -> None:
    where = tmp_path / "preprocess.json"
    content = described().to_json()
    info = content["pf_features"]["var_infos"]["pfcand_pt_log"]
    info["lower_bound"], info["upper_bound"] = -float("inf"), float("inf")
    where.write_text(json.dumps(content))
    variable = read_preprocess(where).groups[0].variables[0]
    assert (variable.lower_bound, variable.upper_bound) == (-1e32, 1e32)
    info["median"] = float("inf")
    where.write_text(json.dumps(content))
    with pytest.raises(UserError, match="median is inf"):
        read_preprocess(where)


def test_collections_are_told_by_all_but_the_last_word() -> None:
    names = ("jet_pf_features", "jet_pf_mask", "jet_sv_features__2", "cpf_vectors", "input_1", "INPUT__0")
    entries = [InputGroup(n, ()).collection for n in names]
    assert entries == ["jet_pf", "jet_pf", "jet_sv", "cpf", "input_1", "INPUT__0"]


def test_a_variable_may_be_there_more_than_once(tmp_path: Path) -> None:
    path, content = tmp_path / "p.json", described().to_json()
    content["pf_features"]["var_names"] = ["pfcand_pt_log", "pfcand_charge", "pfcand_pt_log"]
    path.write_text(json.dumps(content))
    read = read_preprocess(path)
    assert read.groups[0].names == ("pfcand_pt_log", "pfcand_charge", "pfcand_pt_log")
    assert read.to_json()["pf_features"]["var_names"] == list(read.groups[0].names)
    twice = InputGroup("pf_features", (Variable("pfcand_e"), Variable("pfcand_e", 1.0), Variable("pfcand_e")), 1, 9)
    path.write_text(json.dumps(Preprocess((twice,), ("a",)).to_json()))
    again = read_preprocess(path).groups[0]
    assert again.names == ("pfcand_e", "pfcand_e__2", "pfcand_e") and again.variables[1].median == 1.0


@pytest.mark.parametrize(
    ("change", "outputs", "block"),
    [
        (lambda d: d.update(flav_names=d.pop("output_names")), ("label_b", "label_c", "label_light"), None),
        (lambda d: d.pop("output_names"), ("label",), "label"),
        (lambda d: d.update(output_names={"truth_label": "x"}), ("truth_label",), "truth_label"),
        (lambda d: d.update(output_names={"target": "x", "fj_label": "y"}), ("target", "fj_label"), "fj_label"),
    ],
)
def test_names_of_outputs_may_be_elsewhere(tmp_path: Path, change, outputs, block) -> None:  # type: ignore[no-untyped-def]
    path, content = tmp_path / "p.json", described().to_json()
    change(content)
    path.write_text(json.dumps(content))
    read = read_preprocess(path)
    assert (read.outputs, read.block) == (outputs, block)
