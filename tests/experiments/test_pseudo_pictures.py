"""Pictures of pseudo-samples during a run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.experiments.pseudo_pictures import PseudoPictures
from zskt.generator import Generator


class Dropped(Generator):
    """Latent variables after a batch norm, which would learn from them in training mode."""

    latent_size = 3

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        return PseudoBatch((self.norm(z) + torch.rand(1, generator=rng),))


class Board:
    """Stands in for a run folder."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, Any, int]] = []

    def figure(self, title: str, figure: Any, step: int) -> None:
        self.shown.append((title, figure, step))


@pytest.mark.parametrize("training", [True, False])
def test_a_picture_leaves_mode_and_streams_and_buffers_as_they_were(training: bool) -> None:
    generator, board = Dropped().train(training), Board()
    before, state = {k: v.clone() for k, v in generator.state_dict().items()}, torch.get_rng_state()
    PseudoPictures(generator, lambda batch: batch, 4, 7, torch.device("cpu")).show(board, 1)  # type: ignore[arg-type, return-value]
    assert generator.training == generator.norm.training == training and len(board.shown) == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())


def test_pictures_are_of_the_same_samples_every_time() -> None:
    board = Board()
    pictures = PseudoPictures(Dropped(), lambda batch: batch, 4, 7, torch.device("cpu"))  # type: ignore[arg-type, return-value]
    for iteration in (1, 5):
        torch.rand(3)
        pictures.show(board, iteration)
    (tag, first, one), (_, second, five) = board.shown
    assert (tag, one, five) == ("pseudo-samples", 1, 5)
    assert torch.equal(first.x[0], second.x[0]) and not first.x[0].requires_grad and len(first.x[0]) >= 4


def test_without_a_picture_nothing_is_shown() -> None:
    board = Board()
    PseudoPictures(Dropped(), lambda batch: None, 4, 7, torch.device("cpu")).show(board, 1)  # type: ignore[arg-type]
    assert not board.shown
