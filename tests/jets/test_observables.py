"""Observables of jets, against values computed by hand and by FastJet, from the inputs of both kinds of taggers."""

from __future__ import annotations

import itertools
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.jets.samples import sample_jets
from tests.toy_taggers import described
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.jets.constituents import Constituents
from zskt.jets.decode import CloudDecoder
from zskt.jets.features import FEATURES, FULL, KIN, KINPID, JetInputs
from zskt.jets.jets import Jets
from zskt.jets.observables import OBSERVABLES
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tagger_inputs import AnyJetInputs, TaggerInputs
from zskt.networks.students import STUDENTS
from zskt.onnx_runtime import run_onnx, write_onnx
from zskt.viewed import Viewed, make_view

PT, ETA, PHI = (50.0, 30.0, 20.0), (0.1, -0.2, 0.3), (3.1, -3.0, 3.0)
"""A jet of three particles across the cut in azimuth."""


def three(**columns: Tensor) -> Constituents:
    """The jet by hand, with a padding entry that holds nonsense."""
    pad = lambda values, last: torch.tensor([[*values, last]])  # noqa: E731
    return Constituents(
        pt=pad(PT, 0.0), eta=pad(ETA, 7.0), phi=pad(PHI, -40.0), mask=pad((True,) * 3, False).bool(), **columns
    )


def value(name: str, jets: Constituents) -> float:
    return float(OBSERVABLES[name].value(jets)[0])


def apart(i: int, j: int) -> float:
    dphi = (PHI[i] - PHI[j] + math.pi) % (2 * math.pi) - math.pi
    return math.hypot(ETA[i] - ETA[j], dphi)


def test_momentum_and_mass_are_those_of_the_sum_of_four_vectors() -> None:
    p = np.array([[a * math.cosh(e), a * math.cos(f), a * math.sin(f), a * math.sinh(e)]
                  for a, e, f in zip(PT, ETA, PHI, strict=True)]).sum(0)  # fmt: skip
    assert value("log_pt", three()) == pytest.approx(math.log(math.hypot(p[1], p[2])), rel=1e-5)
    assert value("mass", three()) == pytest.approx(math.sqrt(p[0] ** 2 - (p[1:] ** 2).sum()), rel=1e-5)


def test_shares_and_correlators_by_hand() -> None:
    z = [a / 100 for a in PT]
    e2 = sum(z[i] * z[j] * apart(i, j) for i, j in itertools.combinations(range(3), 2))
    e3 = z[0] * z[1] * z[2] * apart(0, 1) * apart(0, 2) * apart(1, 2)
    jets = three()
    assert value("multiplicity", jets) == 3
    assert value("ptd", jets) == pytest.approx(math.sqrt(0.25 + 0.09 + 0.04), rel=1e-5)
    assert value("c2", jets) == pytest.approx(e3 / e2**2, rel=1e-4)
    assert value("d2", jets) == pytest.approx(e3 / e2**3, rel=1e-4)


def test_girth_is_about_the_centre_of_momentum() -> None:
    z = [a / 100 for a in PT]
    phi = [f % (2 * math.pi) for f in PHI]  # of one turn, about pi
    centre = [sum(a * b for a, b in zip(z, c, strict=True)) for c in (ETA, phi)]
    by_hand = sum(a * math.hypot(e - centre[0], f - centre[1]) for a, e, f in zip(z, ETA, phi, strict=True))
    assert value("girth", three()) == pytest.approx(by_hand, rel=1e-4)


def test_axes_are_the_hardest_particle_and_then_those_that_add_most() -> None:
    z = [a / 100 for a in PT]
    tau1 = z[1] * apart(0, 1) + z[2] * apart(0, 2)
    second, other = (1, 2) if z[1] * apart(0, 1) > z[2] * apart(0, 2) else (2, 1)
    tau2 = z[other] * min(apart(0, other), apart(second, other))
    assert value("tau21", three()) == pytest.approx(tau2 / tau1, rel=1e-4)
    assert value("tau32", three()) == 0  # three particles, three axes


def test_charge_significances_and_vertices_by_hand() -> None:
    jets = three(
        charge=torch.tensor([[1.0, -1.0, 0.0, 9.0]]),
        significance=torch.tensor([[3.0, 0.5, 0.0, 99.0]]),
        vertices=torch.tensor([2]),
        abs_eta=torch.tensor([1.5]),
    )
    assert value("charge", jets) == pytest.approx(math.sqrt(0.5) - math.sqrt(0.3), rel=1e-5)
    assert value("max_significance", jets) == pytest.approx(math.log(4.0))
    assert value("sum_significance", jets) == pytest.approx(math.log(4.5))
    assert value("vertices", jets) == 2 and value("abs_eta", jets) == 1.5


def seen(inputs: AnyJetInputs, jets: Jets, names: str = "") -> dict[str, Tensor]:
    """What a student sees of jets, in physical units, by name."""
    view = make_view(f"observables:{names}", inputs, DOMAINS["jets"].views)
    (x,) = view.transform(*inputs(jets))
    axes = view.transform.axes  # type: ignore[attr-defined]
    return {n: c + s * x[:, i] for i, (n, (_, c, s)) in enumerate(zip(view.inputs.names, axes, strict=True))}


def test_jets_of_the_sample_have_the_momentum_mass_and_side_that_the_file_says() -> None:
    jets = sample_jets(100)
    found = seen(KIN, jets)
    assert set(found) == {"log_pt", "abs_eta", "mass", "multiplicity", "ptd", "girth", "tau21", "tau32", "c2", "d2"}
    assert torch.allclose(found["log_pt"], jets.jet_pt[:, 0].log(), atol=0.01)
    without = (jets.px.double().square() + jets.py.double().square() + jets.pz.double().square()).sqrt()
    massless = replace(jets, energy=without, px=jets.px.double(), py=jets.py.double(), pz=jets.pz.double())
    assert torch.allclose(found["mass"].double(), massless.mass, rtol=2e-3, atol=0.05)
    px, py, pz = ((t * jets.mask).sum(1) for t in (jets.px, jets.py, jets.pz))
    eta = torch.asinh(pz / (px.square() + py.square()).sqrt()).abs()
    assert torch.allclose(found["abs_eta"], eta, atol=0.03)
    assert torch.equal(found["multiplicity"].round(), jets.mask.sum(1).float())


def test_pseudorapidity_keeps_its_digits_where_the_jet_lies_near_the_middle() -> None:
    names = ("part_pt_log", "part_e_log")
    deta = 0.1 * torch.randn(200, 20, generator=torch.Generator().manual_seed(0))
    pt = 1 + 50 * torch.rand(200, 20, generator=torch.Generator().manual_seed(1))
    deta -= (pt * deta).sum(1, keepdim=True) / pt.sum(1, keepdim=True)
    prepared = [
        (v.log() - FEATURES[n].subtract) * FEATURES[n].multiply
        for n, v in zip(names, (pt, pt * (0.02 + deta).cosh()), strict=True)
    ]
    x = (torch.stack([deta, torch.zeros_like(deta)], 1), torch.stack(prepared, 1), torch.ones(200, 1, 20))
    found = CloudDecoder(names)(*x).abs_eta
    raw = [t / FEATURES[n].multiply + FEATURES[n].subtract for n, t in zip(names, prepared, strict=True)]
    told = [t.double().exp() for t in raw]
    low, high = torch.zeros(200, 1, dtype=torch.float64), torch.ones(200, 1, dtype=torch.float64)
    for _ in range(50):  # the energy rises with |eta|
        middle = (low + high) / 2
        above = (told[0] * (middle + deta.double()).cosh()).sum(1, keepdim=True) > told[1].sum(1, keepdim=True)
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    assert found is not None and (found.double() - low.squeeze(1)).abs().max() < 1e-7


def test_correlators_and_axes_against_fastjet() -> None:
    fastjet, ak = pytest.importorskip("fastjet"), pytest.importorskip("awkward")
    jets = sample_jets(30)
    found = seen(KIN, jets)
    any_radius, radius = 1000.0, 1000.0
    wta = fastjet.JetDefinition(fastjet.kt_algorithm, radius, fastjet.WTA_pt_scheme)
    clustering = fastjet.JetDefinition(fastjet.cambridge_algorithm, any_radius)
    tau21 = []
    for b in range(len(jets)):
        rows = jets.mask[b]
        # Without masses, as taggers see them: pseudorapidity is rapidity.
        px, py, pz = (getattr(jets, name)[b, rows].double() for name in ("px", "py", "pz"))
        energy = (px**2 + py**2 + pz**2).sqrt()
        particles = [fastjet.PseudoJet(*map(float, p)) for p in zip(px, py, pz, energy, strict=True)]
        taus = []
        for n in (1, 2):
            sequence = fastjet.ClusterSequence(particles, wta)
            axes = sequence.exclusive_jets(n)
            taus.append(sum(p.pt() * min(p.delta_R(axis) for axis in axes) for p in particles))
        tau21.append(taus[1] / taus[0])
        array = ak.Array({"px": px, "py": py, "pz": pz, "E": energy})
        cluster = fastjet.ClusterSequence(array, clustering)
        # Its C2 and D2 are of the shares of the whole jet's momentum, ours of the sum of momenta: the same but for 1 %.
        for name, function in (("c2", "c2"), ("d2", "d2")):
            theirs = float(cluster.exclusive_jets_energy_correlator(njets=1, beta=1, func=function))
            assert float(found[name][b]) == pytest.approx(theirs, rel=0.03), name
    # Other axes, so not the same; but the same ordering of jets.
    assert np.corrcoef(found["tau21"].numpy(), tau21)[0, 1] > 0.9


def padded(jets: Jets, count: int) -> Jets:
    """The same jets with more padding, which holds nonsense."""
    columns = {f.name: getattr(jets, f.name) for f in fields(jets)}
    for name, column in columns.items():
        if column.shape[1] > 1:
            fill = torch.zeros(len(column), count, dtype=column.dtype)
            columns[name] = torch.cat([column, fill if name == "mask" else fill + 17], 1)
    return Jets(**columns)


@pytest.mark.parametrize("inputs", [FULL, TaggerInputs(preprocess=described(names=("pfcand_abseta",)))], ids=type)
def test_padding_does_not_enter(inputs: AnyJetInputs) -> None:
    jets = sample_jets(20)
    view = make_view("observables", inputs, DOMAINS["jets"].views)
    x = inputs(jets)
    wider = tuple(torch.nn.functional.pad(t, (0, 5), value=float("nan")) if t.is_floating_point() else t for t in x)
    masks = [t.shape[1] == 1 for t in x]
    wider = tuple(
        torch.nn.functional.pad(t, (0, 5), value=0) if is_mask else w
        for t, w, is_mask in zip(x, wider, masks, strict=True)
    )
    assert torch.allclose(view.transform(*wider)[0], view.transform(*x)[0], atol=1e-5)


@pytest.mark.parametrize("inputs", [FULL, TaggerInputs(preprocess=described(names=("pfcand_abseta",)))], ids=type)
def test_gradients_of_jets_of_one_particle_are_finite(inputs: AnyJetInputs) -> None:
    jets = sample_jets(4)
    alone = replace(jets, mask=jets.mask & (torch.arange(jets.mask.shape[1]) < 1))
    view = make_view("observables", inputs, DOMAINS["jets"].views)
    for jet in (alone, jets):
        x = tuple(t.clone().requires_grad_() if t.is_floating_point() else t for t in inputs(jet))
        view.transform(*x)[0].sum().backward()
        gradients = [t.grad for t in x if t.requires_grad and t.grad is not None]
        assert gradients and all(bool(g.isfinite().all()) for g in gradients)


def test_all_observables_leave_as_onnx(tmp_path: Path) -> None:
    view = make_view("observables", KINPID, DOMAINS["jets"].views)
    network = Viewed(view, nn.Identity()).eval()
    names, x = ("points", "features", "mask"), KINPID(sample_jets(20))
    few = [t[:3] for t in x]
    used = write_onnx(network, names, [{0: "N", 2: "P"}] * 3, few, tmp_path / "view.onnx")
    assert used == set(names)
    found = run_onnx(tmp_path / "view.onnx", names, x)
    assert torch.allclose(found, network(*x), rtol=1e-4, atol=1e-4)


def test_gradient_is_the_slope() -> None:
    view = make_view("observables", KINPID, DOMAINS["jets"].views)
    points, features, mask = (t[:3].double() if t.is_floating_point() else t[:3] for t in KINPID(sample_jets(3)))
    # One particle's momentum: the view computes in single precision, so by a step that is not too small.
    row, step = KINPID.features.index("part_pt_log"), 0.01
    features.requires_grad_()
    out = view.transform(points, features, mask)[0].sum(0)
    for i in range(len(out)):
        (slope,) = torch.autograd.grad(out[i], features, retain_graph=True, allow_unused=True)
        ends = []
        for sign in (1, -1):
            moved = features.detach().clone()
            moved[:, row, 1] += sign * step
            ends.append(view.transform(points, moved, mask)[0].sum(0)[i])
        numeric = float(ends[0] - ends[1]) / (2 * step)
        found = 0.0 if slope is None else float(slope[:, row, 1].sum())
        assert found == pytest.approx(numeric, abs=0.02, rel=0.05), view.inputs.names[i]


def test_jetclass_and_cms_inputs_of_the_same_jets_give_the_same_observables() -> None:
    jets = sample_jets(50)
    cms = TaggerInputs(preprocess=described(names=("pfcand_abseta",), most=128))
    ours, theirs = seen(KINPID, jets), seen(cms, jets)
    for name in ("log_pt", "mass", "multiplicity", "ptd", "girth", "tau21", "tau32", "c2", "d2", "charge"):
        assert torch.allclose(ours[name], theirs[name], rtol=0.02, atol=0.02), name


def test_significance_of_the_full_inputs_is_that_of_the_jets() -> None:
    jets = sample_jets(50)
    found = seen(FULL, jets)["max_significance"]
    has = jets.mask & (jets.d0_error > 0)
    significance = torch.where(has, jets.d0.abs() / torch.where(has, jets.d0_error.clamp(0, 1), 1.0), 0.0)
    near = jets.d0.abs().amax(1) < 3  # of larger ones single precision keeps no tanh
    assert near.sum() > 10
    assert torch.allclose(found[near], significance.amax(1).log1p()[near], atol=0.02)


def cartesian(*names: str) -> TaggerInputs:
    variables = tuple(Variable(name, 0.0, 0.01) for name in names)
    return TaggerInputs(preprocess=Preprocess((InputGroup("pf_features", variables, 1, 128),), ("a", "b")))


def test_cartesian_momenta_do_as_well() -> None:
    jets = sample_jets(20)
    found, expected = seen(cartesian("part_px", "part_py", "part_pz", "part_energy"), jets), seen(KIN, jets)
    for name in ("log_pt", "mass", "girth", "d2"):
        assert torch.allclose(found[name], expected[name], rtol=0.01, atol=0.01), name


@pytest.mark.parametrize(
    ("view", "inputs", "words"),
    [
        ("observables", cartesian("part_etarel", "part_phirel"), "pT of particles"),
        ("observables", cartesian("part_pt", "part_phirel"), "eta of particles"),
        ("observables:charge", KIN, "charge needs charge"),
        ("observables:tau12", KIN, "did you mean"),
        ("observables", JetInputs(features=("part_deta", "part_dphi")), "part_pt_log"),
    ],
)
def test_what_is_missing_is_named(view: str, inputs: AnyJetInputs, words: str) -> None:
    with pytest.raises(UserError, match=words):
        make_view(view, inputs, DOMAINS["jets"].views)


def test_some_observables_in_the_order_asked_for_and_a_student_of_vectors_behind_them() -> None:
    view = make_view("observables:tau21,log_pt", KIN, DOMAINS["jets"].views)
    assert view.inputs.names == ("tau21", "log_pt") and view.inputs.domain == "vectors"
    student = Viewed(view, STUDENTS["mlp"].build(view.inputs, 10))
    assert student(*KIN(sample_jets(5))).shape == (5, 10)


def test_observables_of_the_cms_taggers_that_are_published(shared: Path) -> None:
    from zskt.jets.preprocess import read_preprocess

    for name in ("ak4-ul", "ak8-md-ul", "hlt-ak4-v00"):
        inputs = TaggerInputs(preprocess=read_preprocess(shared / "teachers/cms" / name / "preprocess.json"))
        found = seen(inputs, sample_jets(20))
        assert set(found) == set(OBSERVABLES), name
        assert all(bool(v.isfinite().all()) for v in found.values())
