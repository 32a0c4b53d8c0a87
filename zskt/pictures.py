"""Pictures of pseudo-samples beside real ones, from a random stream of their own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from generators import Draw
from teachers import AnyCard
from teachers.images import ImageInputs
from teachers.inputs import Jets

from .data import SAMPLE, read_jets
from .labelled import Labelled

COUNT = 4
"""Jets a row."""
ROWS, COLUMNS = 4, 8
"""Of a grid of images."""
COLOURS = {
    "is_charged_hadron": ("charged hadrons", "tab:red"),
    "is_neutral_hadron": ("neutral hadrons", "tab:green"),
    "is_photon": ("photons", "tab:orange"),
    "is_electron": ("electrons", "tab:blue"),
    "is_muon": ("muons", "tab:purple"),
}


def draw_jet(axes: Axes, jets: Jets, i: int) -> None:
    """One jet: a disc a particle, its area proportional to transverse momentum."""
    for field, (label, colour) in COLOURS.items():
        rows = jets.mask[i] & (getattr(jets, field)[i] > 0)
        axes.scatter(
            jets.deta[i][rows].cpu(),
            jets.dphi[i][rows].cpu(),
            s=jets.pt[i][rows].cpu() * 2,
            c=colour,
            alpha=0.5,
            label=label,
            linewidths=0,
        )
    axes.set(xlim=(-0.8, 0.8), ylim=(-0.8, 0.8), aspect="equal")
    axes.set_title(f"{jets.jet_pt[i].item():.0f} GeV, m = {jets.mass[i].item():.0f} GeV", fontsize=8)
    axes.tick_params(labelsize=6)


def plane(draw: Draw, real: Labelled) -> Figure | None:
    """`COUNT` pseudo-jets above as many simulated ones, in the eta-phi plane; None if there are none.

    Data without the particles' kinds leave the place to the sample that ships.
    """
    if draw.jets is None or not len(draw.jets):
        return None
    shown = real.samples if isinstance(real.samples, Jets) else read_jets(SAMPLE, most=COUNT).samples
    assert isinstance(shown, Jets)
    pseudo, simulated = draw.jets[:COUNT], shown[:COUNT]
    figure = Figure(figsize=(2.4 * COUNT, 5.4), layout="constrained")
    rows = figure.subplots(2, COUNT, sharex=True, sharey=True)
    for axes, (name, jets) in zip(rows, (("pseudo-jets", pseudo), ("simulated jets", simulated)), strict=True):
        for i, cell in enumerate(axes[: len(jets)]):
            draw_jet(cell, jets, i)
        axes[0].set_ylabel(f"{name}\nΔφ", fontsize=8)
    for cell in rows[1]:
        cell.set_xlabel("Δη", fontsize=8)
    handles, labels = rows[0][0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside lower center", ncols=len(COLOURS), fontsize=7, frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([20])  # type: ignore[union-attr]
    return figure


def grid(draw: Draw, real: Labelled, card: AnyCard) -> Figure:
    """Pseudo-images on the left, real ones on the right, as intensities."""
    assert isinstance(card.inputs, ImageInputs) and isinstance(real.samples, torch.Tensor)
    figure = Figure(figsize=(9.6, 2.6), layout="constrained")
    sides = (("pseudo-images", draw.x[0]), ("real images", card.inputs(real.samples[: ROWS * COLUMNS])[0]))
    for axes, (name, x) in zip(figure.subplots(1, 2), sides, strict=True):
        tiled(axes, card.inputs.intensities(x[: ROWS * COLUMNS]), name)
    return figure


def tiled(axes: Axes, intensities: torch.Tensor, title: str) -> None:
    """Images (B, C, H, W) side by side, `COLUMNS` a row; what lies outside [0, 1] is cut."""
    from torchvision.utils import make_grid  # takes a second to import

    tiles = make_grid(intensities.clamp(0, 1).cpu(), nrow=COLUMNS, padding=1, pad_value=1.0)
    axes.imshow(tiles.permute(1, 2, 0))
    axes.set_title(title, fontsize=8)
    axes.axis("off")


class Pictures:
    """The same latent variables every time, so that a picture shows how the generator changes."""

    def __init__(
        self, generator: nn.Module, picture: Callable[[Draw], Figure | None], seed: int, device: torch.device
    ) -> None:
        self.generator, self.picture, self.device, self.seed = generator, picture, device, seed
        size: int = generator.latent_size  # type: ignore[assignment]
        # More jets than are shown: a generator may reject some.
        self.z = torch.randn(max(4 * COUNT, ROWS * COLUMNS), size, generator=torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def show(self, writer: SummaryWriter, turn: int) -> None:
        """Put a picture on TensorBoard; the generator's mode and the run's random streams stay as they were."""
        training = self.generator.training
        self.generator.eval()
        draw: Draw = self.generator(self.z.to(self.device), torch.Generator(self.device).manual_seed(self.seed))
        self.generator.train(training)
        figure = self.picture(draw)
        if figure is not None:
            writer.add_figure("pseudo-samples", figure, turn)
