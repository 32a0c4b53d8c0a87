"""Additive networks: their functions, their knots, their penalty; a teacher that is additive is recovered."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

import zskt
from zskt.networks.additive import Additive, additive, hats, quantile_knots, second_difference_gradient
from zskt.results.explain.shapes import contributions, curves, pair_contributions, readable
from zskt.vectors.inputs import VectorInputs


def samples(count: int = 1500, features: int = 3) -> Tensor:
    return torch.rand(count, features, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_hats_interpolate_and_are_constant_beyond() -> None:
    knots = torch.tensor([[0.0, 1.0, 4.0]])
    x = torch.tensor([[-5.0], [0.25], [1.0], [2.5], [9.0]])
    expected = torch.tensor([[1, 0, 0], [0.75, 0.25, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1.0]])
    assert torch.allclose(hats(x, knots).squeeze(1), expected)


def test_knots_lie_at_quantiles_and_rise_where_a_feature_has_few_values() -> None:
    x = torch.stack([torch.arange(101.0) ** 2, (torch.arange(101) > 90).float(), torch.full((101,), 3.0)], 1)
    knots = quantile_knots(x, 5)
    assert torch.allclose(knots[0], torch.tensor([0.0, 25, 50, 75, 100]) ** 2)
    assert bool((knots[:, 1:] > knots[:, :-1]).all())
    assert float(knots[1, 0]) == 0 and float(knots[1, -1]) == 1


def test_knots_are_placed_once() -> None:
    network = Additive(3, 2)
    network.calibrate(samples())
    before = network.knots.clone()
    network.calibrate(10 * samples())
    assert torch.equal(network.knots, before)
    other = Additive(3, 2)
    other.load_state_dict(network.state_dict())
    other.calibrate(10 * samples())
    assert torch.equal(other.knots, before)


def test_gradient_of_the_penalty_is_added_to_that_of_the_loss_in_training_alone() -> None:
    torch.manual_seed(0)
    network = Additive(2, 3, knots=7, smoothness=0.5)
    nn.init.normal_(network.shapes)
    x = samples(20, 2)
    network.eval()(x).sum().backward()
    plain = network.shapes.grad
    assert plain is not None
    network.shapes.grad = None
    network.train()(x).sum().backward()
    w = network.shapes.detach().clone().requires_grad_()
    (0.5 * (w[:, 2:] - 2 * w[:, 1:-1] + w[:, :-2]).square().sum()).backward()
    assert network.shapes.grad is not None and w.grad is not None
    assert torch.allclose(network.shapes.grad - plain, w.grad, atol=1e-4)
    assert torch.allclose(2 * 0.5 * second_difference_gradient(w.detach()), w.grad, atol=1e-5)


def test_readable_form_answers_the_same_and_its_means_are_zero() -> None:
    torch.manual_seed(0)
    network = Additive(3, 4, pairs=True)
    x = samples()
    network.calibrate(x)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    form = readable(network, x, 4)
    expected = network.eval()(x).double().log_softmax(1)
    assert torch.allclose(form(x.double()).log_softmax(1), expected, atol=1e-4)
    parts, pairs = contributions(form, x), pair_contributions(form, x)
    assert torch.allclose(parts.mean(0), torch.zeros_like(parts[0]), atol=1e-9)
    assert torch.allclose(parts.sum(2), torch.zeros_like(parts[..., 0]), atol=1e-9)
    # Pure: what a pair's function is on average over the samples near a grid point of either feature is zero.
    coarse = hats(x.double(), form.coarse_knots)
    for q, pair in enumerate(form.pairs):
        for feature in pair:
            assert float((coarse[:, feature].T @ pairs[:, q]).abs().max()) / len(x) < 1e-6


class AdditiveTeacher(nn.Module):
    """Three classes by three known functions of three features."""

    def parts(self, x: Tensor) -> Tensor:
        """(B, F) -> (B, F, K)"""
        a, b, c = x.unbind(1)
        zero = torch.zeros_like(a)
        return torch.stack(
            [torch.stack([2 * a, -a, zero], 1), torch.stack([zero, 3 * b.abs(), zero], 1),
             torch.stack([(3 * c).sin(), zero, -c], 1)], 1,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.parts(x).sum(1)


def centred(parts: Tensor) -> Tensor:
    parts = parts - parts.mean(2, keepdim=True)
    return parts - parts.mean(0, keepdim=True)


def test_an_additive_teacher_is_recovered_exactly() -> None:
    """Piecewise-linear functions with knots where the student has them, by a convex fit of its answers."""
    x = samples().double()
    torch.manual_seed(3)
    teacher, student = (Additive(3, 4, knots=13, smoothness=0.0).double() for _ in range(2))
    teacher.calibrate(x)
    student.calibrate(x)
    nn.init.normal_(teacher.shapes)
    answers = teacher(x).log_softmax(1).detach()
    optimizer = torch.optim.LBFGS(
        student.parameters(), max_iter=1500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        kl = nn.functional.kl_div(student(x).log_softmax(1), answers, log_target=True, reduction="batchmean")
        kl.backward()  # type: ignore[no-untyped-call]
        return kl

    optimizer.step(loss)
    grid = x.sort(0).values[::50]
    found, expected = (curves(readable(network, x, 4), grid) for network in (student, teacher))
    assert float((found - expected).abs().max()) < 1e-3


@pytest.mark.parametrize("pairs", [False, True])
def test_an_additive_teacher_is_recovered_without_data(pairs: bool) -> None:
    inputs = VectorInputs.from_bounds(-1, 1, size=3)
    student = additive(inputs, 3, pairs=pairs)
    before = copy.deepcopy(student)
    run = zskt.distill(
        AdditiveTeacher(), student, generator=zskt.generators.tabular(-1, 1, size=3), method="prior-only",
        iterations=60, batch_size=256, student_steps=10, student_lr=3e-2, device="cpu", progress=False,
    )  # fmt: skip
    assert torch.equal(before.knots, additive(inputs, 3).knots)
    x = samples().double()
    network = run.student
    assert isinstance(network, Additive) and bool(network.is_calibrated)
    form = readable(network, x, 3)
    found, expected = contributions(form, x), centred(AdditiveTeacher().parts(x))
    assert float((found - expected).square().mean().sqrt()) < 0.05
    assert float(expected.square().mean().sqrt()) > 0.5
    if pairs:  # there are none, and none are found
        assert float(pair_contributions(form, x).square().mean().sqrt()) < 0.05
