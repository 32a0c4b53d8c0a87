"""Contrastive model inversion (CMI): each batch is synthesised anew, and told apart from all that there was before.

G. Fang et al., "Contrastive model inversion for data-free knowledge distillation", arXiv:2105.08584. In each synthesis
a fresh generator and its z are optimised. Beside the terms of model inversion and a masked adversary there is InfoNCE:
a small network tells a local view of each sample by its global view, among those of the batch and of a memory of
earlier ones. What it is shown are means over each sample of what enters the teacher's normalisations.

Shapes: B pseudo-samples, N of the memory, D features, H of the head.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.generator import is_trainable
from zskt.methods.canvas import Latent
from zskt.methods.instance_features import FeatureMemory, InstanceFeatures
from zskt.methods.inversion import Inversion, Inverted, probe
from zskt.methods.inversion_settings import InversionConfig
from zskt.methods.method import Metrics, Setup
from zskt.methods.restart import restart
from zskt.methods.views import local_view, shifted
from zskt.optim import generator_adam, require_finite, step_along
from zskt.settings import sample_count, setting


@dataclass(frozen=True, kw_only=True)
class CMIConfig(InversionConfig):
    """Settings of CMI; the defaults are those of the published script for CIFAR-10 from scratch. Losses are in nats per
    example."""

    batch_size: int = sample_count(128)
    """Samples of the memory bank in a student step."""
    synthesis_steps: int = setting(200, minimum=1)
    """Steps by which a fresh generator and z are optimised; 500 in the paper's tables."""
    adversarial_weight: float = setting(0.5, minimum=0)
    """Weight of the disagreement of teacher and student that is sought, where they still agree on the top class."""
    contrastive_weight: float = setting(0.8, minimum=0)
    """Weight of InfoNCE."""
    contrastive_temperature: float = setting(0.1, above=0)
    """Temperature of InfoNCE: 0.1 in the script, 0.2 in others of the authors'."""
    memory_size: int = setting(40960, minimum=1, maximum=2**24)
    """Earlier pseudo-samples whose features are kept."""
    negatives: int = setting(4096, minimum=1)
    """N: of these, how many each step is shown at most."""
    head_width: int = setting(256, minimum=1)
    """H: numbers by which the head describes a view."""
    generator_lr: float = setting(1e-3, minimum=0)
    """Learning rate of the Adams of generator and z, and of the head."""


class CMI(Inversion):
    """Inverts the teacher with a fresh generator a batch; a contrastive term keeps samples different."""

    Config = CMIConfig
    name = "cmi"
    config: CMIConfig

    def __init__(self, config: CMIConfig, setup: Setup) -> None:
        assert setup.generator is not None
        if not is_trainable(setup.generator):
            raise UserError("cmi: trains a generator, and this one has no parameters; take another --generator")
        super().__init__(config, setup)
        self.begun = copy.deepcopy(self.generator.state_dict())
        assert self.observed.teacher is not None
        samples = probe(setup.generator, setup.device)
        self.features = InstanceFeatures(self.observed.teacher, samples)
        with torch.no_grad(), self.features.measure() as found:
            logits = self.observed.forward(self.observed.teacher, samples).logits
        width = self.features.of(found, logits).shape[1]
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, config.head_width))
        self.head.to(setup.device)
        self.head_optimizer = torch.optim.Adam(self.head.parameters(), lr=config.generator_lr, fused=True)
        self.memory = FeatureMemory(config.memory_size, setup.device)
        self.negatives = torch.Generator(setup.device).manual_seed(4 * setup.seed + 3)
        self.state.parts |= {"head": self.head, "head_optimizer": self.head_optimizer, "memory": self.memory}
        self.state.streams["negatives"] = self.negatives
        self.whole: Tensor
        """(B, D), features of the global view of a step."""
        self.latest: tuple[Tensor, Tensor]
        """(B, D) each, features of the local and the global view of a step."""
        self.best: tuple[Tensor, Tensor]
        """Those of the step of the lowest loss."""

    @classmethod
    def asked_each_step(cls, config: Any) -> int:
        """Return how often the teacher is asked about a batch in a step of its synthesis: about each of its views."""
        return 2 if config.contrastive_weight else 1

    def synthesise(self) -> tuple[Batch, Metrics]:
        """Optimise a fresh generator and z, and remember the features of what came of it."""
        config = self.config
        restart(self.generator, self.begun, self.views)
        canvas = Latent(self.generator, config.synthesis_size, self.rng)
        parameters = [p for p in self.generator.parameters() if p.requires_grad]
        optimizer = generator_adam([{"params": [*parameters, canvas.z], "lr": config.generator_lr}])
        x, metrics = self.invert(canvas, optimizer)
        if config.contrastive_weight:
            require_finite(self.head_optimizer, "head's")
            self.memory.add(*self.best)
        return x, metrics

    def view(self, x: Batch) -> Batch:
        """Return the global view: images shifted and mirrored, other samples as they are."""
        return shifted(x, self.views) if self.shows_images else x

    def answer(self, x: Batch) -> Tensor:
        """Ask about the global view, and note its features."""
        with self.features.measure() as found:
            logits = super().answer(x)
        self.whole = self.features.of(found, logits)
        return logits

    def of_batch(self, inverted: Inverted) -> dict[str, Tensor]:
        """Return the contrastive term, a weighted scalar; the teacher is asked about the local view."""
        config = self.config
        if not config.contrastive_weight:
            return {}
        with self.features.measure() as found:
            logits = self.teacher(local_view(inverted.batch.x, self.views)).logits
        local = self.features.of(found, logits)
        self.latest = local.detach(), self.whole.detach()
        loss = self.contrast(local, self.whole)
        return {"loss/contrastive": config.contrastive_weight * loss}

    def contrast(self, local: Tensor, whole: Tensor) -> Tensor:
        """Return InfoNCE of local and global features, (B, D) each, among themselves and some of the memory."""
        count = len(local)
        if len(self.memory):
            kept_local, kept_whole = self.memory.draw(self.config.negatives, self.negatives)
            local, whole = torch.cat([local, kept_local]), torch.cat([whole, kept_whole])
        local, whole = (nn.functional.normalize(self.head(features), dim=1) for features in (local, whole))
        losses = info_nce(local, whole, self.config.contrastive_temperature)
        return losses[:count].mean() + (losses[count:].mean() if len(losses) > count else 0.0)

    def improved(self, inverted: Inverted) -> None:
        """Note the features of the best batch."""
        if self.config.contrastive_weight:
            self.best = self.latest

    def descend(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Take a step of generator and z, and one of the head on the same loss."""
        if not self.config.contrastive_weight:
            super().descend(loss, optimizer)
            return
        parameters = list(self.head.parameters())
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        super().descend(loss, optimizer)
        step_along(parameters, gradients, self.head_optimizer)


def info_nce(local: Tensor, whole: Tensor, temperature: float) -> Tensor:
    """Return how well each local view finds its global one among all, -log softmax: unit vectors (n, H) each -> (n,).

    The global view is what is sought: no gradient flows through it.
    """
    similarity = local @ whole.detach().T / temperature
    return nn.functional.cross_entropy(similarity, torch.arange(len(local), device=local.device), reduction="none")
