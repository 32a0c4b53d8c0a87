"""Augmentation of images."""

from __future__ import annotations

import torch

from zskt.images.augment import cutmix, mirror, shift


def test_shift_moves_whole_images_and_mirror_is_its_own_inverse() -> None:
    pixels = torch.zeros(200, 1, 16, 16, dtype=torch.uint8)
    pixels[:, :, 8, 8] = 1
    moved = shift(pixels, torch.Generator().manual_seed(0))
    assert moved.shape == pixels.shape and (moved.sum((1, 2, 3)) == 1).all()
    where = moved.view(200, -1).argmax(1)
    offsets = torch.stack([where // 16 - 8, where % 16 - 8])
    assert offsets.amin() == -4 and offsets.amax() == 4 and len(torch.unique(offsets[0] * 99 + offsets[1])) > 60
    pixels = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8)
    once = mirror(pixels, torch.Generator().manual_seed(1))
    assert torch.equal(mirror(once, torch.Generator().manual_seed(1)), pixels)
    assert 10 < (once != pixels).flatten(1).any(1).sum() < 40


def test_cutmix_pastes_one_rectangle_of_the_image_before() -> None:
    x = torch.arange(1.0, 65.0).view(64, 1, 1, 1).expand(64, 1, 16, 16)
    mixed = cutmix(x, 0.5, torch.Generator().manual_seed(0))
    changed = (mixed != x)[:, 0]
    assert torch.equal(mixed[:, 0][changed], x.roll(1, 0)[:, 0][changed])
    assert 20 < changed.flatten(1).any(1).sum() < 44  # half of the images
    for rectangle in changed[changed.flatten(1).any(1)]:
        rows, columns = rectangle.any(1), rectangle.any(0)
        assert rectangle.sum() == rows.sum() * columns.sum()
        assert 4 <= rows.sum() <= 12 and 4 <= columns.sum() <= 12
    assert torch.equal(cutmix(x, 0.0, torch.Generator().manual_seed(0)), x)


def test_images_need_not_be_square() -> None:
    pixels = torch.zeros(200, 1, 16, 24, dtype=torch.uint8)
    pixels[:, :, 8, 12] = 1
    moved = shift(pixels, torch.Generator().manual_seed(0))
    assert moved.shape == pixels.shape and (moved.sum((1, 2, 3)) == 1).all()
    x = torch.arange(1.0, 65.0).view(64, 1, 1, 1).expand(64, 1, 8, 24)
    changed = (cutmix(x, 1.0, torch.Generator().manual_seed(0)) != x)[:, 0]
    assert {int(image.any(1).sum()) for image in changed} == {2, 3, 4, 5, 6}
    assert {int(image.any(0).sum()) for image in changed} <= set(range(6, 19))
    assert max(int(image.any(0).sum()) for image in changed) > 12
