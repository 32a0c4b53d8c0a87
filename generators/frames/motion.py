"""Pseudo-frames from what everybody knows of motion, moved by an adversary: things that move, things that swing.

Video: one drawing of a pen (`generators.images.strokes`) goes through the picture, evenly and thrown back by its edges,
and another one may take its place. A series: each feature swings with the frequency of the whole and with twice that,
for a while or all the time, over noise. Both are differentiable by all that moves: place, way, size, moment of the
change, frequency. Nothing here has seen a teacher's data; but that things move evenly and bounce is much of how our
moving digits are made, and a teacher of other motions may need another prior.

Shapes: B samples, T frames, C channels, H = W pixels, F features, Z latent variables.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from generators.images.strokes import NEXT_STROKE_PROBABILITIES, Strokes
from generators.vectors.features import LatentShift, divergence
from generators.vectors.logit_normal import LOGISTIC_SCALE
from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.frames.inputs import FrameInputs
from zskt.frames.motion import bounced, placed
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

PAPER_SIDE, BOX = 28, 20.0
"""Pixels of the paper that a pen draws on, and of the box on it that its drawing fills: see `Strokes`."""
PATH_LATENTS = ("x", "y", "to_right", "down", "size", "change", "noise")
"""Standard normal latent variables of a sample's motion."""
SPEED = 0.1
"""Spread of the velocity along each axis, in sides of the picture a frame."""
SHARE = 0.5
"""Mean length of the longer side of a drawing, in sides of the picture."""
NOISE = 0.05
"""Mean standard deviation of the noise of a pixel, where white is 1."""
WAVE_LATENTS = ("amplitude", "cosine", "sine", "cosine_2", "sine_2", "offset")
"""Standard normal latent variables of each feature of a series."""
SERIES_LATENTS = ("frequency", "begin", "end", "noise")
"""Standard normal latent variables of a series."""


class Motion(Generator):
    """z -> pseudo-frames.

    Args:
        inputs: what the teacher is fed.
        adversarial: whether a network shifts z; without it this is the pure prior.
        hidden: width of that network.
        bound: largest shift of a latent variable, in standard deviations.
        tau: weight of the divergence from the prior, which is in nats.
    """

    def __init__(
        self, inputs: FrameInputs, adversarial: bool = True, hidden: int = 128, bound: float = 3.0, tau: float = 0.03
    ) -> None:
        super().__init__()
        self.inputs, self.tau = inputs, tau
        self.prior: _Drawings | _Waves = _Drawings(inputs) if inputs.size else _Waves(inputs)
        self.latent_size = self.prior.latent_size
        self.adversary = LatentShift(self.latent_size, self.latent_size, hidden, bound) if adversarial else None

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into x (B, T, ...); ``rng`` draws the numbers of strokes, and the noise."""
        if self.adversary is None:
            return PseudoBatch((self.prior(z, rng),))
        shift = self.adversary(self.of_class(z, labels))
        return PseudoBatch((self.prior(z + shift, rng),), penalty=self.tau * divergence(shift))


class _Drawings(nn.Module):
    """Turn latent variables into video of one drawing that moves, and of another in its place."""

    def __init__(self, inputs: FrameInputs) -> None:
        super().__init__()
        self.inputs = inputs
        paper = ImageInputs(mean=(0.0,), std=(1.0,), size=PAPER_SIDE, side=PAPER_SIDE)
        self.pen = Strokes(paper, adversarial=False)
        self.latent_size = 2 * self.pen.latent_size + len(PATH_LATENTS)

    def forward(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """(B, Z) -> (B, T, C, H, W), normalised."""
        inputs, side = self.inputs, float(self.inputs.size)
        *drawn, motion = torch.split(z, [self.pen.latent_size, self.pen.latent_size, len(PATH_LATENTS)], 1)
        path = dict(zip(PATH_LATENTS, torch.split(motion, 1, 1), strict=True))  # (B, 1) each
        longer = side * (SHARE * torch.exp(0.15 * path["size"])).clamp(max=0.9)
        room = side - longer
        start = room * torch.sigmoid(LOGISTIC_SCALE * torch.cat([path["x"], path["y"]], 1))
        velocity = SPEED * side * torch.cat([path["to_right"], path["down"]], 1)
        corner = bounced(start, velocity, inputs.length, room.unsqueeze(2))
        scale = longer / BOX
        corner = corner - ((PAPER_SIDE - BOX) / 2 * scale).unsqueeze(2)
        first, last = (placed(self._drawing(t, rng), corner, inputs.size, scale.squeeze(1)) for t in drawn)
        frames = first + (last - first) * self._is_late(path["change"]).view(len(z), -1, 1, 1)
        noise = torch.randn(frames.shape, generator=rng, device=rng.device).to(frames.device)
        strength = NOISE * torch.exp(0.5 * path["noise"]).view(-1, 1, 1, 1)
        frames = (frames + strength * noise).clamp(0, 1).unsqueeze(2)
        return inputs.normalised(frames.expand(-1, -1, inputs.channels, -1, -1))

    def _drawing(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Draw one to three strokes: (B, 28, 28)."""
        u = torch.rand(len(z), len(NEXT_STROKE_PROBABILITIES), generator=rng, device=rng.device).to(z.device)
        more = (u < u.new_tensor(NEXT_STROKE_PROBABILITIES)).cumprod(1).bool()
        return self.pen.images(z, torch.cat([torch.ones_like(more[:, :1]), more], 1))[:, 0]

    def _is_late(self, change: Tensor) -> Tensor:
        """Return the share of the second drawing in each frame, which goes from 0 to 1 within one: (B, 1) -> (B, T).

        In one of six samples or so there is no change.
        """
        moment = self.inputs.length * (0.5 + 0.35 * change)
        return (torch.arange(self.inputs.length, device=change.device) - moment + 0.5).clamp(0, 1)


class _Waves(nn.Module):
    """Turn latent variables into series that swing."""

    def __init__(self, inputs: FrameInputs) -> None:
        super().__init__()
        self.inputs = inputs
        self.latent_size = inputs.channels * len(WAVE_LATENTS) + len(SERIES_LATENTS)

    def forward(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """(B, Z) -> (B, T, F), normalised."""
        length, features = self.inputs.length, self.inputs.channels
        each, whole = torch.split(z, [features * len(WAVE_LATENTS), len(SERIES_LATENTS)], 1)
        wave = dict(zip(WAVE_LATENTS, each.view(-1, 1, features, len(WAVE_LATENTS)).unbind(3), strict=True))
        series = dict(zip(SERIES_LATENTS, whole.unsqueeze(2).unsqueeze(3).unbind(1), strict=True))  # (B, 1, 1) each
        t = torch.arange(length, dtype=z.dtype, device=z.device).view(1, -1, 1)
        # From about one swing in 30 frames to one in 3.
        angle = 2 * torch.pi * t * 0.1 * torch.exp(0.6 * series["frequency"]).clamp(max=5.0)
        swing = wave["cosine"] * angle.cos() + wave["sine"] * angle.sin()
        swing = swing + 0.5 * (wave["cosine_2"] * (2 * angle).cos() + wave["sine_2"] * (2 * angle).sin())
        begin, end = (0.5 + sign * (0.5 + 0.4 * series[name]) for sign, name in ((-1, "begin"), (1, "end")))
        lasting = torch.sigmoid((t / length - begin) * 20) * torch.sigmoid((end - t / length) * 20)
        strength = 0.8 * torch.exp(0.8 * wave["amplitude"])
        noise = torch.randn(len(z), length, features, generator=rng, device=rng.device).to(z.device)
        return 0.5 * wave["offset"] + strength * swing * lasting + 0.2 * torch.exp(series["noise"]) * noise


def motion(
    length: int,
    channels: int,
    size: int = 0,
    *,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    adversarial: bool = True,
    hidden: int = 128,
    bound: float = 3.0,
    tau: float = 0.03,
) -> Motion:
    """Build a generator for a network on video (B, T, C, H, W) or on series (B, T, F), which are normalised.

    Args:
        length: T.
        channels: C, or F.
        size: H = W; 0 of a series.
        mean, std: of each channel, of intensities in [0, 1], or of each feature: a number for all, or one each.
        adversarial, hidden, bound, tau: as `Motion` has them.

    Raises:
        UserError: if these do not fit together.
    """
    means, spreads = ((v,) * channels if isinstance(v, int | float) else tuple(v) for v in (mean, std))
    if len(means) != channels:
        raise UserError(f"motion: {len(means)} means of {channels} channels; give one each, or a number for all")
    inputs = FrameInputs(length=length, size=size, mean=means, std=spreads)
    return Motion(inputs, adversarial=adversarial, hidden=hidden, bound=bound, tau=tau)
