"""The run folder: what is written, and never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from zskt.checkpoint import TrainState
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.run_folder import RunFolder, environment, free_name, save_network
from zskt.storage.files import read_json


def test_a_run_leaves_what_it_was_asked_and_what_it_measured(tmp_path: Path) -> None:
    config = RunConfig(preset="test", generator="shower")
    folder = RunFolder(tmp_path / "a" / "run")
    folder.begin(config, torch.device("cpu"), {"data": {"path": None, "sha256": None}})
    for step in (1, 2, 3):
        folder.log(step, {"loss/student": 0.5 * step, "test/auc": None})
    folder.finish({"seed": 0})
    recorded = read_json(folder.path / "config.json")
    assert recorded["files"] == {"data": {"path": None, "sha256": None}}
    assert RunConfig.read(recorded, "here", whole=True) == config
    lines = [json.loads(line) for line in (folder.path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [{"step": s, "loss/student": 0.5 * s} for s in (1, 2, 3)]
    assert read_json(folder.path / "result.json") == {"seed": 0}
    assert read_json(folder.path / "environment.json")["packages"]["torch"]
    assert any(path.name.startswith("events.out") for path in folder.path.iterdir())


def test_a_resumed_run_forgets_later_metrics_and_lines_that_were_cut_short(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (1, 2, 3):
        folder.log(step, {"loss/student": 1.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    again = RunFolder(tmp_path, resume=True)
    again.rewind(2)
    again.log(3, {"loss/student": 9.0})
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss/student"]) for line in lines] == [(1, 1.0), (2, 1.0), (3, 9.0)]


def test_a_folder_with_something_in_it_is_never_begun_in(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UserError, match="the folder is not empty; name another"):
        RunFolder(tmp_path)
    with pytest.raises(UserError, match="is a file; name a folder"):
        RunFolder(tmp_path / "notes")
    with pytest.raises(UserError, match="cannot make the folder"):
        RunFolder(tmp_path / "notes" / "run")
    assert RunFolder(tmp_path, resume=True).checkpoint == tmp_path / "checkpoint.pt"


def test_a_mistake_before_the_first_iteration_leaves_the_folder_to_the_right_command(tmp_path: Path) -> None:
    def begun(name: str, error: BaseException, step: int = 0) -> Path:
        folder, state = RunFolder(tmp_path / name), TrainState(device=torch.device("cpu"), parts={}, streams={})
        folder.begin(RunConfig(preset="p", teacher="t", student="s"), torch.device("cpu"), {})
        folder.log(1, {"loss": 1.0})
        state.step = step
        with pytest.raises(type(error)), folder.taken_back(state):
            raise error
        return folder.path

    mistake, full = UserError("a shard is cut short"), UserError("no space is left")
    assert not list(begun("a", mistake).iterdir())
    RunFolder(tmp_path / "a")
    full.__cause__ = OSError()
    for name, error, step in (("b", mistake, 1), ("c", full, 0), ("d", KeyboardInterrupt(), 0)):
        assert (begun(name, error, step) / "config.json").is_file()


def test_a_network_is_saved_with_its_buffers(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    save_network(network, tmp_path / "a.safetensors")
    state = load_file(tmp_path / "a.safetensors")
    assert set(state) == set(network.state_dict())
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert free_name(tmp_path, "run") == tmp_path / "run"
    (tmp_path / "run").mkdir()
    (tmp_path / "run-2").mkdir()
    assert free_name(tmp_path, "run") == tmp_path / "run-3"


def test_the_environment_says_versions_and_machine() -> None:
    recorded = environment(torch.device("cpu"))
    assert recorded["packages"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert recorded["threads"] == torch.get_num_threads() and recorded["command"].startswith("python ")
