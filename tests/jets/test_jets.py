"""Jets by their constituents, and selections of them."""

from __future__ import annotations

import pytest
import torch

from zskt.errors import UserError
from zskt.jets.jets import AK4_SELECTION, AK8_SELECTION, JETCLASS_CLASSES, JetSelection

from .samples import sample_jets


def test_rows_are_trimmed_to_the_longest_jet() -> None:
    jets = sample_jets(50)
    counts = jets.mask.sum(1)
    shortest = int(counts.argmin())
    assert jets[shortest : shortest + 1].mask.shape == (1, int(counts[shortest]))
    assert torch.allclose(jets[torch.tensor([3, 1])].mass, jets.mass[[3, 1]], rtol=1e-5)


def test_the_mass_is_that_of_the_sum_of_all_particles() -> None:
    jets = sample_jets(5)
    p = torch.stack([(t * jets.mask).double().sum(1) for t in (jets.energy, jets.px, jets.py, jets.pz)])
    assert torch.allclose(jets.mass.double(), (p[0] ** 2 - p[1:].square().sum(0)).sqrt(), rtol=1e-3)
    assert torch.allclose(p[1:3].norm(dim=0).float(), jets.jet_pt[:, 0], rtol=1e-2)


def test_selections_of_small_jets_hold_a_prong() -> None:
    assert len(JETCLASS_CLASSES) == len(set(JETCLASS_CLASSES)) == 10
    assert JetSelection().contains_decay and AK8_SELECTION.contains_decay and not AK4_SELECTION.contains_decay


def test_selections_that_cannot_be_are_refused() -> None:
    assert AK8_SELECTION.changed(pt_low=300.0).pt_low == 300 and AK8_SELECTION.changed(radius=0.5).pileup == 3
    with pytest.raises(UserError, match="pt_low is 2000 and pt_high 1000: the first must be the smaller"):
        JetSelection().changed(pt_low=2000.0)
    with pytest.raises(UserError, match=r"radius is 1.5, but pseudo-jets have at most 0\.8"):
        JetSelection().changed(radius=1.5)
