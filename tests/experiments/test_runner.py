"""What every run does around its method: names of folders, files that must be the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests.conftest import Call
from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.runner import Options, open_folder, require_room

CATALOG = catalog()
PAIR = CATALOG.presets["mnist-lenet5-to-lenet5-half"]


def name_of(config: RunConfig) -> str:
    return open_folder(config, Options()).path.name


@pytest.mark.usefixtures("call")  # for its empty working directory
def test_a_run_folder_is_named_after_what_is_run() -> None:
    jets = CATALOG.presets["jets-embedded"]
    assert name_of(jets) == "zero-shot-jets-embedded-pfn-shower-seed0"
    assert name_of(jets) == "zero-shot-jets-embedded-pfn-shower-seed0-2"  # taken
    assert name_of(jets.with_method("kd").with_(mode="kd", seed=3)) == "kd-jets-embedded-pfn-none-seed3"
    tagger = CATALOG.presets["tagger"].with_(teacher="cms-ak4")
    assert name_of(tagger) == "zero-shot-cms-ak4-pfn-shower-seed0"
    assert name_of(CATALOG.presets["mnist-lenet5"]) == "teacher-mnist-lenet5-seed0"
    card, name = CATALOG.card(PAIR), PAIR.preset
    assert name_of(few_shot(PAIR, card)) == f"few-shot-{name}-lenet5-half-all-from-scratch-seed0"
    few = few_shot(PAIR, card, "zero-shot mnist", 10).with_(kd_fraction=0.0, attention_weight=0.0)
    assert name_of(few) == f"few-shot-{name}-lenet5-half-10-from-zero-shot-mnist-without-teacher-seed0"


def test_there_must_be_room_and_a_run_to_resume(tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(UserError, match="not empty"):
        require_room(Options(out=tmp_path))
    require_room(Options(out=tmp_path, resume=True))
    with pytest.raises(UserError, match="--resume: say which run to continue"):
        open_folder(PAIR, Options(resume=True))


def test_a_run_is_resumed_with_the_files_that_it_began_with(call: Call, digits: Path, tmp_path: Path) -> None:
    shipped = CATALOG.teachers["mnist-lenet5"].files()["teacher"]
    state = load_file(shipped)
    save_file(state, tmp_path / "mine.safetensors")
    state[next(iter(state))] += 1
    save_file(state, tmp_path / "other.safetensors")
    short = ("--iterations", 1, "--batch-size", 8, "--student-steps", 1, "--data", digits)
    kd = ("--mode", "kd", "--preset", PAIR.preset)
    assert call(*kd, *short, "--teacher-path", "mine.safetensors", "--out", "run")[0] == 0
    Path("run/result.json").unlink()
    assert call("--mode", "kd", "--resume", "--out", "run")[0] == 0
    Path("run/result.json").unlink()
    code, _, err = call("--mode", "kd", "--resume", "--out", "run", "--teacher-path", "other.safetensors")
    assert code == 2
    assert "other.safetensors: not the file that this run began with (" in err
    (digits / "train-00000-of-00001.parquet").write_bytes((digits / "test-00000-of-00001.parquet").read_bytes())
    code, _, err = call("--mode", "kd", "--resume", "--out", "run")
    assert code == 2 and "not the file that this run began with" in err and err.count("\n") == 1
