"""Written characters from public knowledge: a pen that draws one to three strokes, moved by an adversary.

What `generators.shower` is to jets: nothing here has seen a digit. A stroke is a curve, mostly drawn downwards, whose
direction bends steadily, in waves and at two corners; later strokes begin on the first one. The drawing is taller than
wide, and is brought to a box of 20 pixels in the middle of the image, as the publishers of MNIST say they did (Y. LeCun
et al., Proc. IEEE 86 (1998) 2278).

Shapes: B images, Z latent size, S strokes, T points of a stroke, C channels, H = W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

STROKES, POINTS = 3, 13
MORE = (0.5, 0.35)
"""Probability of a second stroke, and then of a third."""
OF_STROKE = ("x", "y", "direction", "bend", "turn", "wave", "corner_a", "corner_b", "at_a", "at_b", "length")
"""Standard normal latent variables of each stroke."""
OF_DRAWING = ("width", "ink", "size", "aspect", "slant", "right", "down")
BOX = 20.0
"""Pixels of the longer side of the drawing."""
FAR = 1e3
"""Where strokes lie that are not drawn, in pixels."""


class Strokes(Generator):
    """z -> pseudo-characters.

    Args:
        inputs: what the teacher is fed.
        adversarial: whether a network shifts z; without it this is the pure prior.
        hidden: width of that network.
        tau: price of a nat of divergence from the prior.
    """

    latent_size = STROKES * len(OF_STROKE) + len(OF_DRAWING)

    def __init__(self, inputs: ImageInputs, adversarial: bool = True, hidden: int = 128, tau: float = 0.03) -> None:
        super().__init__()
        self.inputs, self.tau = inputs, tau
        self.adversary: nn.Sequential | None = None
        if adversarial:
            last = nn.Linear(hidden, self.latent_size)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.adversary = nn.Sequential(nn.Linear(self.latent_size, hidden), nn.GELU(), last)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> x (B, C, H, W); ``rng`` draws how many strokes there are."""
        u = torch.rand(len(z), len(MORE), generator=rng, device=z.device)
        more = (u < u.new_tensor(MORE)).cumprod(1).bool()
        drawn = torch.cat([torch.ones_like(more[:, :1]), more], 1)  # (B, S)
        if self.adversary is None:
            return PseudoBatch((self.inputs.normalised(self.images(z, drawn)),))
        shift = self.adversary(z)
        # KL(N(shift, 1) || N(0, 1)), as for the shower.
        penalty = self.tau * shift.square().sum(1).mean() / 2
        return PseudoBatch((self.inputs.normalised(self.images(z + shift, drawn)),), penalty=penalty)

    def images(self, z: Tensor, drawn: Tensor) -> Tensor:
        """Intensities in [0, 1], (B, C, H, W), of the strokes that are ``drawn``, (B, S) of bool."""
        own = z[:, : STROKES * len(OF_STROKE)].view(-1, STROKES, len(OF_STROKE))
        whole = dict(zip(OF_DRAWING, z[:, STROKES * len(OF_STROKE) :].unbind(1), strict=True))
        points = self._placed(_curves(own), drawn, whole)
        return self._inked(points, drawn, whole).unsqueeze(1).expand(-1, self.inputs.channels, -1, -1)

    def _placed(self, points: Tensor, drawn: Tensor, whole: dict[str, Tensor]) -> Tensor:
        """Slanted, and brought into the box: (B, S, T, 2), in pixels from the middle."""
        x = points[..., 0] + 0.25 * whole["slant"].view(-1, 1, 1) * points[..., 1]
        points = torch.stack([x * torch.exp(0.2 * whole["aspect"] - 0.25).view(-1, 1, 1), points[..., 1]], -1)
        absent = ~drawn.view(*drawn.shape, 1, 1)
        low = points.masked_fill(absent, torch.inf).amin((1, 2), keepdim=True)
        high = points.masked_fill(absent, -torch.inf).amax((1, 2), keepdim=True)
        side = BOX * torch.exp(0.1 * whole["size"]).view(-1, 1, 1, 1)
        place = torch.stack([whole["right"], whole["down"]], -1).view(-1, 1, 1, 2)
        return (points - (low + high) / 2) * side / (high - low).amax(-1, keepdim=True).clamp(min=1e-3) + place

    def _inked(self, points: Tensor, drawn: Tensor, whole: dict[str, Tensor]) -> Tensor:
        """How much of the pen each pixel sees: (B, S, T, 2) -> (B, H, W)."""
        line = torch.arange(self.inputs.size, device=points.device) - (self.inputs.size - 1) / 2
        points = points.masked_fill(~drawn.view(*drawn.shape, 1, 1), FAR)
        begin, end = points[:, :, :-1].flatten(1, 2), points[:, :, 1:].flatten(1, 2)  # (B, S (T - 1), 2)
        distance = _to_nearest(begin, end - begin, line).clamp(min=1e-9).sqrt()
        width = 1.2 * torch.exp(0.3 * whole["width"]).view(-1, 1, 1)
        ink = torch.sigmoid(2.5 + whole["ink"]).view(-1, 1, 1)
        return ink * (width - distance + 0.5).clamp(0, 1)


def _to_nearest(begin: Tensor, along: Tensor, line: Tensor) -> Tensor:
    """Squared distance of each pixel to the nearest of N segments, which are (B, N, 2) both: (B, H, W).

    Segment after segment, in which the arrays stay in the cache; gradients follow the nearest alone.
    """
    least, nearest = torch.full((), torch.inf), torch.zeros((), dtype=torch.long)
    with torch.no_grad():
        for i in range(begin.shape[1]):
            squared = _squared_distance(begin[:, i, :, None, None], along[:, i, :, None, None], line)
            nearest = torch.where(squared < least, i, nearest)
            least = torch.minimum(squared, least)
    x_y = nearest.flatten(1).unsqueeze(2).expand(-1, -1, 2)  # (B, H W, 2)
    begin, along = (t.gather(1, x_y).mT.reshape(-1, 2, *nearest.shape[1:]) for t in (begin, along))  # (B, 2, H, W)
    return _squared_distance(begin, along, line)


def _squared_distance(begin: Tensor, along: Tensor, line: Tensor) -> Tensor:
    """Of the pixels from segments, (B, 2, 1, 1) for one an image or (B, 2, H, W) for one a pixel: (B, H, W)."""
    (x, y), (step_x, step_y) = begin.unbind(1), along.unbind(1)
    x, y = line - x, line.unsqueeze(1) - y
    share = ((x * step_x + y * step_y) / (step_x.square() + step_y.square()).clamp(min=1e-6)).clamp(0, 1)
    return (x - share * step_x).square() + (y - share * step_y).square()


def _curves(z: Tensor) -> Tensor:
    """Strokes (B, S, T, 2) of their latent variables (B, S, 11), in units of about their length, y downwards."""
    own = dict(zip(OF_STROKE, z.unsqueeze(-2).unbind(-1), strict=True))  # (B, S, 1) each
    t = torch.linspace(0, 1, POINTS - 1, device=z.device)
    angle = torch.pi / 2 + 1.2 * own["direction"] + 3.0 * own["bend"] * t + 2.0 * own["turn"] * t.square()
    angle = angle + 0.7 * own["wave"] * torch.sin(2 * torch.pi * t)
    for corner, at in (("corner_a", "at_a"), ("corner_b", "at_b")):
        angle = angle + 1.2 * own[corner] * torch.sigmoid(20 * (t - torch.sigmoid(own[at])))
    steps = torch.stack([angle.cos(), angle.sin()], -1) * torch.exp(0.4 * own["length"]).unsqueeze(-1) / (POINTS - 1)
    curves = torch.cat([torch.zeros_like(steps[..., :1, :]), steps.cumsum(-2)], -2)
    first = curves[:, :1]
    # The others begin somewhere on the first, or nearly.
    start = torch.sigmoid(1.5 * own["x"]) * (POINTS - 1)  # (B, S, 1)
    weight = (1 - (start - torch.arange(POINTS, device=z.device)).abs()).clamp(min=0)  # (B, S, T)
    touch = (weight.unsqueeze(-1) * first).sum(-2, keepdim=True)
    touch = touch + 0.1 * torch.cat([torch.zeros_like(own["y"]), own["y"]], -1).unsqueeze(-2)
    return torch.cat([first, curves[:, 1:] * 0.7 + touch[:, 1:]], 1)
