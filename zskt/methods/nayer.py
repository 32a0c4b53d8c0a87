"""Noisy layer data generation (NAYER): vectors of class names in, a noisy layer, a generator that never lives long.

M.-T. Tran et al., "NAYER: Noisy layer data generation for efficient and effective data-free knowledge distillation",
arXiv:2310.00258. Each round synthesises a few batches, each of them by a noisy layer
of its own in some tens of steps, adds the best of each to a memory bank, and lets the student learn from the bank. The
generator goes down the cross-entropy with the classes that were asked for, the statistics of the teacher's batch
normalisations, with a memory of earlier batches, and a masked adversary. Weights, rates and lengths are those of the
published code for CIFAR-10.

The vectors come from `zskt.methods.class_vectors` in place of CLIP's, which do not ship. A generator that has
components (the shower of jets) draws them by class, too, as it has learned from the teacher's answers.

Shapes: B batch, K classes, n latent variables of a batch, Z latent size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zskt.contracts import Batch, PseudoBatch
from zskt.forward import evaluating
from zskt.generator import balanced_labels, is_trainable
from zskt.images.augment import AUGMENTATIONS, augmented
from zskt.methods.bank import Bank
from zskt.methods.class_vectors import class_vectors, orthogonal_vectors
from zskt.methods.generative import Asked, Generative, GenerativeConfig
from zskt.methods.method import Metrics, Setup, trains
from zskt.methods.noisy_layer import NoisyLayers, standardised
from zskt.methods.restart import restart
from zskt.methods.student import as_numbers
from zskt.optim import SCHEDULES, adam, require_finite, step
from zskt.parallel.collectives import mean, own, share_of, whole
from zskt.parallel.ranks import world
from zskt.replay import ReplayBuffer
from zskt.settings import sample_count, setting
from zskt.synthesis import adversarial, require_one_choice, target_cross_entropy
from zskt.terms import KL


@dataclass(frozen=True, kw_only=True)
class NAYERConfig(GenerativeConfig):
    """Settings of NAYER. Losses are in nats per example."""

    iterations: int = setting(320, minimum=1)
    """Rounds: a synthesis, then, after the warm-up, student steps. 120, 220 or 320 in the paper, with the warm-up."""
    synthesis_warmup: int = setting(20, minimum=0)
    """Rounds at the beginning that fill the bank: no adversary, no student steps."""
    batch_size: int = sample_count(512)
    """B: samples of a student step."""
    synthesis_batch_size: int = sample_count(400)
    """Samples that are synthesised at once, all classes alike often."""
    warmup_loops: int = setting(10, minimum=1)
    """Batches that a round of the warm-up synthesises."""
    loops: int = setting(2, minimum=1)
    """Batches that a later round synthesises, each by a noisy layer of its own."""
    generator_steps: int = setting(30, minimum=1)
    """Steps of noisy layer and generator for each batch."""
    generator_life: int = setting(10, minimum=1)
    """Rounds after which the generator begins anew, counted from the first one."""
    generator_lr: float = setting(4e-3, minimum=0)
    """Learning rate of the Adam of noisy layer and generator, a new one for each batch."""
    generator_schedule: str = setting("constant", choices=("constant",))
    """Other methods' generators have one Adam for the whole run, whose rate may fall; here there is none."""
    student_steps: int = setting(400, minimum=1)
    """Student steps of a round, on samples of the bank."""
    student_lr: float = setting(0.2, minimum=0)
    """Learning rate of the student after the warm-up."""
    weight_decay: float = setting(1e-4, minimum=0)
    """Weight decay of the student, decoupled for "adamw"."""
    bank_size: int = setting(65_536, minimum=1, maximum=2**24)
    """Samples that the memory bank keeps, the latest ones; the published code keeps all."""
    one_hot_weight: float = setting(0.5, minimum=0)
    """Weight of the cross-entropy with the classes that are asked for."""
    bn_weight: float = setting(10.0, minimum=0)
    """Weight of the distance of a batch's statistics from those of the teacher's batch normalisations."""
    bn_momentum: float = setting(0.9, minimum=0, below=1)
    """Share of earlier batches in those statistics."""
    adversarial_weight: float = setting(1.33, minimum=0)
    """Weight of KL(T || S) where both have the same top class, which the generator maximises after the warm-up."""
    temperature: float = setting(20.0, above=0)
    """Temperature of both softmaxes in the student's KL(T || S); the adversary's is 1."""
    augment: str = setting("shift-mirror", choices=tuple(AUGMENTATIONS), domains=("images",))
    """Augmentation of images, in the synthesis and of what the student sees; the teacher is then queried again in each
    student step. Other samples are left as they are."""
    text_embeddings: str = setting("names", choices=("names", "random", "learned"))
    """What the generator is fed for a class: the vector of its name; a random one, at right angles to the others (the
    paper's ablation); or, without a noisy layer, a learned vector beside a random z."""

    @property
    def iterations_before_learning(self) -> int:
        """Return the length of the warm-up."""
        return self.synthesis_warmup


class NAYER(Generative):
    """Feeds vectors of class names through a layer that is drawn anew for each batch."""

    Config = NAYERConfig
    name = "nayer"
    student_evaluates = True

    def __init__(self, config: NAYERConfig, setup: Setup) -> None:
        assert setup.generator is not None and setup.pair.teacher is not None
        require_one_choice(setup.pair, self.name)
        share_of(config.synthesis_batch_size, "synthesis_batch_size")
        share_of(config.bank_size, "bank_size")
        if config.text_embeddings == "learned" or not setup.generator.embeds_classes:
            setup.generator.condition(_classes(setup))
        super().__init__(
            config,
            setup,
            (KL(temperature=config.temperature),),
            bn_weight=config.bn_weight,
            bn_momentum=config.bn_momentum,
            lasts=False,  # each batch has an optimiser of its own
        )
        self.warmup = min(config.synthesis_warmup, config.iterations - 1)
        self.image_augment = config.augment if _shows_images(setup) else "none"
        state = setup.generator.state_dict()
        # What has been learned of classes stays.
        self.begun = {name: t.clone() for name, t in state.items() if not name.endswith(setup.generator.class_tensor)}
        self.vectors = self._vectors(setup)
        bank_rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 1)
        samples = ReplayBuffer(config.bank_size, setup.device)
        self.bank = Bank(samples, self.teacher, self.student_step, bank_rng, config.batch_size, self.image_augment)
        self.state.parts["bank"], self.state.streams["bank"] = samples, bank_rng

    def _vectors(self, setup: Setup) -> Tensor | None:
        """Return what the noisy layer is fed, (K, E); None where there is no such layer."""
        how = self.config.text_embeddings
        if how == "learned" or not is_trainable(self.generator):
            return None
        names = setup.classes
        if how == "names" and names:
            jets = getattr(setup.inputs, "domain", "") == "jets"
            return standardised(class_vectors(names, jets)).to(setup.device)
        rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 2)
        return standardised(orthogonal_vectors(_classes(setup), rng))

    @classmethod
    def queries_of(cls, config: Any, setup: Setup | None = None) -> int | None:
        """Return what all syntheses ask about, and B for each student step on images that are augmented."""
        warmup = min(config.synthesis_warmup, config.iterations - 1)
        learning = config.iterations - warmup
        shown = (config.generator_steps if trains(setup) else 1) + 1  # to the bank, once more
        asked = (warmup * config.warmup_loops + learning * config.loops) * shown * config.synthesis_batch_size
        again = config.augment != "none" and setup is not None and _shows_images(setup)
        return int(asked + again * learning * config.student_steps * config.batch_size)

    @property
    def queries_before_learning(self) -> int:
        """The syntheses of the warm-up and of the round behind it; 0 where batches are of any size."""
        config = self.config
        if self.generator.acceptance < 1:
            return 0
        shown = (config.generator_steps if is_trainable(self.generator) else 1) + 1  # to the bank, once more
        batches = self.warmup * config.warmup_loops + config.loops
        again = config.batch_size if self.bank.asks_again else 0
        return int(batches * shown * config.synthesis_batch_size + again)

    def run(self) -> Iterator[Metrics]:
        """Synthesise, and after the warm-up let the student learn from the bank, a round after the other."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            now, warm = state.step, state.step >= self.warmup
            if now % config.generator_life == 0:
                restart(self.generator, self.begun, self.rng)
            for _ in range(config.loops if warm else config.warmup_loops):
                measured = self.synthesise(adversary=warm and bool(config.adversarial_weight))
            if warm:
                for _ in range(config.student_steps):
                    loss, answer, output = self.bank.step(self.student_rate)
                metrics = self.metrics((loss, answer, output), measured)
            else:
                metrics = as_numbers(measured)
            state.step += 1
            yield metrics

    @property
    def student_rate(self) -> float:
        """Learning rate of the student, whose fall begins after the warm-up."""
        config, now = self.config, max(self.state.step - self.warmup, 0)
        rate: float = config.student_lr * SCHEDULES[config.schedule](now, config.iterations - self.warmup)
        return rate

    def synthesise(self, *, adversary: bool) -> dict[str, Tensor]:
        """Train a new noisy layer and the generator for a batch, and keep the best samples; what to log of them."""
        config = self.config
        labels, noisy = self._begin()
        parameters = [p for module in (noisy, self.generator) if module is not None for p in module.parameters()]
        parameters = [p for p in parameters if p.requires_grad]
        optimizer = adam(parameters, config.generator_lr, (0.5, 0.999)) if parameters else None
        best: Batch = ()
        lowest = math.inf
        for _ in range(config.generator_steps if optimizer else 1):
            batch = self._samples(labels, noisy)
            x = batch.x
            loss, asked = self.judge(batch._replace(x=self._augmented(x)), asks_student=adversary)
            cost = float(mean(loss.detach()))
            if cost < lowest:
                lowest, best = cost, tuple(t.detach() for t in x)
            if optimizer is not None:
                step(loss, optimizer, config.max_grad_norm)
        if optimizer is not None:
            require_finite(optimizer, "generator's")
        self.statistics.update()
        self.bank.add(best)
        hit = (asked.teacher.argmax(-1) == asked.targets).float().mean()
        return {"loss/generator": loss.new_tensor(lowest), "asked/generator": hit}

    def _begin(self) -> tuple[Tensor, NoisyLayers | None]:
        """Draw labels of n latent variables of all ranks, and a noisy layer for them, if there is one."""
        count = math.ceil(share_of(self.config.synthesis_batch_size) / self.generator.acceptance) * world().size
        if self.vectors is None:
            classes = self.generator.n_classes or 1
            return balanced_labels(classes, count, self.rng), None
        labels = balanced_labels(len(self.vectors), count, self.rng)
        return labels, NoisyLayers(self.vectors, count, self.generator.latent_size, self.rng)

    def _samples(self, labels: Tensor, noisy: NoisyLayers | None) -> PseudoBatch:
        """Draw pseudo-samples of these classes, whose labels they carry where it is known."""
        count, asks = self.config.synthesis_batch_size, bool(self.generator.n_classes)
        if noisy is None:
            return self.generator.sample(count, self.rng, labels if asks else None)
        rows = torch.arange(len(labels), device=labels.device)
        z = noisy(own(labels), own(rows))
        return self.generator.sample(count, self.rng, labels, latent=(z,))

    def _augmented(self, x: Batch) -> Batch:
        """Augment images."""
        if self.image_augment == "none":
            return x
        return (own(augmented(whole(x[0]), self.image_augment, self.rng)),)

    def losses(self, asked: Asked) -> Tensor:
        """Return cross-entropy and adversary of each sample: (B,)."""
        config = self.config
        losses: Tensor = config.one_hot_weight * target_cross_entropy(asked.teacher, asked.targets)
        if asked.student is not None:
            losses = losses + config.adversarial_weight * adversarial(asked.teacher, asked.student, masked=True)
        return losses


def _shows_images(setup: Setup) -> bool:
    """Whether the samples of a run are images."""
    inputs = setup.inputs or getattr(setup.generator, "inputs", None)
    return getattr(inputs, "domain", "") == "images"


def _classes(setup: Setup) -> int:
    """Return K: as many as there are names, or as the student, like its teacher, answers to two pseudo-samples."""
    if setup.classes:
        return len(setup.classes)
    assert setup.generator is not None and setup.pair.teacher is not None
    with torch.no_grad(), evaluating(setup.generator, setup.pair.student):
        x = setup.generator.sample(2 * world().size, torch.Generator(setup.device).manual_seed(0)).x
        return setup.pair.ask_student(x).logits.shape[-1]
