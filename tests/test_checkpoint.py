"""Checkpoints: what is restored, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from zskt.checkpoint import TrainState
from zskt.errors import UserError
from zskt.storage.checkpoint_file import read_checkpoint

CONFIG = {"preset": "test", "seed": 3}


def state() -> TrainState:
    network = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(network.parameters(), 0.1)
    streams = {"latent": torch.Generator().manual_seed(1)}
    return TrainState(parts={"student": network, "optimizer": optimizer}, streams=streams)


def work(s: TrainState) -> None:
    """A step that depends on the parameters, the optimiser and all streams."""
    network, optimizer = s.parts["student"], s.parts["optimizer"]
    assert isinstance(network, nn.Module) and isinstance(optimizer, torch.optim.Optimizer)
    x = torch.randn(4, 2, generator=s.streams["latent"]) * torch.rand(1)
    optimizer.zero_grad()
    network(x).square().sum().backward()
    optimizer.step()
    s.step += 1
    s.count("steps", 2)


def parameters(s: TrainState) -> torch.Tensor:
    return torch.cat([p.flatten() for p in s.parts["student"].state_dict().values()])


def test_a_restored_state_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    whole = state()
    work(whole)
    whole.save(tmp_path / "checkpoint.pt", CONFIG)
    work(whole)
    torch.manual_seed(99)
    restored = state()
    work(restored)
    restored.load(tmp_path / "checkpoint.pt", CONFIG)
    assert restored.step == 1 and restored.counters == {"steps": 2}
    work(restored)
    assert torch.equal(parameters(whole), parameters(restored)) and restored.counters == {"steps": 4}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path) -> None:
    state().save(tmp_path / "checkpoint.pt", CONFIG)
    with pytest.raises(UserError, match="the checkpoint's preset is 'test', this run's is 'other'; resume with"):
        state().load(tmp_path / "checkpoint.pt", CONFIG | {"preset": "other"})


def test_a_checkpoint_of_another_device_is_refused(tmp_path: Path) -> None:
    state().save(tmp_path / "checkpoint.pt", CONFIG)
    moved = state()
    moved.device = torch.device("meta")
    with pytest.raises(UserError, match="the run began on cpu; resume it with --device cpu"):
        moved.load(tmp_path / "checkpoint.pt", CONFIG)


def test_what_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(UserError, match="no checkpoint to resume from"):
        read_checkpoint(path)
    path.write_bytes(b"damaged")
    with pytest.raises(UserError, match="not a readable checkpoint"):
        read_checkpoint(path)
    torch.save({"step": 1}, path)
    with pytest.raises(UserError, match="not a readable checkpoint"):
        read_checkpoint(path)
