"""Which outputs are classes, labels of their own or values, and how probabilities become logits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from teachers.heads import bounded_logit, find_heads, recorded_heads
from zskt.contracts import HeadKind
from zskt.forward import split_heads
from zskt.gaussian import GaussianHead, WidthForm
from zskt.jets.preprocess import Preprocess
from zskt.jets.tagger_description import Description, left_of

P = torch.rand(20, 3, generator=torch.Generator().manual_seed(1)).softmax(1)
UNBOUNDED = torch.linspace(-4, 4, 20).unsqueeze(1)


def test_heads_by_name_and_by_sum() -> None:
    both = torch.cat([P, torch.rand(20, 2)], 1)
    assert find_heads(["probX", "probY", "probQ", "probWithMassW", "other"], both).classes == (0, 1, 2)
    assert find_heads(["mass"], 80 + torch.randn(20, 1)).classes == ()
    sure = torch.tensor([[0.9995, 0.0003, 0.0002], [0.6, 0.3998, 0.0002]])
    assert find_heads(["a", "b", "c"], sure).classes == (0, 1, 2)
    two = torch.cat([P[:, :2] / P[:, :2].sum(1, keepdim=True), P], 1)
    assert find_heads(["b", "c", "jet_pt"], two).values == (2,)
    assert find_heads(["a", "b", "c"], P) == find_heads(["label_a", "label_b", "label_c"], P)
    assert not find_heads(["a", "b", "c"], torch.randn(20, 3)).probabilities


def test_a_softmax_that_a_file_rounds_is_one_choice() -> None:
    p = (3 * torch.randn(64, 10, generator=torch.Generator().manual_seed(0))).softmax(1)
    names = [f"label_{i}" for i in range(10)]
    for rounded, step in ((torch.round(p, decimals=2), 0.01), (torch.round(p * 256) / 256, 1 / 256), (p, 0.0)):
        assert float((rounded.sum(1) - 1).abs().max()) > 1e-3 or not step
        heads = find_heads(names, rounded)
        assert (heads.kind, heads.probabilities) == (HeadKind.CLASSES, True)
        assert heads.step == pytest.approx(step)
        assert recorded_heads(heads, described_as(names)).step == heads.step
        assert torch.allclose(heads.answer(rounded).softmax(1), p, atol=0.012)
        assert float(heads.answer(rounded).log_softmax(1).min()) > (-12 if step else -30)
        beside = find_heads([*names, "other"], torch.cat([rounded, torch.rand(64, 1)], 1))
        assert (beside.classes, beside.values, beside.step) == (heads.classes, (10,), heads.step)


def described_as(names: list[str]) -> Description:
    return Description.from_record({"inputs": [], "outputs": names, "regressed": [], "parameters": 3}, Path("a.json"))


def test_probabilities_that_do_not_sum_to_one_are_independent_labels() -> None:
    heads = find_heads(["a", "b", "c"], torch.rand(20, 3))
    assert (heads.classes, heads.values, heads.kind, heads.probabilities) == ((0, 1, 2), (), HeadKind.LABELS, True)
    saturated = torch.cat([torch.ones(20, 1), torch.rand(20, 2)], 1)  # a first one that is sure completes nothing
    assert find_heads(["a", "b", "c"], saturated).classes == (0, 1, 2)
    assert find_heads(["a", "b", "c"], P).kind == HeadKind.CLASSES


@pytest.mark.parametrize("name", ["output", "label_Tbqq", "top", "Hbb", "prob_isHiggs", "score", "massDecorrelatedXbb"])
def test_one_bounded_number_is_a_score_unless_it_is_called_a_value(name: str) -> None:
    heads = find_heads([name], torch.rand(20, 1))
    assert (heads.classes, heads.values, heads.kind, heads.probabilities) == ((0,), (), HeadKind.SCORE, True)
    for value in ("target_mass", "jet_pt", "mass_corr", "bRegRes"):
        assert find_heads([value], torch.rand(20, 1)).values == (0,)


@pytest.mark.parametrize(
    "name", ["label_Tbqq", "probHbb", "isTop", "is_signal", "score", "TopTagger", "disc", "sig", "HbbvsQCD", "qcd"]
)
def test_one_number_of_any_size_is_a_logit_where_its_name_says_class(name: str) -> None:
    heads = find_heads([name], UNBOUNDED)
    assert (heads.classes, heads.kind, heads.probabilities) == ((0,), HeadKind.SCORE, False)
    assert torch.equal(heads.answer(UNBOUNDED), torch.cat([UNBOUNDED, torch.zeros(20, 1)], 1))
    for other in ("output", "sigma", "isolation", "energy_ratio", "target_mass", "discount"):
        assert find_heads([other], UNBOUNDED).values == (0,), other


def test_a_score_beside_values_is_found_and_comes_first() -> None:
    outputs = torch.cat([100 * P[:, :1], P[:, 1:2], 50 + P[:, 2:]], 1)
    heads = find_heads(["mass_corr", "prob_top", "jet_energy"], outputs)
    assert (heads.classes, heads.values, heads.kind) == ((1,), (0, 2), HeadKind.SCORE)
    answer = heads.answer(outputs)
    assert torch.allclose(answer[:, :2].softmax(1)[:, 0], outputs[:, 1], atol=1e-6)
    assert torch.equal(answer[:, 2:], outputs[:, [0, 2]])


def test_a_saturated_sigmoid_gives_finite_logits_of_about_17() -> None:
    z = torch.tensor([[-200.0], [-30.0], [-16.0], [-1.0], [0.0], [3.0], [15.0], [30.0], [200.0]])
    p = z.sigmoid()
    found = bounded_logit(p)
    assert torch.isfinite(found).all() and float(found.abs().max()) == pytest.approx(16.64, abs=0.01)
    assert torch.allclose(found[2:6], z[2:6], atol=1e-4)
    assert float(found[0]) == pytest.approx(-float(found[-1]), abs=1e-3)
    p = torch.tensor([[0.0], [1.0], [0.5]], requires_grad=True)
    (gradient,) = torch.autograd.grad(bounded_logit(p).sum(), p)
    assert gradient.flatten().tolist() == [0.0, 0.0, 4.0]


def test_labels_answer_a_logit_each_that_the_gate_turns_into_pairs() -> None:
    p = torch.rand(20, 3)
    network = torch.nn.Module()
    network.bernoulli, network.regressions = True, 1  # type: ignore[assignment]
    heads = find_heads(["a", "b", "c", "mass"], torch.cat([p, 100 * p[:, :1]], 1))
    logits, values = split_heads(network, heads.answer(torch.cat([p, 100 * p[:, :1]], 1)))
    assert logits.shape == (20, 3, 2) and values is not None
    assert torch.allclose(logits.softmax(2)[..., 0], p, atol=1e-6) and torch.equal(values, 100 * p[:, :1])


def test_means_and_widths_are_values_and_pair_up() -> None:
    outputs = torch.cat([P, 80 + 10 * P[:, :1], 1 + P[:, 1:2]], 1)
    heads = find_heads(["a", "b", "c", "mass", "mass_sigma"], outputs)
    assert (heads.classes, heads.values) == ((0, 1, 2), (3, 4))
    assert heads.gaussians == (GaussianHead(0, 1, WidthForm.WIDTH),)
    alone = find_heads(["mu", "logvar"], torch.randn(20, 2))
    assert alone.classes == () and alone.gaussians == (GaussianHead(0, 1, WidthForm.LOG_VARIANCE),)


def test_what_is_negative_is_no_width() -> None:
    heads = find_heads(["mass", "mass_sigma"], torch.cat([80 + UNBOUNDED, UNBOUNDED], 1))
    assert heads.gaussians == () and 0 in heads.values


def test_what_is_left_of_a_score_is_its_background_or_of_a_backgrounds_the_signal() -> None:
    assert [left_of(name) for name in ("label_Tbqq", "score", "probQCD", "light")] == [
        "background", "background", "signal", "signal"
    ]  # fmt: skip


def test_a_record_of_an_earlier_version_keeps_a_score_among_the_values() -> None:
    record = {"inputs": [], "outputs": ["score"], "regressed": ["score"], "parameters": 3}
    described = Description.from_record(record, Path("inputs.json"))
    heads = recorded_heads(find_heads(["score"], torch.rand(20, 1)), described)
    assert (heads.classes, heads.values, heads.kind) == ((), (0,), HeadKind.CLASSES)
    assert described.classes == () and described.outputs == ("score",)


@pytest.mark.parametrize(
    "described",
    [
        Description(Preprocess((), ("mass", "top")), ("top", "background"), ("mass",), 3, HeadKind.SCORE),
        Description(Preprocess((), ("a", "b")), ("a", "b"), (), 3, HeadKind.LABELS),
        Description(
            Preprocess((), ("m", "m_std")), (), ("m", "m_std"), 3, gaussians=(GaussianHead(0, 1, WidthForm.WIDTH),)
        ),
    ],
)
def test_heads_come_back_from_a_record(described: Description) -> None:
    assert Description.from_record(described.to_record(), Path("inputs.json")) == described


def test_the_class_that_is_left_follows_its_score_in_the_order_of_the_file() -> None:
    described = Description(
        Preprocess((), ("mass", "top", "pt")), ("top", "background"), ("mass", "pt"), 3, HeadKind.SCORE
    )
    assert described.outputs == ("mass", "top", "background", "pt")
    assert described.label_of_others == 1
