"""Pseudo-samples of point clouds: points within bounds, a mask, and a number of points that is learned."""

from __future__ import annotations

import pytest
import torch

from generators import point_cloud
from tests.generators import stream
from zskt.errors import UserError


def test_points_are_bounded_and_padding_is_zero() -> None:
    generator = point_cloud(2, 6, low=[1.0, -3.0], high=[2.0, -1.0], min_points=2)
    points, mask = (t.detach() for t in generator.sample(3000, stream()).x)
    assert points.shape == (3000, 6, 2) and mask.shape == (3000, 6) and mask.dtype == torch.bool
    assert (points[~mask] == 0).all()
    real = points[mask]
    assert (real[:, 0] >= 1).all() and (real[:, 0] <= 2).all() and (real[:, 1] >= -3).all() and (real[:, 1] <= -1).all()
    assert real[:, 0].std().item() == pytest.approx(1 / 12**0.5, rel=0.03)
    assert torch.equal(mask, mask.sort(1, descending=True).values)  # the first slots are filled
    counts = torch.bincount(mask.sum(1)) / 3000  # 2 to 6 points, as often as each other
    assert torch.allclose(counts, torch.tensor([0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.2]), atol=0.03)


def test_channels_first_is_the_same_transposed() -> None:
    # Both networks start with the same numbers, so that the same stream gives the same points.
    first, last = (point_cloud(3, 5, low=0, high=1, channels_first=flag) for flag in (True, False))
    last.load_state_dict(first.state_dict())
    (points, mask), (points_last, mask_last) = first.sample(9, stream()).x, last.sample(9, stream()).x
    assert points.shape == (9, 3, 5) and mask.shape == (9, 1, 5)
    assert torch.equal(points, points_last.mT) and torch.equal(mask[:, 0], mask_last)


def test_the_number_of_points_learns_by_the_score_function() -> None:
    generator = point_cloud(1, 8, low=0, high=1, tau=0.0)
    optimizer, rng = torch.optim.Adam(generator.parameters(), 1e-2), stream()
    for _ in range(150):
        batch = generator.sample(128, rng)
        reward = batch.x[1].sum(1).float()
        assert batch.log_prob is not None and batch.log_prob.shape == (128,)
        optimizer.zero_grad()
        (-(reward - reward.mean()) * batch.log_prob).mean().backward()
        optimizer.step()
    assert generator.sample(500, rng).x[1].sum(1).float().mean() > 7


def test_gradients_are_finite_and_the_prior_is_free() -> None:
    generator = point_cloud(2, 4, low=[0.0, -1.0], high=[1.0, 1.0])
    batch = generator.sample(32, stream())
    assert batch.penalty is not None and batch.log_prob is not None
    assert abs(batch.penalty.item()) < 1e-6
    (batch.x[0].square().sum() + batch.log_prob.sum() + batch.penalty).backward()
    gradients = [p.grad for p in generator.parameters() if p.grad is not None]
    assert len(gradients) == len(list(generator.parameters()))
    assert all(torch.isfinite(g).all() for g in gradients) and sum(float(g.abs().sum()) for g in gradients) > 0


def test_the_same_seed_gives_the_same_batch() -> None:
    generator = point_cloud(2, 4, low=0, high=1)
    one, same, other = (generator.sample(5, stream(seed)).x for seed in (0, 0, 1))
    assert torch.equal(one[0], same[0]) and torch.equal(one[1], same[1]) and not torch.equal(one[0], other[0])


@pytest.mark.parametrize(("points", "min_points"), [(0, 0), (3, 4), (3, -1)])
def test_numbers_of_points_that_cannot_be(points: int, min_points: int) -> None:
    with pytest.raises(UserError, match="give 0 <= min_points <= points"):
        point_cloud(2, points, low=0, high=1, min_points=min_points)
