"""The shower gets its physics right, and its adversary begins at the prior."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from generators.jets.hard_process import PROCESSES, Flavour
from generators.jets.shower import SHOWER_PARAMETERS, Shower
from tests.generators import stream
from zskt.jets.features import FULL, KIN

BATCH = 64


def test_shower_begins_at_the_prior_and_without_adversary_has_nothing_to_learn() -> None:
    prior, adversarial = Shower(KIN, adversarial=False), Shower(KIN)
    assert not list(prior.parameters())
    z = torch.randn(BATCH, prior.latent_size, generator=stream())
    assert torch.equal(prior(z, stream()).x[1], adversarial(z, stream()).x[1])


def test_the_adversary_cannot_shift_beyond_its_bound() -> None:
    generator = Shower(KIN, bound=1.5)
    assert generator.adversary is not None
    for parameter in generator.adversary.parameters():
        nn.init.normal_(parameter, 0, 10)
    shift = generator.adversary(torch.randn(99, len(SHOWER_PARAMETERS)), torch.zeros(99, dtype=torch.long))
    assert shift.abs().max() <= 1.5


@pytest.mark.parametrize(("root", "mass"), [("W", 80.4), ("Z", 91.2), ("H", 125.0)])
def test_resonances_come_out_with_their_masses(root: str, mass: float) -> None:
    rows = [
        i for i, p in enumerate(PROCESSES) if p.root == root and p.a == p.b and p.a in (Flavour.LIGHT, Flavour.CHARM)
    ]
    generator = Shower(KIN, adversarial=False)
    process = torch.tensor(rows[:1]).repeat(400)
    jets, accepted = generator.jets(torch.randn(400, len(SHOWER_PARAMETERS), generator=stream()), process, stream())
    assert accepted.float().mean() > 0.4
    assert jets.mass.median().item() == pytest.approx(mass, rel=0.12)


def test_multiplicity_is_that_of_a_jet_at_the_lhc() -> None:
    generator = Shower(KIN, adversarial=False)
    mean = (
        generator(torch.randn(400, len(SHOWER_PARAMETERS), generator=stream()), stream())
        .x[2]
        .sum((1, 2))
        .float()
        .mean()
    )
    assert 35 < mean < 60  # simulated jets: 49


def test_bottom_jets_are_displaced_and_have_leptons_and_light_ones_hardly() -> None:
    index = {p.a: i for i, p in enumerate(PROCESSES) if p.root == ""}
    displaced = {}
    for flavour in (Flavour.BOTTOM, Flavour.LIGHT):
        process = torch.full((300,), index[flavour])
        jets, _ = Shower(FULL, adversarial=False).jets(torch.randn(300, len(SHOWER_PARAMETERS)), process, stream())
        significance = (jets.d0 / jets.d0_error.clamp(min=1e-6)).abs()[(jets.charge != 0) & jets.mask]
        displaced[flavour] = (significance > 5).float().mean().item()
    assert displaced[Flavour.BOTTOM] > 0.05
    assert displaced[Flavour.LIGHT] < 0.01


def test_asked_for_classes_it_draws_the_processes_that_make_them() -> None:
    generator = Shower(KIN)
    generator.condition(2)
    processes = torch.arange(len(PROCESSES))
    single = torch.tensor([not p.root for p in PROCESSES])
    beliefs = torch.stack([single, ~single], 1).float()  # class 0: a single parton
    for _ in range(20):
        generator.learn_classes(processes, beliefs)
    batch = generator.sample(60, stream(), torch.arange(60) % 2)
    assert batch.labels is not None and batch.component is not None and len(batch.labels) == 60
    shares = [float(single[batch.component[batch.labels == k]].float().mean()) for k in (0, 1)]
    assert shares[0] > 0.5 > 0.1 > shares[1]
