"""Runs on disk: of the Python interface and of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import zskt
from zskt.errors import UserError
from zskt.experiments.launch import launch
from zskt.experiments.runner import Options
from zskt.methods.zskt import ZSKTConfig
from zskt.storage.files import read_json, write_json


def saved(folder: Path) -> Path:
    torch.manual_seed(0)
    teacher, student = nn.Linear(3, 2), nn.Linear(3, 2)
    generator = zskt.generators.tabular(0.0, 1.0, size=3)
    return zskt.distill(teacher, student, generator=generator, iterations=2, batch_size=8).save(folder)


def test_a_saved_run_has_the_files_of_a_run_folder(tmp_path: Path) -> None:
    folder = saved(tmp_path / "run")
    assert {path.name for path in folder.iterdir()} == {
        *("config.json", "environment.json", "metrics.jsonl", "result.json", "student.safetensors", "student.pt2"),
    }
    config, result = read_json(folder / "config.json"), read_json(folder / "result.json")
    assert ZSKTConfig(**config["settings"]) == ZSKTConfig(iterations=2, batch_size=8)
    assert (config["mode"], config["method"], result["schema"], result["steps"]) == ("api", "zskt", 2, 20)
    assert [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()] == [1, 2]


def test_an_exported_student_takes_batches_of_any_size_and_has_one_mode(tmp_path: Path) -> None:
    student = zskt.load_run(saved(tmp_path / "run")).student
    assert [student(torch.rand(n, 3)).shape[0] for n in (1, 2, 300)] == [1, 2, 300]
    assert student.train() is student and student.eval() is student


def test_a_run_of_the_command_line_is_loaded_too(digits: Path, tmp_path: Path) -> None:
    catalog = zskt.catalog()
    config = catalog.presets["mnist-lenet5-to-lenet5-half"].with_(iterations=2, batch_size=8, student_steps=1)
    folder, result = launch(config, catalog, Options(device="cpu", out=tmp_path / "run", data=digits, progress=False))
    run = zskt.load_run(folder)
    assert run.settings == config.settings and len(run.metrics) == 2 and run.method == "zskt"
    assert run.evaluation["accuracy"] == result["student"]["accuracy"] and run.steps == 2
    assert sum(p.numel() for p in run.student.parameters()) == 15_738


def test_a_damaged_run_is_told(tmp_path: Path) -> None:
    folder = saved(tmp_path / "run")
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"method": "magic"})  # a method of the user's own
    assert zskt.load_run(folder).settings == config["settings"]
    write_json(folder / "config.json", config)
    (folder / "student.safetensors").write_bytes(b"damaged")
    with pytest.raises(UserError, match="does not fit the student that was given"):
        zskt.load_run(folder, nn.Linear(3, 2))
