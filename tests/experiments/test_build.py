"""The networks that a run names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from teachers.images import IMAGES
from zskt.__main__ import catalog
from zskt.ensemble import Ensemble
from zskt.errors import UserError
from zskt.experiments.build import (
    build_student,
    choose_device,
    load_run_teacher,
    load_student,
    load_teacher,
    member_roles,
    recorded_path,
)
from zskt.experiments.config import RunConfig
from zskt.storage.files import sha256

CONFIG = RunConfig(preset="test", teacher="mnist-lenet5", student="lenet5-half", seed=4)


def test_a_student_is_the_same_for_the_same_seed() -> None:
    shipped = catalog()
    first, again, other = (
        build_student(config, shipped.card(config), shipped).state_dict()
        for config in (CONFIG, CONFIG, CONFIG.with_(seed=5))
    )
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first)


def test_a_run_gives_its_student_or_says_why_not(tmp_path: Path) -> None:
    shipped = catalog()
    with pytest.raises(UserError, match="the run is not finished: continue it with --resume --out"):
        load_student(tmp_path, CONFIG, shipped)
    student = build_student(CONFIG, shipped.card(CONFIG), shipped)
    save_file(student.state_dict(), tmp_path / "student.safetensors")
    loaded = load_student(tmp_path, CONFIG.with_(seed=9), shipped)
    assert not loaded.training
    assert all(torch.equal(value, student.state_dict()[key]) for key, value in loaded.state_dict().items())
    with pytest.raises(UserError, match=r"does not hold the vgg11 of .*config\.json; fetch the run again"):
        load_student(tmp_path, CONFIG.with_(student="vgg11"), shipped)
    (tmp_path / "student.safetensors").write_bytes(b"no network")
    with pytest.raises(UserError, match="does not hold the lenet5-half"):
        load_student(tmp_path, CONFIG, shipped)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("cat", "dog"), None),
        (("dog", "cat"), "its classes are dog, cat, those of the first network cat, dog; .* one order of classes"),
        (("dog", "horse"), "its classes are dog, horse, those of the first .* give networks with the same classes"),
        (("0", "1"), None),  # no names
        (("0", "1", "2"), "its classes are 0, 1, 2, those .* give networks with the same classes"),
    ],
)
def test_networks_of_an_ensemble_have_the_same_classes(
    classes: tuple[str, ...], message: str | None, tmp_path: Path
) -> None:
    other = tmp_path / "b.pt"
    member = SimpleNamespace(classes=classes, load=lambda: torch.nn.Linear(2, 2), parameters=lambda: 6)
    card: Any = SimpleNamespace(
        classes=("cat", "dog"), load=lambda: torch.nn.Linear(2, 2), parameters=lambda: 6,
        with_files=lambda path: member,
    )  # fmt: skip
    if message is None:
        assert isinstance(load_teacher(card, [other]), Ensemble)
    else:
        with pytest.raises(UserError, match=message):
            load_teacher(card, [other])


def test_cuda_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert {choose_device(name) for name in ("auto", "cpu")} == {torch.device("cpu")}
    with pytest.raises(UserError, match="this machine has no CUDA device"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert {choose_device(name) for name in ("auto", "cuda")} == {torch.device("cuda")}
    assert choose_device("cpu") == torch.device("cpu")


def test_another_teacher_than_the_runs_is_refused(tmp_path: Path) -> None:
    card, other = IMAGES["mnist-lenet5"], IMAGES["fashion-mnist-lenet5"]
    mine, others = (c.files()["teacher"] for c in (card, other))
    recorded: dict[str, str | None] = {"path": str(mine), "sha256": sha256(mine)}
    files = {"teacher": recorded}
    assert not load_run_teacher(card, files, None).training
    with pytest.raises(UserError, match="is not the teacher that this run was distilled from"):
        load_run_teacher(card, files, others)
    assert recorded_path(recorded) == mine
    assert recorded_path({"path": str(tmp_path / "gone")}) is None and recorded_path({"path": None}) is None


def test_all_networks_of_an_ensemble_are_those_of_the_run(tmp_path: Path) -> None:
    card = IMAGES["mnist-lenet5"]
    first = card.files()["teacher"]
    second = tmp_path / f"second-{first.name}"
    second.write_bytes(first.read_bytes())
    files: dict[str, dict[str, str | None]] = {
        "teacher": {"path": str(first), "sha256": sha256(first)},
        "teacher.1": {"path": str(second), "sha256": sha256(second)},
        "teacher.10": {"path": str(second), "sha256": sha256(second)},
        "teacher.2": {"path": str(first), "sha256": sha256(first)},
        "data": {"path": None, "sha256": None},
    }
    assert member_roles(files) == ["teacher.1", "teacher.2", "teacher.10"]
    ensemble = load_run_teacher(card, files, None)
    assert isinstance(ensemble, Ensemble) and len(ensemble.networks) == 4
    files["teacher.1"]["sha256"] = "0"
    with pytest.raises(UserError, match="is not the teacher that this run was distilled from"):
        load_run_teacher(card, files, None)
    files["teacher.1"]["sha256"] = files["teacher"]["sha256"]
    moved = tmp_path / "moved" / first.name
    moved.parent.mkdir()
    moved.write_bytes(first.read_bytes())
    second.replace(moved.parent / second.name)
    ensemble = load_run_teacher(card, files, moved)  # the others are sought beside the first
    assert isinstance(ensemble, Ensemble) and len(ensemble.networks) == 4
    with pytest.raises(UserError, match="one of the 4 networks of this teacher"):
        load_run_teacher(card, files, None)
