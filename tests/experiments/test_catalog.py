"""The catalogue: nothing changes it, and it tells what does not fit together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.jets.samples import sample_jets
from tests.toy_taggers import Toy, described, write
from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.teacher_files import TeacherFiles
from zskt.storage.files import read_json, write_json


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return catalog()


def test_with_teacher_returns_another_catalogue_and_leaves_the_first(shipped: Catalog) -> None:
    names, card = list(shipped.teachers), replace(shipped.teachers["mnist-lenet5"], name="mine")  # type: ignore[type-var]
    other = shipped.with_teacher(card)
    assert other.teachers["mine"] is card and list(other.teachers) == [*names, "mine"]
    assert list(shipped.teachers) == names and catalog().teachers.keys() == shipped.teachers.keys()
    changed = replace(card, name="mnist-lenet5", summary="another")  # type: ignore[type-var]
    assert shipped.with_teacher(changed).teachers["mnist-lenet5"].summary == "another"
    assert shipped.teachers["mnist-lenet5"].summary != "another"
    with pytest.raises(AttributeError):
        shipped.teachers = {}  # type: ignore[misc]


def test_a_teacher_from_files_is_known_to_the_new_catalogue_alone(shipped: Catalog, tmp_path: Path) -> None:
    preprocess = described()
    path, where = write(tmp_path / "tagger", preprocess, Toy(preprocess))
    other, name = shipped.with_files(None, TeacherFiles(network=path, preprocess=where))
    assert name is not None and name in other.teachers and name not in shipped.teachers
    assert other.teachers[name].classes == ("label_b", "label_c", "label_light")
    assert shipped.with_files(None, TeacherFiles()) == (shipped, None)
    assert shipped.with_files("mnist-lenet5", TeacherFiles()) == (shipped, "mnist-lenet5")
    for arguments, message in (
        ((None, TeacherFiles(network=path)), "say how it is fed: --preprocess"),
        ((None, TeacherFiles(preprocess=where)), "say of which network: --teacher-path"),
        ((None, TeacherFiles(layouts=(("pf", "BPC"),))), "--layout pf=BPC: say of which network"),
        (("mnist-lenet", TeacherFiles()), "unknown teacher 'mnist-lenet': did you mean mnist-lenet5"),
    ):
        with pytest.raises(UserError, match=message):
            shipped.with_files(*arguments)


def test_a_finished_runs_teacher_is_read_from_its_record(shipped: Catalog, tmp_path: Path) -> None:
    preprocess = described(names=("pfcand_mystery",))
    path, where = write(tmp_path / "tagger", preprocess, Toy(preprocess))
    known, name = shipped.with_files(None, TeacherFiles(network=path, preprocess=where))
    assert name is not None
    run = tmp_path / "run"
    run.mkdir()
    record = known.teachers[name].record()
    assert record is not None
    write_json(run / "inputs.json", record)
    write_json(run / "config.json", {"teacher": name, "files": {"teacher": {"path": str(path)}}})
    card = shipped.with_run(run).teachers[name]
    assert card.classes == known.teachers[name].classes and "pfcand_mystery" in card.describe()
    x = card.inputs(sample_jets(3))
    assert torch.equal(card.load()(*x), known.teachers[name].load()(*x))
    path.unlink()
    assert shipped.with_run(run).teachers[name].classes == card.classes  # without the teacher's file
    assert shipped.with_run(tmp_path) is shipped and read_json(run / "config.json")["teacher"] == name


def test_a_runs_selection_changes_its_card(shipped: Catalog, tmp_path: Path) -> None:
    network, where = write(tmp_path, described(), Toy(described()))
    known, name = shipped.with_files(None, TeacherFiles(network=network, preprocess=where))
    config = RunConfig(preset="tagger", teacher=str(name), pt_low=45.0)
    assert known.teachers[config.teacher].inputs.selection.pt_low != 45
    assert known.card(config).inputs.selection.pt_low == 45


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"student": "pfm"}, "unknown student 'pfm': did you mean pfn"),
        (
            {"student": "resnet8"},
            "--student resnet8 is for images, but the teacher zskt-particlenet takes jets: choose",
        ),
        ({"generator": "image"}, "--generator image is for images, but the teacher zskt-particlenet takes jets"),
        ({"generator": None}, "unknown generator 'None'"),
        ({"cutmix": 0.5}, "cutmix 0.5 is for images, but the teacher zskt-particlenet takes jets"),
        ({"perturbation_radius": 1.0}, "perturbation_radius 1.0 is for images, but the teacher"),
    ],
)
def test_what_does_not_fit_together_is_told(shipped: Catalog, changes: dict[str, Any], message: str) -> None:
    config = RunConfig(preset="test", generator="shower")
    shipped.require(config)
    config = replace(config, generator=None) if changes == {"generator": None} else config.with_(**changes)
    with pytest.raises(UserError) as error:
        shipped.require(config)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("mode", "method", "message"),
    [
        ("zero-shot", "kd", "--method kd learns from samples: take --mode kd"),
        ("zero-shot", "supervised", "--method supervised learns from samples: take --mode few-shot or teacher"),
        ("kd", "zskt", "--mode kd learns from data, but method zskt uses none"),
    ],
)
def test_a_method_is_for_its_modes(shipped: Catalog, mode: str, method: str, message: str) -> None:
    config = RunConfig(preset="test", generator="shower").with_method(method).with_(mode=mode)
    with pytest.raises(UserError) as error:
        shipped.require(config)
    assert str(error.value) == message


def test_every_preset_fits_together_and_is_written_and_read(shipped: Catalog) -> None:
    for name, config in shipped.presets.items():
        assert config.preset == name
        if config.teacher:  # that for vectors from files names none
            shipped.require(config)
        assert RunConfig.read(json.loads(json.dumps(config.to_dict())), name, whole=True) == config
