"""Views of pseudo-samples: parts of images, particles and numbers, all with a gradient."""

from __future__ import annotations

import pytest
import torch

from zskt.methods.views import SMALLEST_PART, jittered, local_view, shifted


def test_a_local_view_of_an_image_is_a_stretched_part_of_it() -> None:
    rng = torch.Generator().manual_seed(0)
    column = torch.arange(32.0).view(1, 1, 1, 32).expand(200, 1, 32, 32).clone().requires_grad_()
    (view,) = local_view((column,), rng)
    assert view.shape == column.shape
    reach = (view.amax(3) - view.amin(3)).squeeze(1).mean(1).detach()  # columns that are seen
    assert reach.min() > 31 * 0.4 and reach.min() < 20 and reach.max() > 28 and reach.max() <= 31
    assert torch.autograd.grad(view.sum(), column)[0].abs().sum() > 0


def test_a_local_view_of_a_jet_leaves_particles_out_and_keeps_the_first() -> None:
    rng = torch.Generator().manual_seed(0)
    mask = torch.zeros(100, 1, 50, dtype=torch.bool)
    mask[:, :, :40] = True
    points, features = torch.randn(100, 2, 50) + 5, torch.randn(100, 3, 50) + 5
    p, f, m = local_view((points, features, mask), rng)
    assert m.dtype == torch.bool and not (m & ~mask).any() and m[:, 0, 0].all()
    shares = m.sum((1, 2)) / 40
    assert shares.min() > 0.5 * SMALLEST_PART and 0.5 < shares.mean() < 0.75
    assert torch.equal(f[m.expand_as(f)], features[m.expand_as(f)]) and not f[~m.expand_as(f)].any()
    assert torch.equal(p != 0, m.expand_as(p))


@pytest.mark.parametrize("flat", [False, True])
def test_masks_of_files_are_numbers_and_collections_lose_particles_together(flat: bool) -> None:
    rng = torch.Generator().manual_seed(1)
    mask = (torch.arange(50) < 40).float().expand(100, 1, 50).clone()
    points, features, jet = torch.randn(100, 2, 50) + 5, torch.randn(100, 3, 50) + 5, torch.rand(100, 4) + 2
    p, f, m, j = local_view((points, features, mask.squeeze(1) if flat else mask, jet), rng)
    kept = m.view(100, 1, 50).bool()
    assert m.dtype == torch.float32 and m.dim() == (2 if flat else 3) and not (kept & ~mask.bool()).any()
    assert 0.5 < kept.sum() / mask.sum() < 0.75 and kept[..., 0].all() and torch.equal(j, jet)
    for view, t in ((p, points), (f, features)):
        assert torch.equal(view, t * kept)


def test_particles_without_a_mask_are_left_out_whole() -> None:
    tracks, vertices = torch.rand(50, 3, 20) + 1, torch.rand(50, 2, 5) + 1
    view = local_view((tracks, vertices), torch.Generator().manual_seed(2))
    for part, t in zip(view, (tracks, vertices), strict=True):
        there = part != 0
        assert torch.equal(part[there], t[there]) and torch.equal(there.any(1), there.all(1))
        assert 0.5 < there.float().mean() < 0.85


def test_a_local_view_of_numbers_takes_some_from_the_sample_before() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.arange(50.0).view(50, 1).expand(50, 40).clone()
    (view,) = local_view((x,), rng)
    own, other = view == x, view == x.roll(1, 0)
    assert (own | other).all() and 0.5 < own.float().mean() < 0.75


def test_a_jitter_moves_the_whole_batch_alike() -> None:
    x = torch.randn(4, 3, 8, 8)
    (view,) = jittered((x,), 2, torch.Generator().manual_seed(1))
    moves = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if torch.equal(x.roll((a, b), (2, 3)), view)]
    assert len(moves) == 1


def test_a_global_view_is_shifted_by_its_own_stream() -> None:
    x = torch.randn(4, 3, 8, 8)
    a, b = (shifted((x,), torch.Generator().manual_seed(0))[0] for _ in range(2))
    assert torch.equal(a, b) and not torch.equal(a, x) and a.shape == x.shape
