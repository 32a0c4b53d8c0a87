"""Views of images: fewer pixels.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.images.inputs import ImageInputs
from zskt.viewed import View, whole_number


@dataclass(frozen=True)
class Downscale:
    """Average blocks of pixels, of the image without its padding; a mean of normalised pixels is a normalised mean."""

    margin: int
    """Pixels of padding on each side."""
    block: int
    """Height and width of a block, in pixels."""

    def __call__(self, x: Tensor) -> Batch:
        """(B, C, H, W) -> ((B, C, h, w),)."""
        side = x.shape[-1] - self.margin
        return (nn.functional.avg_pool2d(x[..., self.margin : side, self.margin : side], self.block),)


def downscale(inputs: ImageInputs, argument: str) -> View:
    """Make ``downscale:N``: images of N x N pixels, means of blocks of the teacher's.

    Raises:
        UserError: if N does not divide the side of the teacher's images.
    """
    side = whole_number(argument, inputs.side, "pixels")
    if inputs.side % side or (inputs.size - inputs.side) % 2:
        divisors = ", ".join(str(n) for n in range(1, inputs.side) if inputs.side % n == 0)
        raise UserError(f"{side} pixels do not divide the {inputs.side} of an image; give one of {divisors}")
    small = replace(inputs, size=side, side=side)
    return View(Downscale((inputs.size - inputs.side) // 2, inputs.side // side), small)


VIEWS = {"downscale": downscale}
"""Views of images, by name."""
