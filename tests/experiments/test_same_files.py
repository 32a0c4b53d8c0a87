"""Campaigns that go on in a folder: with the teacher and the samples with which its runs were begun."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.teachers.plain_networks import Rows, write
from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.presets import PRESETS
from zskt.experiments.runner import Options, given_files, require_same_files
from zskt.experiments.teacher_files import TeacherFiles
from zskt.jets.sample import SAMPLE
from zskt.storage.files import sha256, write_json


def test_what_a_run_is_given_is_known_by_its_content(tmp_path: Path, few_jets: Path) -> None:
    config = PRESETS["jets-embedded"]
    card = catalog().teachers[config.teacher]
    network = write(Rows(3), torch.rand(2, 3), tmp_path / "net.pt")
    options = replace(Options(device=torch.device("cpu")), teacher_path=network, data=few_jets)
    given = given_files(config, card, options)
    assert given == {"teacher": sha256(network), "data": sha256(few_jets)}
    run = tmp_path / "run"
    require_same_files(run, given)  # nothing is there yet
    run.mkdir()
    files = {role: {"path": f"/{role}", "sha256": sha} for role, sha in given.items()}
    write_json(run / "config.json", {"files": files})
    require_same_files(run, given)
    for changed, flag in (({"data": sha256(SAMPLE)}, "--data"), ({"teacher": "0"}, "--teacher-path")):
        with pytest.raises(UserError, match=rf"run: was begun with another {flag} \(/\w+\); name another --out"):
            require_same_files(run, given | changed)
    with pytest.raises(UserError, match="another --data"):
        require_same_files(run, given_files(config, card, replace(options, data=None)))


def test_a_file_of_another_known_teacher_is_not_taken_for_the_named_one(tmp_path: Path) -> None:
    shelves = catalog()
    other = shelves.teachers["cifar10-wrn-40-2"].files()["teacher"]
    files = TeacherFiles(network=other)
    with pytest.raises(UserError, match="is the file of cifar10-wrn-40-2, not of cifar10-wrn-16-2; take --teacher"):
        shelves.with_files("cifar10-wrn-16-2", files)
    assert shelves.with_files("cifar10-wrn-40-2", files)[1] == "cifar10-wrn-40-2"
    mine = write(Rows(3), torch.rand(2, 3), tmp_path / "net.pt")  # of nobody: other weights are welcome
    assert shelves.with_files("cifar10-wrn-16-2", TeacherFiles(network=mine))[1] == "cifar10-wrn-16-2"


def test_a_teacher_that_files_made_is_what_they_say_even_if_others_know_one(tmp_path: Path) -> None:
    shelves = catalog()
    other = shelves.teachers["cifar10-wrn-40-2"].files()["teacher"]
    mine = replace(shelves.teachers["cifar10-wrn-16-2"], name="mine", sha256=None)
    assert shelves.with_teacher(mine).with_files("mine", TeacherFiles(network=other))[1] == "mine"
