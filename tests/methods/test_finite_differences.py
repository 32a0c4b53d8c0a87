"""Finite differences: the gradient of a function that is known, and what they cost."""

from __future__ import annotations

import torch
from torch import Tensor

from generators import GENERATORS, point_cloud, tabular
from generators.images.convnet import ConvGenerator
from generators.jets.mlp import MLPJets
from generators.jets.shower import Shower
from tests.methods.black_boxes import start
from tests.methods.setups import SMALL_IMAGES
from zskt.contracts import PseudoBatch
from zskt.generator import Draft, Generator
from zskt.jets.features import KIN
from zskt.losses import logit_distance
from zskt.methods.finite_differences import forward_differences

SLOPE = torch.tensor([[3.0, -1.0, 2.0], [0.0, 0.5, -4.0]])


def linear_draft(numbers: Tensor) -> Draft:
    return Draft(numbers, lambda n, rows: (PseudoBatch((n, rows)), torch.arange(len(rows))))


def linear_value(batch: PseudoBatch) -> Tensor:
    x, rows = batch.x
    return (SLOPE[rows] * x).sum(1)


def test_the_mean_of_many_directions_is_the_gradient() -> None:
    """Of a linear function each direction gives D (g u) u, whose mean is g."""
    numbers, rng = torch.randn(2, 3, dtype=torch.float64), torch.Generator().manual_seed(0)
    rows = torch.arange(2)
    start_value = (SLOPE * numbers).sum(1)
    found = forward_differences(linear_value, linear_draft(numbers), rows, start_value, 20_000, 1e-3, rng)
    assert torch.allclose(found.float(), SLOPE, atol=0.1)


def test_one_direction_is_its_formula() -> None:
    numbers = torch.zeros(2, 3)
    u = torch.nn.functional.normalize(torch.randn(2, 3, generator=torch.Generator().manual_seed(5)), dim=1)
    rng = torch.Generator().manual_seed(5)
    found = forward_differences(linear_value, linear_draft(numbers), torch.arange(2), torch.zeros(2), 1, 0.5, rng)
    assert torch.allclose(found, 3 * (SLOPE * u).sum(1, keepdim=True) * u, atol=1e-5)


def test_a_sample_that_leaves_the_domain_adds_nothing() -> None:
    draft = Draft(torch.zeros(2, 3), lambda n, rows: (PseudoBatch((n[1:], rows[1:])), torch.tensor([1])))
    rng = torch.Generator().manual_seed(0)
    found = forward_differences(linear_value, draft, torch.arange(2), torch.zeros(2), 4, 0.1, rng)
    assert bool((found[0] == 0).all()) and bool((found[1] != 0).any())


def test_the_ascent_has_the_gradient_of_the_estimate_and_of_nothing_else() -> None:
    """The loss is minus the objective that was asked for; its gradient reaches the generator through its numbers."""
    method, teacher = start("dfme", batch_size=16, directions=3)
    loss, distance = method.ascent.loss(16, method.latent_rng)  # type: ignore[attr-defined]
    assert teacher.asked == 16 * 4
    parameters = list(method.generator.parameters())  # type: ignore[attr-defined]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    assert any(bool((g != 0).any()) for g in gradients if g is not None)
    assert float(distance) > 0 and abs(loss.item() + float(distance)) < 0.05  # less the penalty, which begins at zero
    assert all(p.grad is None for p in method.result.parameters())


def test_the_generator_s_way_depends_on_the_student_and_is_that_of_autograd() -> None:
    """On the plane the estimate along many directions is the true gradient of E |T - S|; another student's differs."""
    ways = []
    for scale in (1.0, 3.0):
        method, teacher = start("dfme", batch_size=64, directions=400)
        with torch.no_grad():
            for p in method.result.parameters():
                p.mul_(scale)
        ascent, generator = method.ascent, method.generator  # type: ignore[attr-defined]
        ascent.step = 1e-2
        z = generator.latent(64, torch.Generator().manual_seed(3))
        loss, _ = ascent.loss(64, torch.Generator().manual_seed(3))
        last = generator.adversary.network[-1].bias
        (estimated,) = torch.autograd.grad(loss, last)
        x = generator(z, method.latent_rng).x[0]  # type: ignore[attr-defined]
        true_loss = -logit_distance(teacher.network(x), method.result.eval()(x)).mean()
        (true,) = torch.autograd.grad(true_loss, last)
        assert torch.nn.functional.cosine_similarity(estimated, true, dim=0) > 0.95
        assert abs(float(estimated.norm() / true.norm()) - 1) < 0.3
        ways.append(estimated)
    assert not torch.allclose(*ways)


def same_batch(generator: Generator, seed: int = 0) -> tuple[PseudoBatch, PseudoBatch]:
    """What a draft makes of its own numbers, twice."""
    rng = torch.Generator().manual_seed(seed)
    draft = generator.draft(generator.latent(32, rng), rng)
    rows = torch.arange(32)
    return draft.make(draft.numbers.detach(), rows)[0], draft.make(draft.numbers.detach(), rows)[0]


def test_a_draft_makes_the_same_samples_of_the_same_numbers() -> None:
    for generator in (
        tabular(-1.0, 1.0, size=4),
        point_cloud(3, 5, low=-1.0, high=1.0),
        ConvGenerator(SMALL_IMAGES),
        MLPJets(KIN),
        Shower(KIN),
        GENERATORS["shower-mix"].build(KIN),
    ):
        first, second = same_batch(generator)
        for a, b in zip(first.x, second.x, strict=True):
            assert torch.equal(a, b)


def test_drafts_of_vectors_are_the_generators_own_samples() -> None:
    generator = tabular(-1.0, 1.0, size=4)
    z = torch.randn(8, 4)
    rng = torch.Generator()
    made, rows = generator.draft(z, rng).make(generator.draft(z, rng).numbers, torch.arange(8))
    assert torch.equal(made.x[0], generator(z, rng).x[0]) and rows.tolist() == list(range(8))


def test_noise_moves_on_from_draft_to_draft() -> None:
    """The next draft has other random numbers than the last."""
    generator, rng = MLPJets(KIN), torch.Generator().manual_seed(0)
    z, rows = torch.randn(8, 64), torch.arange(8)
    drafts = [generator.draft(z, rng) for _ in range(2)]
    a, b = (d.make(drafts[0].numbers.detach(), rows)[0].x[-1] for d in drafts)
    assert a.shape != b.shape or not torch.equal(a, b)
