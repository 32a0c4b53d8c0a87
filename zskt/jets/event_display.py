"""Draw jets in the eta-phi plane: pseudo-jets above simulated ones."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.contracts import PseudoBatch
from zskt.dataset import Labelled, drawn_rows
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import Jets
from zskt.jets.sample import SAMPLE
from zskt.plots.palette import BLACK, BLUE, GREEN, PURPLE, VERMILLION
from zskt.plots.plot import Panel, Plot, Row

JETS_PER_ROW = 4
ANGLES = (-0.8, -0.4, 0.0, 0.4, 0.8)
"""Δη and Δφ that have numbers."""
PARTICLE_COLOURS = {
    "is_charged_hadron": ("charged hadrons", VERMILLION),
    "is_neutral_hadron": ("neutral hadrons", GREEN),
    "is_photon": ("photons", PURPLE),
    "is_electron": ("electrons", BLUE),
    "is_muon": ("muons", BLACK),
}
"""Label and colour of each kind of particle."""


def draw_jet(axes: Axes, jets: Jets, i: int) -> None:
    """Draw jet i: a disc for each particle, its area proportional to transverse momentum."""
    for field, (label, colour) in PARTICLE_COLOURS.items():
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
    axes.set(xlim=(-0.8, 0.8), ylim=(-0.8, 0.8), xticks=ANGLES, yticks=ANGLES, aspect="equal")
    axes.set_title(f"{jets.jet_pt[i].item():.0f} GeV, m = {jets.mass[i].item():.0f} GeV", fontsize=8)
    axes.tick_params(labelsize=6)


def event_display(draw: PseudoBatch, real: Labelled | None) -> Figure | None:
    """Draw `JETS_PER_ROW` pseudo-jets above as many simulated ones; None if there are no pseudo-jets.

    Where the data do not tell the kinds of particles, the sample that ships is drawn.
    """
    if draw.view is None or not len(draw.view):
        return None
    pseudo, simulated = draw.view[:JETS_PER_ROW], _simulated(real)
    figure = Figure(figsize=(2.4 * JETS_PER_ROW, 5.4))
    # A layout that measures labels takes longer than the jets.
    room = {"left": 0.075, "right": 0.99, "bottom": 0.15, "top": 0.95, "wspace": 0.06, "hspace": 0.16}
    rows = figure.subplots(2, JETS_PER_ROW, sharex=True, sharey=True, gridspec_kw=room)
    for axes, (name, jets) in zip(rows, (("pseudo-jets", pseudo), ("simulated jets", simulated)), strict=True):
        for i, cell in enumerate(axes[: len(jets)]):
            draw_jet(cell, jets, i)
        axes[0].set_ylabel(f"{name}\nΔφ", fontsize=8)
    for cell in rows[1]:
        cell.set_xlabel("Δη", fontsize=8)
    _legend(figure, rows[0][0])
    return figure


def _simulated(real: Labelled | None) -> Jets:
    samples = None if real is None else real.samples
    shown = samples if isinstance(samples, Jets) else read_jets(SAMPLE, most=JETS_PER_ROW).samples
    assert isinstance(shown, Jets)
    return shown[drawn_rows(len(shown), JETS_PER_ROW)]


def _legend(figure: Figure, axes: Axes, columns: int = len(PARTICLE_COLOURS)) -> None:
    handles, labels = axes.get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="lower center", ncols=columns, fontsize=7, frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([20])  # type: ignore[union-attr]


def jet_panels(draw: PseudoBatch, real: Labelled | None) -> Plot | None:
    """Draw four pseudo-jets in one panel, and four simulated ones in another; None if there are no pseudo-jets."""
    if draw.view is None or not len(draw.view):
        return None
    panels = []
    for name, jets in (("generated", draw.view[:JETS_PER_ROW]), ("simulated", _simulated(real))):
        figure = Figure(figsize=(4.4, 5.0))
        room = {"left": 0.12, "right": 0.98, "bottom": 0.16, "top": 0.95, "wspace": 0.06, "hspace": 0.18}
        cells = figure.subplots(2, 2, sharex=True, sharey=True, gridspec_kw=room)
        for i, cell in enumerate(list(cells.flat)[: len(jets)]):
            draw_jet(cell, jets, i)
        for cell in cells[1]:
            cell.set_xlabel("Δη", fontsize=8)
        for cell in cells[:, 0]:
            cell.set_ylabel("Δφ", fontsize=8)
        _legend(figure, cells[0][0], 3)
        panels.append(Panel(name, figure, _particles(jets)))
    note = "Discs are particles, their area proportional to transverse momentum; each jet's pT and mass stand above it."
    return Plot("Generated vs. simulated jets", tuple(panels), note)


def _particles(jets: Jets) -> list[Row]:
    """Return the particles of jets as a table."""
    rows: list[Row] = []
    for i in range(len(jets)):
        for p in jets.mask[i].nonzero().flatten().tolist():
            kind = next((f for f in PARTICLE_COLOURS if float(getattr(jets, f)[i, p]) > 0), "")
            values = {name: float(getattr(jets, name)[i, p]) for name in ("pt", "deta", "dphi")}
            rows.append({"jet": i, **values, "kind": kind.removeprefix("is_")})
    return rows
