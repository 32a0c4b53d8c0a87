"""Files of parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from teachers.files import read_state_dict
from zskt.errors import UserError


def test_checkpoints_may_be_wrapped_and_prefixed(tmp_path: Path) -> None:
    torch.save({"state_dict": {"module.w": torch.ones(2)}, "epoch": 3}, tmp_path / "a.th")
    assert read_state_dict(tmp_path / "a.th", "module.")["w"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("name", "words"), [("a.pt", "PyTorch state_dict"), ("a.safetensors", "safetensors")])
def test_broken_files_are_told(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"not at all")
    with pytest.raises(UserError, match=f"not a readable {words} file; fetch it again"):
        read_state_dict(tmp_path / name)


def test_other_objects_are_told(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.pt")
    with pytest.raises(UserError, match="holds no state_dict of tensors"):
        read_state_dict(tmp_path / "a.pt")
