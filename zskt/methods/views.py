"""Views of pseudo-samples: what is shown of them while they are optimised, all with a gradient to the samples.

A global view is the sample, moved a little; a local one shows a part of it. Of an image that is a crop, of points with
a mask, as the particles of jets, some of the points, of plain numbers some of the numbers.

Shapes: B samples, C channels, H x W pixels, P points, F numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.images.augment import augmented, mirror

SMALLEST_PART = 0.25
"""Share of a sample that a local view shows at least: of an image's area, of particles, of numbers."""


def shifted(x: Batch, rng: torch.Generator) -> Batch:
    """Shift images ((B, C, H, W),) by up to four pixels and mirror half of them."""
    return (augmented(x[0], "shift-mirror", rng),)


def jittered(x: Batch, reach: int, rng: torch.Generator) -> Batch:
    """Roll a whole batch of images by up to ``reach`` pixels along both axes; what leaves comes in on the other side.

    H. Yin et al., arXiv:1912.08795: no pixel is then optimised for one place in the receptive fields.
    """
    rows, columns = torch.randint(-reach, reach + 1, (2,), generator=rng, device=rng.device).tolist()
    return (x[0].roll((rows, columns), (2, 3)),)


def local_view(x: Batch, rng: torch.Generator) -> Batch:
    """Show a part of each sample, at least `SMALLEST_PART` of it."""
    if len(x) == 1 and x[0].dim() == 4:
        return (mirror(_crops(x[0], rng), rng),)
    masks = [t for t in x if t.dim() == 3 and t.dtype == torch.bool]
    if masks:
        return _fewer_points(x, rng)
    return tuple(_fewer_numbers(t, rng) for t in x)


def _uniform(shape: tuple[int, ...], low: float, high: float, rng: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=rng, device=rng.device)


def _crops(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Cut a rectangle out of each image, of a quarter of its area or more, and stretch it to the image's size."""
    count = len(pixels)
    area = _uniform((count,), SMALLEST_PART, 1.0, rng)
    ratio = torch.exp(_uniform((count,), -1.0, 1.0, rng) * torch.log(torch.tensor(4 / 3)))
    width, height = ((area * r).sqrt().clamp(max=1.0) for r in (ratio, 1 / ratio))
    right = (2 * torch.rand(count, generator=rng, device=rng.device) - 1) * (1 - width)
    down = (2 * torch.rand(count, generator=rng, device=rng.device) - 1) * (1 - height)
    zero = torch.zeros_like(width)
    theta = torch.stack([width, zero, right, zero, height, down], 1).view(-1, 2, 3)
    grid = nn.functional.affine_grid(theta, list(pixels.shape), align_corners=False)
    return nn.functional.grid_sample(pixels, grid, align_corners=False, padding_mode="reflection")


def _fewer_points(x: Batch, rng: torch.Generator) -> Batch:
    """Leave some points of each sample out, (B, C, P) each with a mask (B, 1, P) behind them; the first one stays."""
    views, group = [], []
    for t in x:
        group.append(t)
        if t.dtype != torch.bool:
            continue
        share = _uniform((len(t), 1, 1), SMALLEST_PART, 1.0, rng)
        kept = torch.rand(t.shape, generator=rng, device=rng.device) < share
        kept[..., 0] = True
        kept &= t
        views += [*(values * kept for values in group[:-1]), kept]
        group = []
    return (*views, *group)


def _fewer_numbers(values: Tensor, rng: torch.Generator) -> Tensor:
    """Replace some numbers (B, ...) of each sample by those of the sample before it.

    D. Bahri et al., "SCARF", arXiv:2106.15147, make views of tables so.
    """
    share = _uniform((len(values), *[1] * (values.dim() - 1)), SMALLEST_PART, 1.0, rng)
    kept = torch.rand(values.shape, generator=rng, device=rng.device) < share
    return torch.where(kept, values, values.roll(1, 0))
