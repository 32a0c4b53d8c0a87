"""Pseudo-characters from public knowledge: a pen draws one to three strokes, and an adversary moves it.

Nothing here has seen a digit. A stroke is a curve, mostly drawn downwards, whose
direction bends steadily, in waves and at two corners; later strokes begin on the first one. The drawing is taller than
wide, and is brought to a box of 20 pixels in the middle of the image, as the publishers of MNIST say they did (Y. LeCun
et al., Proc. IEEE 86 (1998) 2278).

Shapes: B images, Z latent size, S strokes, T points of a stroke, C channels, H = W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generators.vectors.features import divergence
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

N_STROKES, N_POINTS = 3, 13
"""S, the most strokes of a drawing, and T."""
NEXT_STROKE_PROBABILITIES = (0.5, 0.35)
"""Probabilities of a second stroke, and then of a third."""
STROKE_LATENTS = ("x", "y", "direction", "bend", "turn", "wave", "corner_a", "corner_b", "at_a", "at_b", "length")
"""Standard normal latent variables of each stroke."""
DRAWING_LATENTS = ("width", "ink", "size", "aspect", "slant", "right", "down")
"""Standard normal latent variables of each drawing."""
BOX_SIZE = 20.0
"""Mean length of the longer side of the drawing, in pixels."""
LATENT_BOUND = 20.0
"""Largest latent variable that is drawn, in standard deviations: no prior reaches it, and lengths beyond overflow."""
OUTSIDE = 1e3
"""Position, in pixels, of strokes that are not drawn."""


class Strokes(Generator):
    """z -> pseudo-characters.

    Args:
        inputs: what the teacher is fed.
        adversarial: whether a network shifts z; without it this is the pure prior.
        hidden: width of that network.
        tau: weight of the divergence from the prior, which is in nats.
    """

    latent_size = N_STROKES * len(STROKE_LATENTS) + len(DRAWING_LATENTS)

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
        """Turn z (B, Z) into x (B, C, H, W); ``rng`` draws the number of strokes."""
        u = torch.rand(len(z), len(NEXT_STROKE_PROBABILITIES), generator=rng, device=z.device)
        more = (u < u.new_tensor(NEXT_STROKE_PROBABILITIES)).cumprod(1).bool()
        present = torch.cat([torch.ones_like(more[:, :1]), more], 1)  # (B, S)
        if self.adversary is None:
            return PseudoBatch((self.inputs.normalised(self.images(z, present)),))
        shift = self.adversary(self.of_class(z, labels))
        x = self.inputs.normalised(self.images(z + shift, present))
        return PseudoBatch((x,), penalty=self.tau * divergence(shift))

    def images(self, z: Tensor, present: Tensor) -> Tensor:
        """Draw intensities (B, C, H, W) in [0, 1] of the strokes that are ``present``, (B, S) of bool.

        Latent variables beyond `LATENT_BOUND` are drawn as if they lay on it.
        """
        z = z.clamp(-LATENT_BOUND, LATENT_BOUND)
        stroke_z = z[:, : N_STROKES * len(STROKE_LATENTS)].view(-1, N_STROKES, len(STROKE_LATENTS))
        drawing_z = dict(zip(DRAWING_LATENTS, z[:, N_STROKES * len(STROKE_LATENTS) :].unbind(1), strict=True))
        points = self._placed(_curves(stroke_z), present, drawing_z)
        return self._inked(points, present, drawing_z).unsqueeze(1).expand(-1, self.inputs.channels, -1, -1)

    def _placed(self, points: Tensor, present: Tensor, drawing_z: dict[str, Tensor]) -> Tensor:
        """Slant the strokes, and bring them into the box: (B, S, T, 2), in pixels from the middle."""
        x = points[..., 0] + 0.25 * drawing_z["slant"].view(-1, 1, 1) * points[..., 1]
        points = torch.stack([x * torch.exp(0.2 * drawing_z["aspect"] - 0.25).view(-1, 1, 1), points[..., 1]], -1)
        absent = ~present.view(*present.shape, 1, 1)
        low = points.masked_fill(absent, torch.inf).amin((1, 2), keepdim=True)
        high = points.masked_fill(absent, -torch.inf).amax((1, 2), keepdim=True)
        side = BOX_SIZE * torch.exp(0.1 * drawing_z["size"]).view(-1, 1, 1, 1)
        place = torch.stack([drawing_z["right"], drawing_z["down"]], -1).view(-1, 1, 1, 2)
        return (points - (low + high) / 2) * side / (high - low).amax(-1, keepdim=True).clamp(min=1e-3) + place

    def _inked(self, points: Tensor, present: Tensor, drawing_z: dict[str, Tensor]) -> Tensor:
        """Intensity of ink in each pixel: (B, S, T, 2) -> (B, H, W)."""
        line = torch.arange(self.inputs.size, device=points.device) - (self.inputs.size - 1) / 2
        points = points.masked_fill(~present.view(*present.shape, 1, 1), OUTSIDE)
        begin, end = points[:, :, :-1].flatten(1, 2), points[:, :, 1:].flatten(1, 2)  # (B, S (T - 1), 2)
        distance = _to_nearest(begin, end - begin, line).clamp(min=1e-9).sqrt()
        width = 1.2 * torch.exp(0.3 * drawing_z["width"]).view(-1, 1, 1)
        ink = torch.sigmoid(2.5 + drawing_z["ink"]).view(-1, 1, 1)
        return ink * (width - distance + 0.5).clamp(0, 1)


def _to_nearest(begin: Tensor, along: Tensor, line: Tensor) -> Tensor:
    """Squared distance of each pixel from the nearest of N segments, (B, N, 2) both: (B, H, W).

    One segment after another, so that arrays stay in the cache. Gradients follow the nearest segment alone.
    """
    smallest, nearest = torch.full((), torch.inf), torch.zeros((), dtype=torch.long)
    with torch.no_grad():
        for i in range(begin.shape[1]):
            squared = _squared_distance(begin[:, i, :, None, None], along[:, i, :, None, None], line)
            nearest = torch.where(squared < smallest, i, nearest)
            smallest = torch.minimum(squared, smallest)
    x_y = nearest.flatten(1).unsqueeze(2).expand(-1, -1, 2)  # (B, H W, 2)
    begin, along = (t.gather(1, x_y).mT.reshape(-1, 2, *nearest.shape[1:]) for t in (begin, along))  # (B, 2, H, W)
    return _squared_distance(begin, along, line)


def _squared_distance(begin: Tensor, along: Tensor, line: Tensor) -> Tensor:
    """Squared distance of pixels from segments, one an image (B, 2, 1, 1) or one a pixel (B, 2, H, W): (B, H, W)."""
    (x, y), (step_x, step_y) = begin.unbind(1), along.unbind(1)
    x, y = line - x, line.unsqueeze(1) - y
    share = ((x * step_x + y * step_y) / (step_x.square() + step_y.square()).clamp(min=1e-6)).clamp(0, 1)
    return (x - share * step_x).square() + (y - share * step_y).square()


def _curves(z: Tensor) -> Tensor:
    """Turn latent variables (B, S, 11) into strokes (B, S, T, 2), in units of about their length, y downwards."""
    stroke_z = dict(zip(STROKE_LATENTS, z.unsqueeze(-2).unbind(-1), strict=True))  # (B, S, 1) each
    t = torch.linspace(0, 1, N_POINTS - 1, device=z.device)
    angle = torch.pi / 2 + 1.2 * stroke_z["direction"] + 3.0 * stroke_z["bend"] * t
    angle = angle + 2.0 * stroke_z["turn"] * t.square()
    angle = angle + 0.7 * stroke_z["wave"] * torch.sin(2 * torch.pi * t)
    for corner, at in (("corner_a", "at_a"), ("corner_b", "at_b")):
        angle = angle + 1.2 * stroke_z[corner] * torch.sigmoid(20 * (t - torch.sigmoid(stroke_z[at])))
    length = torch.exp(0.4 * stroke_z["length"]).unsqueeze(-1)
    steps = torch.stack([angle.cos(), angle.sin()], -1) * length / (N_POINTS - 1)
    curves = torch.cat([torch.zeros_like(steps[..., :1, :]), steps.cumsum(-2)], -2)
    first = curves[:, :1]
    # The other strokes begin somewhere on the first, or nearly.
    start = torch.sigmoid(1.5 * stroke_z["x"]) * (N_POINTS - 1)  # (B, S, 1)
    weight = (1 - (start - torch.arange(N_POINTS, device=z.device)).abs()).clamp(min=0)  # (B, S, T)
    touch = (weight.unsqueeze(-1) * first).sum(-2, keepdim=True)
    touch = touch + 0.1 * torch.cat([torch.zeros_like(stroke_z["y"]), stroke_z["y"]], -1).unsqueeze(-2)
    return torch.cat([first, curves[:, 1:] * 0.7 + touch[:, 1:]], 1)
