"""The file of a checkpoint: its checksum, the one before it, and what a full disk or a kill leaves of both."""

from __future__ import annotations

import errno
import os
import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from zskt.checkpoint import TrainState
from zskt.errors import UserError
from zskt.storage import checkpoint_file
from zskt.storage.checkpoint_file import LINE, read_checkpoint, read_last_checkpoint, write_checkpoint
from zskt.storage.run_files import previous_of


def payload(step: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(step)
    parts = {"student": {"weight": torch.randn(40, 40, generator=generator)}}
    return {"config": {"seed": 1}, "step": step, "parts": parts, "device": "cpu"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint of iteration 2, and that of iteration 1 before it."""
    for step in (1, 2):
        write_checkpoint(tmp_path / "checkpoint.pt", payload(step))
    return tmp_path / "checkpoint.pt"


def test_what_is_written_is_read_by_torch_too(path: Path) -> None:
    ours, theirs = read_checkpoint(path), torch.load(path, weights_only=True)
    expected = payload(2)["parts"]["student"]["weight"]
    assert torch.equal(ours["parts"]["student"]["weight"], expected)
    assert torch.equal(theirs["parts"]["student"]["weight"], expected)
    assert read_checkpoint(previous_of(path))["step"] == 1
    assert sorted(file.name for file in path.parent.iterdir()) == ["checkpoint.previous.pt", "checkpoint.pt"]


@pytest.mark.faults
def test_every_bit_counts(path: Path, count_faults: Callable[[str], None]) -> None:
    chance, whole, noticed, flips = random.Random(0), path.read_bytes(), 0, 200
    ends = [8 * (len(whole) - LINE) + i for i in range(8 * LINE)]  # the line of the checksum, which it is not about
    for bit in [*(chance.randrange(8 * len(whole)) for _ in range(flips)), *ends]:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        contents, line = read_last_checkpoint(path)
        assert line is not None and contents["step"] == 1, bit
        assert "damaged" in line and line.endswith("; going on from checkpoint.previous.pt, iteration 1")
        noticed += 1
    count_faults(f"damaged checkpoint: {noticed} of {flips + len(ends)} bit flips noticed")


@pytest.mark.faults
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_checkpoint_that_was_cut_short_is_not_read(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert read_last_checkpoint(path)[0]["step"] == 1


def test_without_a_good_one_the_run_begins_anew(path: Path) -> None:
    previous_of(path).write_bytes(b"damaged")
    path.write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"nor is checkpoint.previous.pt .*; remove both and start the run anew"):
        read_last_checkpoint(path)
    previous_of(path).unlink()
    with pytest.raises(UserError, match=r"not a readable checkpoint .*; remove it and start the run anew"):
        read_last_checkpoint(path)


def test_checkpoints_of_earlier_versions_are_read_and_looked_at(path: Path) -> None:
    torch.save(payload(7), path)
    assert read_last_checkpoint(path)[0]["step"] == 7
    whole = bytearray(path.read_bytes())
    weight = payload(7)["parts"]["student"]["weight"].numpy().tobytes()
    whole[whole.index(weight) + 100] ^= 1  # which torch.load itself takes for another weight
    path.write_bytes(whole)
    assert torch.load(path, weights_only=True)["step"] == 7
    contents, line = read_last_checkpoint(path)
    assert contents["step"] == 1 and line is not None and "the checksum of its part" in line


def test_a_damaged_checkpoint_does_not_push_out_the_good_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = TrainState(parts={}, streams={})
    state.save(path, {"seed": 1})
    state.step = 1
    state.save(path, {"seed": 1})
    path.write_bytes(b"damaged")
    state.load(path, {"seed": 1})
    assert state.step == 0 and state.saved_step == 0
    err = capsys.readouterr().err
    assert err.startswith(f"zskt: {path}: damaged") and err.count("\n") == 1
    state.step = 5
    state.save(path, {"seed": 1})
    assert [read_checkpoint(file)["step"] for file in (path, previous_of(path))] == [5, 0]


@pytest.mark.faults
@pytest.mark.parametrize("piece", [0, 1, 3])
def test_a_full_disk_leaves_both_and_its_name(path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    class Full:
        """A file on a disk that is full after a few pieces."""

        def __init__(self, file: Any) -> None:
            self.file, self.left = file, piece

        def write(self, data: bytes) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.left -= 1
            return int(self.file.write(data))

    before = checkpoint_file._Digested.__init__
    monkeypatch.setattr(checkpoint_file._Digested, "__init__", lambda self, file: before(self, Full(file)))
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_checkpoint(path, payload(3))
    assert caught.value.filename == str(path)
    assert [read_checkpoint(file)["step"] for file in (path, previous_of(path))] == [2, 1]
    assert len(list(path.parent.iterdir())) == 2, "what was half written has made room"


def test_a_file_system_without_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    write_checkpoint(path, payload(3))
    assert [read_checkpoint(file)["step"] for file in (path, previous_of(path))] == [3, 2]
    path.unlink()  # killed between the two renames
    contents, line = read_last_checkpoint(path)
    assert contents["step"] == 2 and line is not None and "it is gone; going on from checkpoint.previous.pt" in line


def test_others_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_checkpoint(tmp_path / "checkpoint.pt", payload(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "checkpoint.pt").stat().st_mode) == 0o640
