"""Motion that any moving thing has: even, in a straight line, thrown back by the walls; differentiable.

Shapes: B samples, T frames, h x w pixels of a patch, H = W pixels of a frame.
"""

from __future__ import annotations

import torch
from torch import Tensor


def bounced(start: Tensor, velocity: Tensor, length: int, room: Tensor | float) -> Tensor:
    """Return positions of what moves evenly between walls at 0 and ``room``: (B, D) each -> (B, T, D).

    Args:
        start: where it is in the first frame, inside the room.
        velocity: how far it moves from a frame to the next.
        length: T.
        room: positive; a number, or one that goes with (B, T, D).
    """
    t = torch.arange(length, dtype=start.dtype, device=start.device).view(1, -1, 1)
    along = start.unsqueeze(1) + velocity.unsqueeze(1) * t
    return room - (torch.remainder(along, 2 * room) - room).abs()


def placed(patch: Tensor, corner: Tensor, size: int, scale: Tensor | float = 1.0) -> Tensor:
    """Lay a patch into each frame, every pixel of it shared between the nearest ones there: -> (B, T, H, W).

    What is outside is lost. It is differentiable by the patch, the place and the scale, and the same on every device.

    Args:
        patch: (B, h, w)
        corner: (B, T, 2), x and y of its upper left corner, in pixels of the frame.
        size: H = W.
        scale: pixels of the frame to one of the patch, at most 1; a number, or (B,).
    """
    factor = torch.as_tensor(scale, dtype=patch.dtype, device=patch.device).expand(len(patch)).view(-1, 1, 1, 1)
    line = torch.arange(size, dtype=patch.dtype, device=patch.device) + 0.5

    def shares(pixels: int, first: Tensor) -> Tensor:
        """Return which share of each pixel of the patch each of the frame gets: (B, T) -> (B, T, H, pixels)."""
        own = torch.arange(pixels, dtype=patch.dtype, device=patch.device) + 0.5
        at = first[..., None, None] + factor * own
        return (1 - (line.view(1, 1, -1, 1) - at).abs()).clamp(min=0) * factor

    rows, columns = shares(patch.shape[1], corner[..., 1]), shares(patch.shape[2], corner[..., 0])
    return rows @ patch.unsqueeze(1) @ columns.transpose(2, 3)
