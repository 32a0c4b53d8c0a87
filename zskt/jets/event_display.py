"""Pictures of pseudo-samples beside real ones, from a random stream of their own."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.contracts import PseudoBatch
from zskt.dataset import Labelled
from zskt.jets.jetclass import SAMPLE, read_jets
from zskt.jets.jets import Jets

COUNT = 4
"""Jets a row."""
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


def plane(draw: PseudoBatch, real: Labelled) -> Figure | None:
    """`COUNT` pseudo-jets above as many simulated ones, in the eta-phi plane; None if there are none.

    Data without the particles' kinds leave the place to the sample that ships.
    """
    if draw.view is None or not len(draw.view):
        return None
    shown = real.samples if isinstance(real.samples, Jets) else read_jets(SAMPLE, most=COUNT).samples
    assert isinstance(shown, Jets)
    pseudo, simulated = draw.view[:COUNT], shown[:COUNT]
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
