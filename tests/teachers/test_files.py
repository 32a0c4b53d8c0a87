"""Files of parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from teachers.files import STATE_KEYS, read_state_dict, state_in
from zskt.errors import UserError


def test_checkpoints_may_be_wrapped_and_prefixed(tmp_path: Path) -> None:
    torch.save({"state_dict": {"module.w": torch.ones(2)}, "epoch": 3}, tmp_path / "a.th")
    assert read_state_dict(tmp_path / "a.th", "module.")["w"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("key", STATE_KEYS)
def test_parameters_are_found_under_every_usual_key(tmp_path: Path, key: str) -> None:
    inner = {"module.w": torch.ones(2), "n_averaged": torch.tensor(7), "_extra_state": None}
    torch.save({"epoch": 3, "config": {"model": "Two"}, "optimizer": {"state": {}}, key: inner}, tmp_path / "a.pt")
    state = read_state_dict(tmp_path / "a.pt", "module.")
    assert list(state) == ["w"] and state["w"].tolist() == [1.0, 1.0]


def test_the_network_counts_before_its_average() -> None:
    one, two = {"w": torch.ones(1)}, {"w": torch.zeros(1)}
    assert state_in({"ema": two, "model": one}) == one
    assert state_in({"model": {"hidden": 64}, "ema": two}) == two, "settings of the network"
    assert state_in({"w": one["w"], "n_averaged": torch.tensor(3)}) == one
    assert state_in([one]) is None


def test_the_keys_of_other_tables_are_named(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "mine": {"w": torch.ones(2)}}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="holds no state_dict of tensors, but epoch, mine; give the file of parameters"):
        read_state_dict(tmp_path / "a.pt")


@pytest.mark.parametrize(("name", "words"), [("a.pt", "PyTorch state_dict"), ("a.safetensors", "safetensors")])
def test_broken_files_are_told(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"not at all")
    with pytest.raises(UserError, match=f"not a readable {words} file; fetch it again"):
        read_state_dict(tmp_path / name)


def test_other_objects_are_told(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.pt")
    with pytest.raises(UserError, match="holds no state_dict of tensors"):
        read_state_dict(tmp_path / "a.pt")
