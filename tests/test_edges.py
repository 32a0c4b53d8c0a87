"""Gradients at the edge: empty slots, nothing moving, coincident particles, certain or dead networks."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch
from generators.detector import assemble
from generators.free import as_jets
from generators.hadrons import Kind, Particles, decay_pions
from generators.hard import Flavour
from generators.kinematics import TINY, from_pt_eta_phi_mass, pt_eta_phi, square_root
from generators.lund import Partons, String, hadronise
from generators.recoil import restore_masses
from generators.strokes import Strokes
from teachers.image_cards import DATA
from teachers.inputs import FULL, KIN, KINPID, Jets, Phase
from teachers.meanings import EVALUATOR, JETCLASS, JETS, KINEMATICS, TRACKS, VERTICES
from teachers.tagger_inputs import AnyJetInputs, TaggerInputs
from teachers.tracks import along_axis, reconstruct
from torch import Tensor, nn
from zskt.answers import Answer, attention_map
from zskt.game import divergence, hint_distance, student_loss, surprise, uncertainty, uphill, value_distance
from zskt.moments import mismatch

from generators import GENERATORS

from .networks import described

Z = (0.0, 6.0, -6.0)
TAGGER = TaggerInputs(preprocess=described(names=("pfcand_mystery", "pfcand_erel_log")), phase=Phase(0.4, 30.0, 1000.0))


def names(domain: str) -> list[str]:
    return [name for name, entry in GENERATORS.items() if entry.domain == domain]


def stream() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def number(value: float, *shape: int) -> Tensor:
    return torch.full(shape or (1,), value, requires_grad=True)


def pulled(y: Tensor, *leaves: Tensor) -> list[Tensor]:
    """Gradients of the sum of y; nowhere in the graph is one NaN or infinite, not even where it is masked later."""
    seen, todo = set(), [y.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            node.register_hook(lambda outputs, _, node=node: all_finite(node.name(), outputs))  # type: ignore[misc]
            todo += [following for following, _ in node.next_functions]
    with torch.autograd.set_detect_anomaly(True):
        found = torch.autograd.grad(y.sum(), leaves, retain_graph=True, allow_unused=True)
    all_finite("leaf", found)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)]


def all_finite(name: str, gradients: tuple[Tensor | None, ...]) -> None:
    assert all(g is None or bool(torch.isfinite(g).all()) for g in gradients), name


def played(generator: nn.Module, value: float) -> None:
    """Every gradient of a batch whose latent variables all have that value."""
    z = number(value, 32, generator.latent_size)  # type: ignore[arg-type]
    draw = generator(z, stream())
    parts = [t.square().sum() for t in draw.x if t.is_floating_point()]
    parts += [t.sum() for t in (draw.cost, draw.log_prob) if t is not None]
    y = torch.stack(parts).sum()
    assert torch.isfinite(y)
    if y.requires_grad:
        pulled(y, z, *(p for p in generator.parameters() if p.requires_grad))


@pytest.mark.parametrize("name", names("jets"))
@pytest.mark.parametrize("inputs", [KIN, KINPID, FULL, TAGGER], ids=["kin", "kinpid", "full", "tagger"])
def test_jets_of_extreme_latent_variables_have_finite_gradients(name: str, inputs: AnyJetInputs) -> None:
    for value in Z:
        generator = GENERATORS[name].build(inputs)
        assert isinstance(generator, nn.Module)
        played(generator, value)


@pytest.mark.parametrize("name", names("images"))
def test_images_of_extreme_latent_variables_have_finite_gradients(name: str) -> None:
    for value in Z:
        generator = GENERATORS[name].build(DATA["cifar10"].inputs)
        assert isinstance(generator, nn.Module)
        played(generator, value)


@pytest.mark.parametrize(("name", "spread"), [("mlp", 3.0), ("shower", 3.0), ("image", 3.0), ("strokes", 0.1)])
def test_generators_of_wild_parameters_have_finite_gradients(name: str, spread: float) -> None:
    generator = GENERATORS[name].build(FULL if name in names("jets") else DATA["mnist"].inputs)
    assert isinstance(generator, nn.Module)
    for parameter in generator.parameters():
        nn.init.normal_(parameter, 0, spread, generator=stream())
    for value in Z:
        played(generator, value)


def test_the_root_of_nothing_has_no_slope() -> None:
    x = torch.tensor([-1.0, 0.0, 4.0], requires_grad=True)
    assert torch.allclose(square_root(x), torch.tensor([0.0, 0.0, 2.0]))
    assert pulled(square_root(x), x)[0].tolist() == [0.0, 0.0, 0.25]
    assert torch.autograd.gradcheck(square_root, torch.tensor([0.5, 4.0], dtype=torch.double, requires_grad=True))


def test_four_vectors_of_nothing_and_of_what_is_at_rest() -> None:
    pt, eta, phi, mass = (torch.tensor(v, requires_grad=True) for v in ([0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 2.0]))
    p = from_pt_eta_phi_mass(pt, eta, phi, mass)
    assert torch.allclose(p, torch.tensor([[0.0] * 4, [2.0, 0, 0, 0]]))
    assert pulled(p[:, 0], pt, mass)[1].tolist() == [0.0, 1.0]
    regular = [torch.tensor([v], dtype=torch.double, requires_grad=True) for v in (3.0, 0.5, -2.0, 0.1)]
    assert torch.autograd.gradcheck(from_pt_eta_phi_mass, regular)
    assert torch.autograd.gradcheck(lambda *x: pt_eta_phi(from_pt_eta_phi_mass(*x)), regular)


def test_nothing_has_no_direction_and_the_beam_no_azimuth() -> None:
    p = torch.tensor([[0.0] * 4, [5.0, 0, 0, 5.0]], requires_grad=True)
    pt, eta, phi = pt_eta_phi(p)
    assert torch.allclose(pt, torch.tensor(TINY).sqrt()) and eta[0] == 0 and phi.tolist() == [0, 0]
    assert pulled(phi, p)[0].abs().max() == 0
    assert pulled(eta, p)[0][0].tolist() == pytest.approx([0, 0, 0, TINY**-0.5])
    pulled(pt, p)


def particles(jet: list[int], pt: list[float], eta: list[float], kind: Kind = Kind.CHARGED) -> Particles:
    number_of = len(jet)
    floats = [torch.tensor(v, requires_grad=True) for v in (pt, eta, [0.1] * number_of)]
    zero = torch.zeros(number_of)
    return Particles(torch.tensor(jet), torch.full((number_of,), int(kind)), zero + 1, *floats, zero, zero)


def test_lone_massless_and_motionless_prongs_stay_where_they_are() -> None:
    # The first jet has one prong, the second none, the third two that coincide, the fourth one without momentum.
    p = particles([0, 8, 10, 12], [10.0, 5.0, 5.0, 0.0], [0.5, 1.0, 1.0, -1.0])
    moved = restore_masses(p, torch.full((4, 2), 0.1), torch.full((4,), 80.0))
    assert torch.allclose(moved.eta, p.eta, atol=1e-6) and torch.allclose(moved.phi, p.phi, atol=1e-6)
    of_pt, of_eta, _ = pulled(moved.eta + moved.phi, p.pt, p.eta, p.phi)
    assert torch.allclose(of_pt, torch.zeros(4), atol=1e-4) and torch.allclose(of_eta, torch.ones(4), atol=1e-4)


def test_a_resonance_is_given_its_mass_with_a_slope_of_one() -> None:
    # A and B of one massless particle each, 400 GeV, 0.1 apart: 40 GeV.
    p, roots = particles([0, 2], [400.0, 400.0], [0.05, -0.05]), number(35.0)
    moved = restore_masses(p, torch.zeros(1, 2), roots)
    four = from_pt_eta_phi_mass(moved.pt, moved.eta, moved.phi, 0.0).sum(0)
    mass = (four[0].square() - four[1:].square().sum()).sqrt()
    assert float(mass.detach()) == pytest.approx(35, rel=0.01)
    assert float(pulled(mass, roots, p.pt, p.eta)[0]) == pytest.approx(1, rel=0.01)


def test_a_pion_without_momentum_decays_to_nothing() -> None:
    p = particles([0, 0], [0.0, 10.0], [0.0, 0.0], Kind.PHOTON)
    found = decay_pions(p, stream())
    assert pulled(found.pt, p.pt)[0].tolist() == pytest.approx([1, 1])
    pulled(found.eta + found.phi, p.pt, p.eta)


def test_a_string_may_leave_its_parton_nothing() -> None:
    n = 200
    one, zero, pt = torch.ones(n), torch.zeros(n), number(2.0, n)
    partons = Partons(torch.arange(n), torch.full((n,), int(Flavour.GLUON)), pt, zero, zero, 0.8 * one, 0.8 * one)
    found, leads = hadronise(partons, String(4 * one, 0.6 * one, zero), stream())
    assert (found.pt[leads] == 0).any()
    p = from_pt_eta_phi_mass(found.pt, found.eta, found.phi, 0.0)
    assert torch.allclose(pulled(found.pt, pt)[0], one, atol=1e-4)  # its momentum is kept
    pulled(p, pt)


def test_jets_of_none_and_of_one_particle_lie_on_their_axis() -> None:
    p = particles([1], [20.0], [0.5])
    jets = assemble(p, 3, stream())
    assert jets.jet_pt[:, 0].tolist() == pytest.approx([TINY**0.5, 20, TINY**0.5])
    assert torch.allclose(jets.deta, torch.zeros(3, 1), atol=1e-6)
    # All of the energy, whatever it is.
    row = FULL.features.index("part_logerel")
    assert torch.allclose(FULL(jets)[1][:, row, 0], torch.tensor([0, 0.7 * 4.7, 0]), atol=1e-5)
    pulled(jets.mass, p.pt, p.eta, p.phi)
    for t in FULL(jets)[:2]:
        pulled(t, p.pt, p.eta, p.phi)


def test_equal_particles_on_the_axis_share_momentum_and_feel_every_position() -> None:
    log_pt, position, displacement = number(0.0, 2, 4), number(0.0, 2, 4, 2), number(0.0, 2, 4, 2)
    kinds = torch.full((2, 4, 5), 0.2)
    jets = as_jets(Phase(), log_pt, position, kinds, displacement, torch.tensor([2, 4]), stream())
    share = jets.pt / jets.jet_pt
    assert torch.allclose(share, torch.tensor([[0.5, 0.5, 0, 0], [0.25] * 4]), atol=1e-4)
    pulled(share, log_pt)
    pulled(jets.deta + jets.dphi, log_pt, position)
    # 0.9, the slope of 0.9 R tanh(r / R), less what the axis follows.
    of_position = pulled(torch.atan2(jets.py[0, :1], jets.px[0, :1]), position)[0]
    assert sorted(of_position[0, :, 1].tolist()) == pytest.approx([-0.45, 0, 0, 0.45], abs=1e-4)


def test_characters_of_one_point_have_finite_gradients() -> None:
    z = torch.zeros(1, Strokes.latent_size)
    z[:, 10] = -100  # length: exp(-40)
    z.requires_grad_()
    pixels = Strokes(DATA["mnist"].inputs, adversarial=False).images(z, torch.tensor([[True, False, False]]))
    pulled(pixels, z)


def jets_of(*momenta: tuple[float, float, float], displaced: float = 0.5, kept: int = 2) -> Jets:
    """One jet of charged hadrons, the first ``kept`` slots of it real, every column with a gradient."""
    p = torch.tensor(momenta)
    zero, one = torch.zeros(1, len(p)), torch.ones(1, len(p))
    px, py, pz = (column.unsqueeze(0) for column in p.unbind(1))
    energy = p.square().sum(1).sqrt().unsqueeze(0)
    columns = {f.name: zero for f in fields(Jets)} | {
        "px": px, "py": py, "pz": pz, "energy": energy, "charge": one, "is_charged_hadron": one,
        "d0": displaced * one, "d0_error": 0.04 * displaced * one, "dz": zero, "dz_error": 0.04 * displaced * one,
        "jet_pt": torch.hypot(px.sum(1, keepdim=True), py.sum(1, keepdim=True)),
        "jet_energy": energy.sum(1, keepdim=True),
    }  # fmt: skip
    mask = (torch.arange(len(p)) < kept).unsqueeze(0)
    return Jets(**{k: v.clone().requires_grad_() for k, v in columns.items() if k != "mask"}, mask=mask)


ONE, OBLIQUE, NONE = (100.0, 0.0, 0.0), (90.0, 50.0, 20.0), (0.0, 0.0, 0.0)
JETS_AT_THE_EDGE = {
    "none": jets_of(NONE, NONE, kept=0),
    "one": jets_of(ONE, NONE, kept=1),
    "one at an angle": jets_of(OBLIQUE, NONE, kept=1),
    "two that coincide": jets_of(OBLIQUE, OBLIQUE, NONE),
    "one without momentum": jets_of(OBLIQUE, NONE),
    "all without momentum": jets_of(NONE, NONE),
    "one along the beam": jets_of(ONE, (0.0, 0.0, 10.0)),
    "back to back": jets_of(ONE, (-100.0, 0.0, 0.0)),
    "neither displaced nor measured": jets_of(ONE, OBLIQUE, displaced=0.0),
}


def leaves_of(jets: Jets) -> list[Tensor]:
    return [getattr(jets, f.name) for f in fields(jets) if f.name != "mask"]


@pytest.mark.parametrize("case", JETS_AT_THE_EDGE)
def test_features_of_odd_jets_have_finite_gradients_and_padding_has_none(case: str) -> None:
    jets = JETS_AT_THE_EDGE[case]
    points, features, mask = FULL(jets)
    assert torch.isfinite(features).all() and (features * ~mask == 0).all()
    pulled(points, *leaves_of(jets))
    pulled(jets.mass, *leaves_of(jets))
    of_px = pulled(features, *leaves_of(jets))[0]
    assert (of_px[~jets.mask] == 0).all()


@pytest.mark.parametrize("case", JETS_AT_THE_EDGE)
def test_quantities_of_odd_jets_have_finite_gradients(case: str) -> None:
    jets = JETS_AT_THE_EDGE[case]
    found = reconstruct(jets, 0.4, lost=True)
    tables = [(found.particles, KINEMATICS | TRACKS), (found.particles, JETCLASS | EVALUATOR)]
    tables += [
        (found.lost_tracks, KINEMATICS | TRACKS),
        (found.vertices, KINEMATICS | VERTICES),
        (found.particles, JETS),
    ]
    for collection, table in tables:
        for name, meaning in table.items():
            y = meaning.quantity(collection, found.jet)
            assert torch.isfinite(y).all(), name
            if y.requires_grad:
                pulled(y, *leaves_of(jets))


def test_a_lone_track_has_all_the_energy_and_runs_along_the_axis() -> None:
    found = reconstruct(JETS_AT_THE_EDGE["one"], 0.8)
    value = {name: KINEMATICS[name].quantity(found.particles, found.jet) for name in ("erel", "erel_log", "deltar")}
    assert [float(v.detach()) for v in value.values()] == pytest.approx([1, 0, 0], abs=1e-5)
    assert float(EVALUATOR["ppara_ratio"].quantity(found.particles, found.jet).detach()) == pytest.approx(1)
    empty = reconstruct(JETS_AT_THE_EDGE["none"], 0.8)
    assert float(KINEMATICS["erel"].quantity(empty.particles, empty.jet).detach()) == 0


def test_coincident_tracks_do_not_tell_where_they_come_from() -> None:
    assert not reconstruct(JETS_AT_THE_EDGE["two that coincide"], 0.8).vertices.mask.any()


def test_slopes_of_impact_parameters_are_right() -> None:
    regular = [
        torch.tensor([[v, 0.7 * v]], dtype=torch.double, requires_grad=True) for v in (0.3, -0.2, 0.1, 0.02, 0.03)
    ]
    axis = torch.tensor([[[0.8, 0.0, 0.6]]], dtype=torch.double)

    def quantities(*columns: Tensor) -> tuple[Tensor, ...]:
        eta, dxy, dz, dxy_error, dz_error = columns
        p = torch.stack([eta.cos(), eta.sin(), eta.sinh()], -1)
        t = {"eta": eta, "phi": eta, "dxy": dxy, "dz": dz, "dxy_error": dxy_error, "dz_error": dz_error}
        return tuple(along_axis(p, t, axis).values())

    assert torch.autograd.gradcheck(quantities, regular)


CERTAIN = torch.tensor([[0.0, -math.inf], [-math.inf, 3.0], [500.0, -500.0]])


def test_certain_teachers_diverge_by_the_log_of_what_the_student_believes() -> None:
    student = number(1.0, 3, 2)
    kl = divergence(CERTAIN, student)
    assert torch.allclose(kl, torch.full((3,), math.log(2)))
    assert torch.allclose(pulled(kl, student)[0], torch.tensor([[-0.5, 0.5], [0.5, -0.5], [-0.5, 0.5]]))
    assert torch.allclose(divergence(CERTAIN, number(1.0, 3, 2), 4.0), torch.full((3,), 16 * math.log(2)))


def test_certain_teachers_are_not_uncertain() -> None:
    teacher = CERTAIN.clone().requires_grad_()
    assert (uncertainty(teacher) == 0).all()
    assert pulled(uncertainty(teacher), teacher)[0].abs().max() == 0
    assert pulled(divergence(teacher, torch.ones(3, 2)), teacher)[0].abs().max() == 0
    pulled(surprise(teacher), teacher)
    both = [torch.tensor([[0.0, 900.0], [3.0, -2.0]], dtype=torch.double, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(divergence, [both[0], both[1].flip(1).detach().requires_grad_()])
    assert torch.autograd.gradcheck(uncertainty, both[:1])


def test_equal_beliefs_do_not_diverge_and_nothing_is_uphill() -> None:
    x = number(0.0, 2, 2)
    kl = divergence(torch.zeros(2, 2), x)
    assert torch.allclose(kl, torch.zeros(2), atol=1e-6)
    assert torch.equal(uphill(x, kl, torch.ones(2)), x.detach())


def test_a_dead_layer_of_the_teacher_counts_in_its_own_units() -> None:
    student = number(3.0, 2, 4)
    distance = hint_distance([torch.zeros(2, 4)], [student])
    assert float(distance.detach()) == 9
    assert torch.allclose(pulled(distance, student)[0], torch.full((2, 4), 2 * 3 / 8))
    assert float(hint_distance([torch.zeros(2, 4)], [torch.zeros(2, 4)])) == 0


def test_a_layer_that_is_silent_pays_attention_to_nothing() -> None:
    activation = number(0.0, 2, 3, 5)
    assert (attention_map(activation) == 0).all()
    assert pulled(attention_map(activation), activation)[0].abs().max() == 0
    layer = torch.rand(2, 3, 5, dtype=torch.double, generator=stream()).requires_grad_()
    assert torch.autograd.gradcheck(attention_map, layer)


def test_students_that_have_it_all_right_have_no_gradient() -> None:
    layers = number(0.0, 2, 3, 5)
    student = Answer(number(0.0, 2, 3), (attention_map(layers),), number(1.0, 2, 2), (layers,))
    loss = student_loss(student.detach(), student, 1.0, 1.0, 1.0, torch.ones(2), 1.0)
    assert student.values is not None
    assert all(g.abs().max() < 1e-7 for g in pulled(loss, student.logits, student.values, layers))
    assert (value_distance(student.detach(), student, torch.ones(2)) == 0).all()


@pytest.mark.parametrize("eps", [0.0, 1e-5])
def test_a_constant_channel_misses_all_of_the_spread(eps: float) -> None:
    layer = nn.BatchNorm1d(2, eps=eps)
    layer.running_mean, layer.running_var = torch.tensor([1.0, 0.0]), torch.tensor([4.0, 1.0])
    x = number(3.0, 8, 2)
    # Shifts of (3 - 1) / 2 and 3 / 1; standard deviations of 0 instead of 2 and 1.
    assert float(mismatch(x, layer).detach()) == pytest.approx((1 + 1 + 9 + 1) / 2, rel=2e-2)
    of_x = pulled(mismatch(x, layer), x)[0]
    assert torch.allclose(of_x, torch.tensor([1 / 2, 3.0]) / 8, rtol=1e-2)  # 2 shift / spread, over 8 rows, 2 channels


def test_slopes_of_moments_are_right_where_all_rows_are_equal() -> None:
    layer = nn.BatchNorm1d(2, eps=1e-2).double()
    assert torch.autograd.gradcheck(
        lambda x: mismatch(x, layer), torch.full((4, 2), 3.0, dtype=torch.double, requires_grad=True)
    )


def test_normalising_what_is_all_equal_gives_its_bias() -> None:
    layer, x = nn.BatchNorm1d(3), number(5.0, 4, 3)
    assert torch.allclose(layer(x), layer.bias.expand(4, 3), atol=1e-4)
    assert pulled(layer(x), x, *layer.parameters())[0].abs().max() < 1e-3
