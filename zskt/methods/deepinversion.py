"""DeepInversion and its adaptive form (ADI): pixels are optimised until the teacher's statistics are those of data.

H. Yin et al., "Dreaming to distil: data-free knowledge transfer via DeepInversion", arXiv:1912.08795, equations 1 to 8.
A batch of images goes down CE(T(x), targets) + priors of natural images (equation 3) + the distance of batch statistics
(equation 4) and, in ADI, 1 - JS(T(x) || S(x)) (equation 6), so that the student does not know it yet. Jets and vectors
are bound by what they are: in place of their numbers a generator's z is optimised.

Shapes: B pseudo-samples, C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.images.inputs import ImageInputs
from zskt.methods.canvas import Canvas, Latent, Pixels
from zskt.methods.inversion import Inversion, Inverted
from zskt.methods.inversion_settings import InversionConfig
from zskt.methods.method import Metrics, Setup
from zskt.methods.views import jittered
from zskt.settings import setting
from zskt.synthesis import agreement_of_beliefs, target_cross_entropy, total_variation


@dataclass(frozen=True, kw_only=True)
class DeepInversionConfig(InversionConfig):
    """Settings of DeepInversion; the defaults are those of the published code for CIFAR-10. Losses are in nats per
    example."""

    iterations: int = setting(200, minimum=1)
    """Syntheses, each of a batch that joins the memory bank and is followed by student steps; the authors speak of 1000
    batches, and never published their student's schedule."""
    synthesis_steps: int = setting(2000, minimum=1)
    """Steps by which a batch is optimised."""
    synthesis_lr: float = setting(0.1, minimum=0)
    """Learning rate of the Adam of pixels, or of z."""
    bn_weight: float = setting(100.0, minimum=0)
    """Weight of the distance of the teacher's batch statistics from the running ones, summed over its
    normalisations."""
    total_variation_weight: float = setting(2.5e-5, minimum=0, domains=("images",))
    """Weight of the differences of neighbouring pixels, of images alone."""
    l2_weight: float = setting(0.0, minimum=0)
    """Weight of the Euclidean norm of all that is optimised, pixels or z."""
    adversarial_weight: float = setting(0.0, minimum=0)
    """Weight of 1 - JS(T || S): 0 is DeepInversion, as the published code for CIFAR-10 has it; 10 is the paper's
    ADI."""
    adversarial_temperature: float = setting(3.0, above=0)
    """Temperature of both softmaxes in JS(T || S)."""
    jitter: int = setting(2, minimum=0, domains=("images",))
    """Pixels by which a batch of images is rolled at most, anew in each step."""
    temperature: float = setting(3.0, above=0)
    """Temperature of both softmaxes in the student's KL(T || S)."""


class DeepInversion(Inversion):
    """Optimises pixels, or a generator's z, until the teacher's batch statistics match."""

    Config = DeepInversionConfig
    name = "deepinversion"
    paints = True
    config: DeepInversionConfig

    def __init__(self, config: DeepInversionConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.canvas: Canvas | None = None
        self.inputs = setup.inputs if isinstance(setup.inputs, ImageInputs) else None

    def synthesise(self) -> tuple[Batch, Metrics]:
        """Optimise the pixels of a batch that the generator draws, or the z behind it; the generator stays."""
        config = self.config
        if self.shows_images:
            with torch.no_grad():
                pixels = self.generator.sample(config.synthesis_size, self.rng).x[0]
            self.canvas = Pixels(pixels, self.inputs)
            parameter = self.canvas.pixels
        else:
            self.canvas = Latent(self.generator, config.synthesis_size, self.rng)
            parameter = self.canvas.z
        return self.invert(self.canvas, torch.optim.Adam([parameter], lr=config.synthesis_lr, fused=True))

    def view(self, x: Batch) -> Batch:
        """Roll a batch of images."""
        return jittered(x, self.config.jitter, self.views) if self.shows_images and self.config.jitter else x

    def of_samples(self, inverted: Inverted) -> Tensor:
        """Return the loss of each sample, (B,): cross-entropy and, in ADI, 1 - JS(T || S)."""
        config = self.config
        loss = config.one_hot_weight * target_cross_entropy(inverted.logits, inverted.targets)
        if config.adversarial_weight and self.state.step >= config.synthesis_warmup:
            student = self.pair.ask_student(inverted.x).logits
            beliefs = agreement_of_beliefs(inverted.logits, student, config.adversarial_temperature)
            loss = loss + config.adversarial_weight * beliefs
        return loss

    def of_batch(self, inverted: Inverted) -> dict[str, Tensor]:
        """Return the priors of a batch, as the teacher saw it, weighted scalars."""
        config, parts = self.config, {}
        if config.total_variation_weight and self.shows_images:
            parts["loss/tv"] = config.total_variation_weight * total_variation(inverted.x[0])
        if config.l2_weight:
            optimised = self.canvas.z if isinstance(self.canvas, Latent) else inverted.x[0]
            parts["loss/l2"] = config.l2_weight * torch.linalg.vector_norm(optimised)
        return parts
