"""Views of pseudo-samples: what is shown of them while they are optimised, all with a gradient to the samples.

A global view is the sample, moved a little; a local one shows a part of it. Of an image that is a crop, of points, as
the particles of jets, some of the points, of plain numbers some of the numbers.

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
    if any(t.dim() == 3 for t in x):
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
    """Leave some points of each sample out, as if they were padding: in all tensors (B, C, P) of as many points alike.

    The first point stays, and so do numbers of the whole sample, (B, C).
    """
    kept: dict[int, Tensor] = {}
    for t in x:
        points = t.shape[-1]
        if t.dim() == 3 and points > 1 and points not in kept:
            share = _uniform((len(t), 1, 1), SMALLEST_PART, 1.0, rng)
            kept[points] = torch.rand((len(t), 1, points), generator=rng, device=rng.device) < share
            kept[points][..., 0] = True
    for t in x:
        if t.shape[-1] in kept and _is_mask(t):
            kept[t.shape[-1]] &= t.bool().view(len(t), 1, -1)
    return tuple(_with_points(t, kept.get(t.shape[-1])) for t in x)


def _with_points(t: Tensor, kept: Tensor | None) -> Tensor:
    """Set to 0 what belongs to points that are not ``kept``, (B, 1, P) of bool."""
    if kept is None or not (t.dim() == 3 or _is_mask(t)):
        return t
    return t & kept if t.dtype == torch.bool else t * (kept if t.dim() == 3 else kept.squeeze(1))


def _is_mask(t: Tensor) -> bool:
    """Whether (B, 1, P) or (B, P) say which points there are: in bool, or in 0 and 1 as taggers' files have it."""
    if t.dtype == torch.bool:
        return True
    return (t.dim() == 2 or (t.dim() == 3 and t.shape[1] == 1)) and bool(((t == 0) | (t == 1)).all())


def _fewer_numbers(values: Tensor, rng: torch.Generator) -> Tensor:
    """Replace some numbers (B, ...) of each sample by those of the sample before it.

    D. Bahri et al., "SCARF", arXiv:2106.15147, make views of tables so.
    """
    share = _uniform((len(values), *[1] * (values.dim() - 1)), SMALLEST_PART, 1.0, rng)
    kept = torch.rand(values.shape, generator=rng, device=rng.device) < share
    return torch.where(kept, values, values.roll(1, 0))
