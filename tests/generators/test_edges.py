"""Generators at the edge: extreme latent variables, wild parameters, particles without momentum."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from generators import GENERATORS
from generators.images.strokes import STROKE_LATENTS, Strokes
from generators.jets.decays import ParticleKind, Particles, decay_neutral_pions
from generators.jets.detector import assemble
from generators.jets.four_vectors import TINY, from_pt_eta_phi_mass, pt_eta_phi, square_root
from generators.jets.hard_process import Flavour
from generators.jets.mass_correction import restore_masses
from generators.jets.parton_shower import Partons, StringParameters, hadronise
from generators.jets.unconstrained import as_jets
from teachers.images import DATA
from tests.generators import stream
from tests.gradients import gradients, number
from tests.toy_taggers import described
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs
from zskt.jets.features import FULL, KIN, KINPID
from zskt.jets.jets import JetSelection
from zskt.jets.tagger_inputs import AnyJetInputs, TaggerInputs

LATENTS = (0.0, 6.0, -6.0)
TAGGER = TaggerInputs(
    preprocess=described(names=("pfcand_mystery", "pfcand_erel_log")), selection=JetSelection(0.4, 30.0, 1000.0)
)


def names(domain: str) -> list[str]:
    return [name for name, entry in GENERATORS.items() if entry.domain == domain]


def require_finite_gradients(generator: Generator, value: float) -> None:
    """Every gradient of a batch whose latent variables all have that value."""
    z = number(value, 32, generator.latent_size)
    batch = generator(z, stream())
    parts = [t.square().sum() for t in batch.x if t.is_floating_point()]
    parts += [t.sum() for t in (batch.penalty, batch.log_prob) if t is not None]
    y = torch.stack(parts).sum()
    assert torch.isfinite(y)
    if y.requires_grad:
        gradients(y, z, *(p for p in generator.parameters() if p.requires_grad))


@pytest.mark.parametrize("name", names("jets"))
@pytest.mark.parametrize("inputs", [KIN, KINPID, FULL, TAGGER], ids=["kin", "kinpid", "full", "tagger"])
def test_jets_of_extreme_latent_variables_have_finite_gradients(name: str, inputs: AnyJetInputs) -> None:
    for value in LATENTS:
        generator = GENERATORS[name].build(inputs)
        require_finite_gradients(generator, value)


@pytest.mark.parametrize("name", names("images"))
def test_images_of_extreme_latent_variables_have_finite_gradients(name: str) -> None:
    for value in LATENTS:
        generator = GENERATORS[name].build(DATA["cifar10"].inputs)
        require_finite_gradients(generator, value)


@pytest.mark.parametrize(("name", "spread"), [("mlp", 3.0), ("shower", 3.0), ("image", 3.0), ("strokes", 0.1)])
def test_generators_of_wild_parameters_have_finite_gradients(name: str, spread: float) -> None:
    generator = GENERATORS[name].build(FULL if name in names("jets") else DATA["mnist"].inputs)
    for parameter in generator.parameters():
        nn.init.normal_(parameter, 0, spread, generator=stream())
    for value in LATENTS:
        require_finite_gradients(generator, value)


def test_the_root_of_nothing_has_no_slope() -> None:
    x = torch.tensor([-1.0, 0.0, 4.0], requires_grad=True)
    assert torch.allclose(square_root(x), torch.tensor([0.0, 0.0, 2.0]))
    assert gradients(square_root(x), x)[0].tolist() == [0.0, 0.0, 0.25]
    assert torch.autograd.gradcheck(square_root, torch.tensor([0.5, 4.0], dtype=torch.double, requires_grad=True))


def test_four_vectors_of_nothing_and_of_what_is_at_rest() -> None:
    pt, eta, phi, mass = (torch.tensor(v, requires_grad=True) for v in ([0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 2.0]))
    p = from_pt_eta_phi_mass(pt, eta, phi, mass)
    assert torch.allclose(p, torch.tensor([[0.0] * 4, [2.0, 0, 0, 0]]))
    assert gradients(p[:, 0], pt, mass)[1].tolist() == [0.0, 1.0]
    regular = [torch.tensor([v], dtype=torch.double, requires_grad=True) for v in (3.0, 0.5, -2.0, 0.1)]
    assert torch.autograd.gradcheck(from_pt_eta_phi_mass, regular)
    assert torch.autograd.gradcheck(lambda *x: pt_eta_phi(from_pt_eta_phi_mass(*x)), regular)


def test_nothing_has_no_direction_and_the_beam_no_azimuth() -> None:
    p = torch.tensor([[0.0] * 4, [5.0, 0, 0, 5.0]], requires_grad=True)
    pt, eta, phi = pt_eta_phi(p)
    assert torch.allclose(pt, torch.tensor(TINY).sqrt()) and eta[0] == 0 and phi.tolist() == [0, 0]
    assert gradients(phi, p)[0].abs().max() == 0
    assert gradients(eta, p)[0][0].tolist() == pytest.approx([0, 0, 0, TINY**-0.5])
    gradients(pt, p)


def particles(
    jet: list[int], pt: list[float], eta: list[float], kind: ParticleKind = ParticleKind.CHARGED
) -> Particles:
    count = len(jet)
    floats = [torch.tensor(v, requires_grad=True) for v in (pt, eta, [0.1] * count)]
    zero = torch.zeros(count)
    return Particles(torch.tensor(jet), torch.full((count,), int(kind)), zero + 1, *floats, zero, zero)


def test_lone_massless_and_motionless_prongs_stay_where_they_are() -> None:
    # The first jet has one prong, the second none, the third two that coincide, the fourth one without momentum.
    p = particles([0, 8, 10, 12], [10.0, 5.0, 5.0, 0.0], [0.5, 1.0, 1.0, -1.0])
    moved = restore_masses(p, torch.full((4, 2), 0.1), torch.full((4,), 80.0))
    assert torch.allclose(moved.eta, p.eta, atol=1e-6) and torch.allclose(moved.phi, p.phi, atol=1e-6)
    of_pt, of_eta, _ = gradients(moved.eta + moved.phi, p.pt, p.eta, p.phi)
    assert torch.allclose(of_pt, torch.zeros(4), atol=1e-4) and torch.allclose(of_eta, torch.ones(4), atol=1e-4)


def test_a_resonance_is_given_its_mass_with_a_slope_of_one() -> None:
    # A and B of one massless particle each, 400 GeV, 0.1 apart: 40 GeV.
    p, roots = particles([0, 2], [400.0, 400.0], [0.05, -0.05]), number(35.0)
    moved = restore_masses(p, torch.zeros(1, 2), roots)
    four = from_pt_eta_phi_mass(moved.pt, moved.eta, moved.phi, 0.0).sum(0)
    mass = (four[0].square() - four[1:].square().sum()).sqrt()
    assert float(mass.detach()) == pytest.approx(35, rel=0.01)
    assert float(gradients(mass, roots, p.pt, p.eta)[0]) == pytest.approx(1, rel=0.01)


def test_a_pion_without_momentum_decays_to_nothing() -> None:
    p = particles([0, 0], [0.0, 10.0], [0.0, 0.0], ParticleKind.PHOTON)
    found = decay_neutral_pions(p, stream())
    assert gradients(found.pt, p.pt)[0].tolist() == pytest.approx([1, 1])
    gradients(found.eta + found.phi, p.pt, p.eta)


def test_a_string_may_leave_its_parton_nothing() -> None:
    n = 200
    one, zero, pt = torch.ones(n), torch.zeros(n), number(2.0, n)
    partons = Partons(torch.arange(n), torch.full((n,), int(Flavour.GLUON)), pt, zero, zero, 0.8 * one, 0.8 * one)
    found, leads = hadronise(partons, StringParameters(4 * one, 0.6 * one, zero), stream())
    assert (found.pt[leads] == 0).any()
    p = from_pt_eta_phi_mass(found.pt, found.eta, found.phi, 0.0)
    assert torch.allclose(gradients(found.pt, pt)[0], one, atol=1e-4)  # its momentum is kept
    gradients(p, pt)


def test_jets_of_none_and_of_one_particle_lie_on_their_axis() -> None:
    p = particles([1], [20.0], [0.5])
    jets = assemble(p, 3, stream())
    assert jets.jet_pt[:, 0].tolist() == pytest.approx([TINY**0.5, 20, TINY**0.5])
    assert torch.allclose(jets.deta, torch.zeros(3, 1), atol=1e-6)
    # All of the energy, whatever it is.
    row = FULL.features.index("part_logerel")
    assert torch.allclose(FULL(jets)[1][:, row, 0], torch.tensor([0, 0.7 * 4.7, 0]), atol=1e-5)
    gradients(jets.mass, p.pt, p.eta, p.phi)
    for t in FULL(jets)[:2]:
        gradients(t, p.pt, p.eta, p.phi)


def test_equal_particles_on_the_axis_share_momentum_and_feel_every_position() -> None:
    log_pt, position, displacement = number(0.0, 2, 4), number(0.0, 2, 4, 2), number(0.0, 2, 4, 2)
    kinds = torch.full((2, 4, 5), 0.2)
    jets = as_jets(JetSelection(), log_pt, position, kinds, displacement, torch.tensor([2, 4]), stream())
    share = jets.pt / jets.jet_pt
    assert torch.allclose(share, torch.tensor([[0.5, 0.5, 0, 0], [0.25] * 4]), atol=1e-4)
    gradients(share, log_pt)
    gradients(jets.deta + jets.dphi, log_pt, position)
    # 0.9, the slope of 0.9 R tanh(r / R), less what the axis follows.
    of_position = gradients(torch.atan2(jets.py[0, :1], jets.px[0, :1]), position)[0]
    assert sorted(of_position[0, :, 1].tolist()) == pytest.approx([-0.45, 0, 0, 0.45], abs=1e-4)


def test_characters_of_one_point_have_finite_gradients() -> None:
    z = torch.zeros(1, Strokes.latent_size)
    z[:, STROKE_LATENTS.index("length")] = -100  # exp(-40)
    z.requires_grad_()
    pixels = Strokes(DATA["mnist"].inputs, adversarial=False).images(z, torch.tensor([[True, False, False]]))
    gradients(pixels, z)


@pytest.mark.parametrize("name", names("images"))
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_smallest_images_are_finite(name: str, size: int, channels: int) -> None:
    inputs = ImageInputs(mean=(0.5,) * channels, std=(0.25,) * channels, size=size, side=size)
    (x,) = GENERATORS[name].build(inputs).sample(8, stream()).x
    assert x.shape == (8, channels, size, size)
    assert bool(torch.isfinite(x).all())
