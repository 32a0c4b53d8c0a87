"""Every generator gives as many samples as asked for; those of jets, jets that a detector could have seen."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from generators import GENERATORS
from generators.jets.four_vectors import pt_eta_phi
from tests.generators import stream
from zskt.contracts import PseudoBatch
from zskt.frames.moving_digits import INPUTS as MOVING_DIGITS
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs
from zskt.jets.angles import wrap
from zskt.jets.features import FULL, KIN, KINPID, JetInputs
from zskt.vectors.inputs import VectorInputs

BATCH = 64
IMAGES = ImageInputs(mean=(0.5,), std=(0.5,), size=12, side=12)
VECTORS = VectorInputs.from_bounds([0.0, -1.0], 2.0)
JETS = [name for name, entry in GENERATORS.items() if entry.domain == "jets"]


def drawn(name: str, inputs: JetInputs = KIN, seed: int = 0) -> tuple[Generator, PseudoBatch]:
    """A generator, and a batch of it."""
    generator = GENERATORS[name].build(inputs)
    z = torch.randn(BATCH, generator.latent_size, generator=stream(seed))
    return generator, generator(z, stream(seed))


@pytest.mark.parametrize("name", JETS)
@pytest.mark.parametrize("inputs", [KIN, KINPID, FULL])
def test_features_points_and_mask_belong_to_one_set_of_four_vectors(name: str, inputs: JetInputs) -> None:
    _, batch = drawn(name, inputs)
    jets, (points, features, mask) = batch.view, batch.x
    assert jets is not None
    row = {feature: features[:, i] for i, feature in enumerate(inputs.features)}
    real = mask[:, 0]
    assert torch.equal(points[:, 0], row["part_deta"]) and torch.equal(points[:, 1], row["part_dphi"])
    assert torch.equal(real, jets.mask)
    pt, energy = torch.hypot(jets.px, jets.py), jets.energy
    assert torch.allclose(row["part_pt_log"][real], ((pt.log() - 1.7) * 0.7).clamp(-5, 5)[real], atol=1e-4)
    relative = ((energy / jets.jet_energy).log() + 4.7) * 0.7
    assert torch.allclose(row["part_logerel"][real], relative.clamp(-5, 5)[real], atol=1e-4)
    assert torch.isfinite(features).all()
    assert (features * ~mask == 0).all() and (points * ~mask == 0).all()


@pytest.mark.parametrize("name", JETS)
def test_the_axis_is_the_constituents_own_and_bounds_are_kept(name: str) -> None:
    _, batch = drawn(name)
    jets = batch.view
    assert jets is not None
    total = torch.stack([(t * jets.mask).sum(1) for t in (jets.energy, jets.px, jets.py, jets.pz)], -1)
    pt, eta, phi = pt_eta_phi(total)
    assert torch.allclose(pt, jets.jet_pt[:, 0], rtol=1e-3)
    assert pt.min() > 495 and pt.max() < 1005
    assert eta.abs().max() < 2.2
    particle_eta = torch.asinh(jets.pz / jets.pt)
    deta = (particle_eta - eta.unsqueeze(1)) * eta.sign().unsqueeze(1)
    dphi = wrap(torch.atan2(jets.py, jets.px) - phi.unsqueeze(1))
    assert torch.allclose(deta[jets.mask], jets.deta[jets.mask], atol=2e-3)
    assert torch.allclose(dphi[jets.mask], jets.dphi[jets.mask], atol=2e-3)
    assert torch.hypot(jets.deta, jets.dphi)[jets.mask].max() < 0.9
    mass2 = jets.energy**2 - jets.px**2 - jets.py**2 - jets.pz**2
    assert (mass2 > -1e-3 * jets.energy**2 - 1e-3)[jets.mask].all()
    assert jets.pt[jets.mask].min() > 0.35
    falling = jets.pt[:, 1:] <= jets.pt[:, :-1] + 1e-4
    assert falling[jets.mask[:, 1:]].all()
    kinds = jets.is_charged_hadron + jets.is_neutral_hadron + jets.is_photon + jets.is_electron + jets.is_muon
    assert torch.equal(kinds > 0, jets.mask)
    assert (jets.charge[(jets.is_photon + jets.is_neutral_hadron) > 0] == 0).all()


@pytest.mark.parametrize("name", JETS)
def test_the_same_streams_give_the_same_jets_and_others_do_not(name: str) -> None:
    torch.manual_seed(1)
    first = drawn(name)[1].x[1]
    torch.manual_seed(1)
    assert torch.equal(first, drawn(name)[1].x[1])
    torch.manual_seed(1)
    other = drawn(name, seed=5)[1].x[1]
    assert first.shape != other.shape or not torch.equal(first, other)


@pytest.mark.parametrize("name", ["mlp", "shower"])
def test_an_adversary_gets_finite_gradients_everywhere_and_learns(name: str) -> None:
    generator, batch = drawn(name)
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    rows = batch.x[1].square().mean((1, 2))
    loss = rows.mean() if batch.log_prob is None else rows.mean() + (rows.detach() * batch.log_prob).mean()
    loss.backward()
    for parameter_name, parameter in generator.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
    assert sum(float(p.grad.abs().sum()) for p in generator.parameters() if p.grad is not None) > 0
    optimizer.step()


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_samples_exactly_so_many(name: str) -> None:
    inputs = {"jets": KIN, "images": IMAGES, "vectors": VECTORS, "frames": MOVING_DIGITS}[GENERATORS[name].domain]
    batch = GENERATORS[name].build(inputs).sample(5, stream())
    assert all(len(part) == 5 for part in batch.x) and batch.latent


def test_importing_generators_needs_no_plots_and_no_data_sets() -> None:
    code = "import sys, generators; print(*{'matplotlib', 'torchvision', 'awkward', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
