"""Pictures of pseudo-jets in the eta-phi plane beside simulated ones, from a random stream of their own."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from generators import Draw
from teachers.inputs import Jets

COUNT = 4
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


def plane(pseudo: Jets, simulated: Jets) -> Figure:
    """`COUNT` pseudo-jets above as many simulated ones."""
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


class Pictures:
    """The same latent variables every time, so that a picture shows how the generator changes."""

    def __init__(self, generator: nn.Module, simulated: Jets, seed: int, device: torch.device) -> None:
        self.generator, self.simulated, self.device, self.seed = generator, simulated[:COUNT], device, seed
        size: int = generator.latent_size  # type: ignore[assignment]
        # More than are shown: a generator may reject some.
        self.z = torch.randn(4 * COUNT, size, generator=torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def show(self, writer: SummaryWriter, turn: int) -> None:
        """Put a picture on TensorBoard; the generator's mode and the run's random streams stay as they were."""
        training = self.generator.training
        self.generator.eval()
        draw: Draw = self.generator(self.z.to(self.device), torch.Generator(self.device).manual_seed(self.seed))
        self.generator.train(training)
        if draw.jets is not None and len(draw.jets):
            writer.add_figure("pseudo-jets", plane(draw.jets[:COUNT], self.simulated), turn)
