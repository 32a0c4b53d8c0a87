"""Pictures of pseudo-samples during a run, from a random stream of their own."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch

from zskt.contracts import PseudoBatch
from zskt.forward import evaluating
from zskt.generator import Generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Board(Protocol):
    """Who shows pictures."""

    def figure(self, title: str, figure: Figure, step: int) -> None: ...


class PseudoPictures:
    """Pictures of the same latent variables every time: they show how the generator changes.

    Args:
        draw: makes a picture of pseudo-samples.
        count: how many it needs.
    """

    def __init__(
        self,
        generator: Generator,
        draw: Callable[[PseudoBatch], Figure | None],
        count: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.generator, self.draw, self.count, self.seed, self.device = generator, draw, count, seed, device

    @torch.no_grad()
    def sample(self, count: int) -> PseudoBatch:
        """Draw pseudo-samples; the generator's mode and the run's random streams stay as they were."""
        with evaluating(self.generator):
            return self.generator.draw(count, torch.Generator(self.device).manual_seed(self.seed))

    def show(self, board: Board, iteration: int) -> None:
        """Show a picture of pseudo-samples."""
        figure = self.draw(self.sample(2 * self.count))
        if figure is not None:
            board.figure("pseudo-samples", figure, iteration)
            del figure
            gc.collect()  # a figure holds itself; tensors alone make Python collect such cycles too seldom
