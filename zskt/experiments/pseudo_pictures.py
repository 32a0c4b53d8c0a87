"""Pictures of pseudo-samples during a run, from a random stream of their own."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from zskt.contracts import PseudoBatch
from zskt.forward import evaluating
from zskt.generator import Generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch.utils.tensorboard import SummaryWriter


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
    def show(self, writer: SummaryWriter, iteration: int) -> None:
        """Put a picture on TensorBoard; the generator's mode and the run's random streams stay as they were."""
        with evaluating(self.generator):
            batch = self.generator.draw(2 * self.count, torch.Generator(self.device).manual_seed(self.seed))
        figure = self.draw(batch)
        if figure is not None:
            writer.add_figure("pseudo-samples", figure, iteration)
            del figure
            gc.collect()  # a figure holds itself; tensors alone make Python collect such cycles too seldom
