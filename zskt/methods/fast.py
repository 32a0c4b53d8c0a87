"""Fast data-free distillation (FM, FastDFKD): a generator that has learned where to begin synthesises in a few steps.

G. Fang et al., "Up to 100x faster data-free knowledge distillation", arXiv:2112.06253. A synthesis copies the
generator, optimises the copy and z by a few steps, and the original learns from how the copies moved: by the sum of
their gradients (FOMAML, C. Finn et al., arXiv:1703.03400), or by the way they went (Reptile, A. Nichol et al.,
arXiv:1803.02999). The published code hands the student to this method, but the teacher to those that it compares with;
here the adversary always asks the student.

Shapes: B pseudo-samples.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.generator import is_trainable
from zskt.methods.canvas import Canvas, Latent
from zskt.methods.inversion import Inversion
from zskt.methods.inversion_settings import InversionConfig
from zskt.methods.method import Metrics, Setup
from zskt.methods.restart import first_layer, restart
from zskt.methods.views import shifted
from zskt.optim import generator_adam, require_finite, step_along
from zskt.settings import setting

META = ("fomaml", "reptile")
"""How the generator learns from its copies."""


@dataclass(frozen=True, kw_only=True)
class FastConfig(InversionConfig):
    """Settings of Fast; the defaults are those of the published code for wide ResNets. Losses are in nats per
    example."""

    iterations: int = setting(220, minimum=1)
    """Syntheses, each of a batch that joins the memory bank and is followed by student steps."""
    synthesis_steps: int = setting(10, minimum=1)
    """Steps by which a copy of the generator and z are optimised: 2, 5 or 10 in the paper's tables."""
    synthesis_warmup: int = setting(20, minimum=0)
    """Iterations at the beginning in which the student does not learn and no adversary asks it."""
    one_hot_weight: float = setting(0.4, minimum=0)
    """Weight of the teacher's cross-entropy with the classes that are asked for; 0.5 for ResNet-34 and VGG-11."""
    bn_weight: float = setting(10.0, minimum=0)
    """Weight of the distance of the teacher's batch statistics from the running ones, summed over its
    normalisations."""
    adversarial_weight: float = setting(1.1, minimum=0)
    """Weight of the disagreement of teacher and student that is sought, where they still agree on the top class; 1.33
    for ResNet-34, 1.0 for VGG-11."""
    statistics_memory: float = setting(0.9, minimum=0, below=1)
    """Share of earlier syntheses in the batch statistics that are compared (section 3.3 of the paper)."""
    generator_lr: float = setting(2e-3, minimum=0)
    """Learning rate of the copy's Adam: 5e-3, 3e-3, 2e-3 for 2, 5, 10 steps. The original's is so many times that as
    there are steps."""
    latent_lr: float = setting(1e-2, minimum=0)
    """Learning rate of z: 1.5e-2, 1e-2, 1e-2 for 2, 5, 10 steps."""
    meta: str = setting("fomaml", choices=META)
    """How the generator learns from its copies: by the sum of their gradients, or by the way that they went."""
    reset_first_layer: int = setting(120, minimum=0)
    """Iterations after the warm-up at which the generator's first layer begins anew, so that later samples differ from
    earlier ones; 0 never."""
    student_lr: float = setting(0.2, minimum=0)
    """Learning rate of the student; falls to 0 by a cosine over the run, to 2e-4 in the published code."""


class Fast(Inversion):
    """Inverts the teacher in a few steps, from a generator that has learned where to begin."""

    Config = FastConfig
    name = "fast"
    config: FastConfig

    def __init__(self, config: FastConfig, setup: Setup) -> None:
        assert setup.generator is not None
        if not is_trainable(setup.generator):
            raise UserError("fast: trains a generator, and this one has no parameters; take another --generator")
        super().__init__(config, setup)
        self.meta_optimizer = generator_adam(
            [{"params": list(self.generator.parameters()), "lr": config.generator_lr * config.synthesis_steps}]
        )
        self.state.parts["generator_optimizer"] = self.meta_optimizer
        self.begun = copy.deepcopy(self.generator.state_dict())
        self.gradients: list[Tensor] = []

    def synthesise(self) -> tuple[Batch, Metrics]:
        """Optimise a copy of the generator and z, and let the generator learn from it."""
        config = self.config
        if config.reset_first_layer and self.state.step == config.synthesis_warmup + config.reset_first_layer:
            self._restart_first_layer()
        fast = copy.deepcopy(self.generator)
        canvas = Latent(fast, config.synthesis_size, self.rng)
        copied = [p for p in fast.parameters() if p.requires_grad]
        optimizer = generator_adam(
            [{"params": copied, "lr": config.generator_lr}, {"params": [canvas.z], "lr": config.latent_lr}]
        )
        self.gradients = [torch.zeros_like(p) for p in copied]
        x, metrics = self.invert(canvas, optimizer)
        self.learn(fast)
        return x, metrics

    def _restart_first_layer(self) -> None:
        if name := first_layer(self.generator):
            begun = {k.removeprefix(f"{name}."): v for k, v in self.begun.items() if k.startswith(f"{name}.")}
            restart(self.generator.get_submodule(name), begun, self.views)

    def stepped(self, canvas: Canvas) -> None:
        """Add up the gradients of the copy."""
        assert isinstance(canvas, Latent)
        copied = [p for p in canvas.generator.parameters() if p.requires_grad]
        for total, parameter in zip(self.gradients, copied, strict=True):
            if parameter.grad is not None:
                total.add_(parameter.grad)

    @torch.no_grad()
    def learn(self, fast: nn.Module) -> None:
        """Take a step of the generator, whose Adam knows no scale, and give it the copy's running statistics."""
        trained = [p for p in self.generator.parameters() if p.requires_grad]
        ways = [a - b for a, b in zip(trained, (p for p in fast.parameters() if p.requires_grad), strict=True)]
        gradients = ways if self.config.meta == "reptile" else self.gradients
        step_along(trained, gradients, self.meta_optimizer)
        require_finite(self.meta_optimizer, "generator's")
        for mine, copied in zip(self.generator.modules(), fast.modules(), strict=True):
            if isinstance(mine, nn.modules.batchnorm._BatchNorm):
                for name, buffer in copied.named_buffers(recurse=False):
                    mine.get_buffer(name).copy_(buffer)

    def view(self, x: Batch) -> Batch:
        """Shift and mirror images, as the student will be shown them."""
        return shifted(x, self.views) if self.shows_images else x
