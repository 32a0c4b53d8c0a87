"""Views of frames: the first of them, or what changes from one to the next.

Shapes: B samples, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.frames.inputs import FrameInputs
from zskt.viewed import View, whole_number


@dataclass(frozen=True)
class Until:
    """Keep the first frames: what has been seen by then.

    Tran et al., arXiv:1904.04868: the teacher recognises an action that the student has to anticipate.
    """

    count: int

    def __call__(self, x: Tensor) -> Batch:
        """(B, T, ...) -> ((B, count, ...),)."""
        return (x[:, : self.count],)


@dataclass(frozen=True)
class Flow:
    """Subtract from each frame the one before it; the first is nothing: no motion is seen in it.

    There are as many frames as before, so that maps of attention have the same places. What stands still is 0. It is
    what Liu et al., arXiv:1904.03249, show their teacher, with differences in place of an optical flow.
    """

    def __call__(self, x: Tensor) -> Batch:
        """(B, T, ...) -> ((B, T, ...),)."""
        return (torch.cat([torch.zeros_like(x[:, :1]), x[:, 1:] - x[:, :-1]], 1),)


def until(inputs: FrameInputs, argument: str) -> View:
    """Make ``until:T``: the first T frames.

    Raises:
        UserError: if T is no number of frames that the teacher takes.
    """
    count = whole_number(argument, inputs.length, "frames")
    return View(Until(count), inputs.first(count))


def flow(inputs: FrameInputs, argument: str) -> View:
    """Make ``flow``: differences of frames.

    Raises:
        UserError: if something stands behind the name.
    """
    if argument:
        raise UserError(f"has no {argument!r} to choose: write flow alone")
    return View(Flow(), replace(inputs, mean=(0.0,) * inputs.channels))


VIEWS = {"until": until, "flow": flow}
"""Views of frames, by name."""
