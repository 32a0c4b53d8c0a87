"""Pseudo-samples that calibrate an exported student."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from zskt.__main__ import catalog
from zskt.experiments.config import RunConfig
from zskt.export.student import masks_as_numbers, pseudo_samples


def test_masks_become_numbers() -> None:
    mask, wide = masks_as_numbers([torch.tensor([True, False]), torch.tensor([0.5], dtype=torch.double)])
    assert mask.tolist() == [1, 0] and mask.dtype == wide.dtype == torch.float32


def test_pseudo_samples_need_no_data_and_are_those_of_the_runs_seed(tmp_path: Path) -> None:
    shipped = catalog()

    def samples(generator: str | None, seed: int) -> tuple[torch.Tensor, ...]:
        config = RunConfig(preset="test", student="pfn-small", generator=generator, seed=seed)
        run: Any = SimpleNamespace(folder=tmp_path, config=config, card=shipped.card(config), catalog=shipped)
        return pseudo_samples(run, 20)

    points, features, mask = samples("noise", 1)
    assert len(points) == len(features) == 20 and set(mask.unique().tolist()) == {0, 1}
    assert all(torch.equal(a, b) for a, b in zip((points, features, mask), samples("noise", 1), strict=True))
    assert not torch.equal(points, samples("noise", 2)[0])
    assert len(samples(None, 1)[0]) >= 10  # the default generator of jets, some of whose jets fall outside
