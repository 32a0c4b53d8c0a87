"""Pseudo-jets for taggers from files."""

from __future__ import annotations

import torch

from generators.jets.shower import Shower
from zskt.jets.jets import JetSelection
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tagger_inputs import TaggerInputs

NAMES = ("pfcand_etarel", "pfcand_phirel", "pfcand_dxysig")
PREPROCESS = Preprocess((InputGroup("pf_features", tuple(Variable(n) for n in NAMES), 1, 128),), ("a", "b"))


def test_pseudo_jets_of_any_phase_lie_in_it() -> None:
    inputs = TaggerInputs(preprocess=PREPROCESS, selection=JetSelection(0.4, 30.0, 300.0, 2.4, 0.0, 10.0, 0.1, 0.4))
    generator, rng = Shower(inputs), torch.Generator().manual_seed(0)
    draw = generator(torch.randn(200, generator.latent_size, generator=rng), rng)
    assert draw.view is not None and draw.view.jet_pt.min() > 30 and draw.view.jet_pt.max() < 300
    assert len(draw.view) > 0.5 * 200 and torch.isfinite(draw.x[0]).all()
    draw.x[0].sum().backward()
    gradients = [p.grad for p in generator.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients)


def test_strange_hadrons_fly() -> None:
    far = []
    for strange in (0.0, 0.2):
        inputs = TaggerInputs(preprocess=PREPROCESS, selection=JetSelection(strange_fraction=strange, pileup=1.0))
        generator, rng = Shower(inputs, adversarial=False), torch.Generator().manual_seed(0)
        jets = generator(torch.randn(200, generator.latent_size, generator=rng), rng).view
        assert jets is not None
        far.append(float((jets.d0.abs() > 5).float().mean()))
    assert far[1] > 5 * far[0]
