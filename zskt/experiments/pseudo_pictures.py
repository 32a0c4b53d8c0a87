"""Pictures of pseudo-samples beside real ones, from a random stream of their own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from zskt.contracts import PseudoBatch
from zskt.images.grids import GRID_COLUMNS, GRID_ROWS
from zskt.jets.event_display import COUNT


class Pictures:
    """The same latent variables every time, so that a picture shows how the generator changes."""

    def __init__(
        self, generator: nn.Module, picture: Callable[[PseudoBatch], Figure | None], seed: int, device: torch.device
    ) -> None:
        self.generator, self.picture, self.device, self.seed = generator, picture, device, seed
        size: int = generator.latent_size  # type: ignore[assignment]
        # More jets than are shown: a generator may reject some.
        self.z = torch.randn(
            max(4 * COUNT, GRID_ROWS * GRID_COLUMNS), size, generator=torch.Generator().manual_seed(seed)
        )

    @torch.no_grad()
    def show(self, writer: SummaryWriter, turn: int) -> None:
        """Put a picture on TensorBoard; the generator's mode and the run's random streams stay as they were."""
        training = self.generator.training
        self.generator.eval()
        draw: PseudoBatch = self.generator(self.z.to(self.device), torch.Generator(self.device).manual_seed(self.seed))
        self.generator.train(training)
        figure = self.picture(draw)
        if figure is not None:
            writer.add_figure("pseudo-samples", figure, turn)
