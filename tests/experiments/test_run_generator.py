"""The generator of a finished run: as the run left it, or as it began."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from zskt.__main__ import catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.run_generator import rebuild_generator


def a_run(folder: Path, generator: str | None) -> Any:
    shipped = catalog()
    config = RunConfig(preset="test", student="pfn-small", generator=generator, seed=3)
    return SimpleNamespace(folder=folder, config=config, card=shipped.card(config), catalog=shipped)


def test_a_run_without_checkpoint_gives_the_generator_as_it_began_and_leaves_random_streams(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    first, as_left = rebuild_generator(a_run(tmp_path, "mlp"))
    assert torch.equal(torch.get_rng_state(), state) and not as_left
    torch.rand(5)
    again, _ = rebuild_generator(a_run(tmp_path, "mlp"))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_the_checkpoint_says_how_the_run_left_it(tmp_path: Path) -> None:
    began, _ = rebuild_generator(a_run(tmp_path, "mlp"))
    learned = {key: value + 1 for key, value in began.state_dict().items()}
    checkpoint = {"config": {}, "step": 1, "device": "cpu", "parts": {"generator": learned}}
    torch.save(checkpoint, tmp_path / "checkpoint.pt")
    generator, as_left = rebuild_generator(a_run(tmp_path, "mlp"))
    assert as_left and all(torch.equal(value, learned[key]) for key, value in generator.state_dict().items())


def test_a_prior_is_always_as_the_run_left_it_and_a_run_without_generator_takes_another(tmp_path: Path) -> None:
    prior, as_left = rebuild_generator(a_run(tmp_path, "shower-prior"))
    assert as_left and type(prior).__name__ == "Shower"
    other, as_left = rebuild_generator(a_run(tmp_path, None))
    assert not as_left and type(other).__name__ == "Shower"  # the default of jets
