"""Pictures of jets."""

from __future__ import annotations

from dataclasses import replace

import torch

from zskt.contracts import PseudoBatch
from zskt.jets.event_display import JETS_PER_ROW, event_display
from zskt.jets.features import KIN
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.jets.tracks import reconstruct

from .samples import sample_jets


def test_pseudo_jets_stand_above_simulated_ones() -> None:
    jets = sample_jets(6)
    figure = event_display(PseudoBatch(KIN(jets), view=jets), read_jets(SAMPLE, most=9))
    assert figure is not None and len(figure.axes) == 2 * JETS_PER_ROW
    assert figure.axes[0].get_ylabel().startswith("pseudo-jets")
    assert figure.axes[0].get_title() == f"{jets.jet_pt[0].item():.0f} GeV, m = {jets.mass[0].item():.0f} GeV"


def test_data_without_kinds_of_particles_leave_the_place_to_the_sample() -> None:
    jets, data = sample_jets(4), read_jets(SAMPLE, most=4)
    figure = event_display(PseudoBatch(KIN(jets), view=jets), replace(data, samples=reconstruct(jets, 0.8)))
    assert figure is not None and figure.axes[JETS_PER_ROW].get_title() == figure.axes[0].get_title()


def test_without_pseudo_jets_there_is_no_picture() -> None:
    x = (torch.zeros(1, 2, 3),)
    assert event_display(PseudoBatch(x), read_jets(SAMPLE, most=4)) is None
