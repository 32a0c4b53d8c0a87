"""Model inversion: pseudo-samples are optimised until the teacher believes in them, kept, and learned from.

What DeepInversion, CMI and Fast have in common. An iteration is a synthesis and student steps:

    z, targets -> x -> CE(T(x), targets) + statistics + adversary -> steps on z, the generator or x -> memory bank

A synthesis optimises what a `Canvas` holds: the pixels of images, or a generator's z, with or without its parameters.
A generator's random stream is where it was at every step, so that x is a function of what is optimised.

Shapes: B pseudo-samples, K classes, Z latent size.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from zskt.bn_statistics import BatchStatistics, require_normalisations, unfolded
from zskt.checkpoint import TrainState
from zskt.contracts import Batch, PseudoBatch
from zskt.errors import UserError
from zskt.forward import CountedTeacher, evaluating
from zskt.generator import Generator
from zskt.losses import generator_loss
from zskt.methods.bank import Bank
from zskt.methods.canvas import Canvas, Latent
from zskt.methods.inversion_settings import InversionConfig
from zskt.methods.method import Method, Metrics, Setup
from zskt.methods.student import (
    StudentStep,
    as_numbers,
    ema_of,
    init_from_teacher,
    require_gradient,
    student_terms,
    trainable,
)
from zskt.optim import OPTIMIZERS, StudentSchedule, require_finite, step
from zskt.parallel.ranks import world
from zskt.replay import ReplayBuffer
from zskt.synthesis import adversarial, require_one_choice, target_cross_entropy


@dataclass
class Inverted:
    """One batch on its way: what it is and what the teacher answers to it, with graph."""

    batch: PseudoBatch
    x: Batch
    """Its samples as the teacher saw them, augmented."""
    logits: Tensor
    """(B, K)"""
    targets: Tensor
    """(B,)"""


class Inversion(Method):
    """What inversion methods share: the loss, the loop over it, the memory bank, the student. They differ in what they
    optimise and what they add."""

    needs_generator = True
    needs_data = False
    takes_prior = True
    name: str
    """As the command line calls it, for messages."""
    paints: ClassVar[bool] = False
    """Whether images are optimised themselves, whatever draws them at the beginning."""
    config: InversionConfig

    def __init__(self, config: Any, setup: Setup) -> None:
        assert setup.generator is not None and setup.pair.teacher is not None
        if world().size > 1:
            raise UserError(f"{self.name}: optimises one batch as a whole, in one process; start it with one")
        require_one_choice(setup.pair, self.name)
        if config.synthesis_warmup >= config.iterations:
            raise UserError(
                f"synthesis_warmup is {config.synthesis_warmup}, but there are {config.iterations} iterations, after "
                "which no student would have learned; take fewer or more of them"
            )
        self.config, self.pair, self.generator, self.device = config, setup.pair, setup.generator, setup.device
        pair, seed = setup.pair, setup.seed
        if config.init_from_teacher:
            init_from_teacher(pair)
        self.rng, self.views, replay = (torch.Generator(setup.device).manual_seed(4 * seed + i) for i in range(3))
        optimizer = OPTIMIZERS[config.student_optimizer](
            trainable(pair.student), config.student_lr, config.weight_decay
        )
        samples, average = ReplayBuffer(config.bank_size, setup.device), ema_of(pair.student, config.ema_decay)
        self.state = TrainState(
            parts={"student": pair.student, "student_optimizer": optimizer, "bank": samples},
            streams={"latent": self.rng, "views": self.views, "replay": replay},
            device=setup.device,
        )
        if average is not None:
            self.state.parts["average"] = average
        self.state.parts["generator"] = setup.generator
        self.terms = student_terms(config, pair)
        self.student_step = StudentStep(pair, self.terms, self.state, optimizer, config.max_grad_norm, average)
        self._observe_teacher()
        samples_seen = probe(setup.generator, setup.device)
        self.shows_images = is_image(samples_seen)
        if not (self.paints and self.shows_images):
            self._require_way()
        with torch.no_grad(), evaluating(pair.student):
            self.classes = pair.ask_student(samples_seen).logits.shape[1]
            """K: as many as the teacher has, which would count the question."""
        augment = config.augment if self.shows_images else "none"
        teacher = CountedTeacher(pair, self.state)
        self.bank = Bank(
            samples,
            teacher,
            self.student_step,
            replay,
            config.batch_size,
            augment,
            config.bank_balance,
            config.cutmix,
            config.mixup,
        )
        if setup.prior is None:
            config.tell_unused("there is no prior", "prior_share", chosen=setup.chosen)
        self.prior, self.prior_rng = setup.prior, torch.Generator(setup.device).manual_seed(4 * seed + 3)
        if self.prior is not None:
            self.state.streams["prior"] = self.prior_rng
        self.schedule = StudentSchedule(
            iterations=config.iterations - config.synthesis_warmup,
            student_steps=config.student_steps,
            lr=config.student_lr,
            growth=config.step_growth,
            warmup=config.warmup,
        )

    def _observe_teacher(self) -> None:
        """Choose the form of the teacher that is inverted: its statistics are looked at if they count."""
        teacher, weight = self.pair.teacher, self.config.bn_weight
        assert teacher is not None
        if weight:
            teacher = unfolded(teacher)
        self.observed = replace(self.pair, teacher=teacher)
        self.teacher = CountedTeacher(self.observed, self.state)
        self.statistics = BatchStatistics(
            teacher if weight else nn.Identity(), self.config.statistics_memory, self.config.bn_distance
        )
        self.state.parts["statistics"] = self.statistics
        if weight:
            require_normalisations(self.statistics.layers, "bn_weight", weight)

    @classmethod
    def asked_each_step(cls, config: Any) -> int:
        """Return how often the teacher is asked about a batch in a step of its synthesis."""
        return 1

    @classmethod
    def queries_of_synthesis(cls, config: Any, *, prior: bool) -> int:
        """Return how many samples a synthesis asks about, with those of a prior beside it, if there is one."""
        shown = config.synthesis_steps * cls.asked_each_step(config) + (config.targets == "own") + 1  # the bank's
        return int(shown * config.synthesis_size + (prior_count(config, config.synthesis_size) if prior else 0))

    @classmethod
    def queries_of(cls, config: Any, setup: Setup | None = None) -> int | None:
        """Return what all syntheses ask about, and B for each student step on samples that are asked about again."""
        asked = config.iterations * cls.queries_of_synthesis(
            config, prior=setup is not None and setup.prior is not None
        )
        terms = () if setup is None else student_terms(config, setup.pair)
        again = bool(config.cutmix or config.mixup or not all(term.cacheable for term in terms))
        if not again and config.augment != "none" and setup is not None and setup.generator is not None:
            again = is_image(probe(setup.generator, setup.device))
        steps = config.student_steps * max(config.iterations - config.synthesis_warmup, 0)
        return int(asked + again * steps * config.batch_size)

    @property
    def queries_before_learning(self) -> int:
        """The syntheses of the warm-up and the first one behind it; 0 where batches are of any size."""
        config = self.config
        if self.generator.acceptance < 1:
            return 0
        synthesis = self.queries_of_synthesis(config, prior=self.prior is not None)
        return (config.synthesis_warmup + 1) * synthesis + (config.batch_size if self.bank.asks_again else 0)

    def _require_way(self) -> None:
        """Raise `UserError` if samples have no gradient by what is optimised, as those of a simulation."""
        with evaluating(self.generator), torch.enable_grad():
            batch, _ = Latent(self.generator, 2, torch.Generator(self.device).manual_seed(0)).draw()
        if not any(t.requires_grad for t in batch.x):
            raise UserError(
                f"{self.name}: optimises the z of a generator, by which the samples of this one have no gradient; take "
                "another --generator, or --method prior-only"
            )

    def run(self) -> Iterator[Metrics]:
        """Synthesise a batch and let the student learn, to the last iteration."""
        config, state, schedule = self.config, self.state, self.schedule
        while state.step < config.iterations:
            with evaluating(self.pair.student):
                x, measured = self.synthesise()
            self.statistics.update()
            self.bank.add(x)
            if self.prior is not None:
                self.bank.add(self._of_prior(self.prior, len(x[0])))
            metrics: Metrics = dict(measured)
            now = max(0, state.step - config.synthesis_warmup)
            learns = state.step >= config.synthesis_warmup
            begin, end = schedule.steps_until(now), schedule.steps_until(now + 1) if learns else 0
            for _ in range(begin, end):
                loss, answer, output = self.bank.step(schedule.rate(begin, end))
            if begin < end:
                metrics |= self.student_step.metrics(loss, answer.logits, output.logits)
                metrics["rate/student"] = schedule.rate(begin, end)
            metrics["bank"] = float(len(self.bank))
            state.step += 1
            yield metrics

    @torch.no_grad()
    def _of_prior(self, prior: Generator, synthesised: int) -> Batch:
        """Draw samples of the run's prior, as many as its share asks for beside those that were synthesised."""
        return prior.sample(prior_count(self.config, synthesised), self.prior_rng).x

    @abstractmethod
    def synthesise(self) -> tuple[Batch, Metrics]:
        """Make a batch, (B, ...) each, without graph; the batch, and what to log."""

    def invert(self, canvas: Canvas, optimizer: torch.optim.Optimizer) -> tuple[Batch, Metrics]:
        """Optimise what a canvas holds; the batch of the lowest loss, without graph, and what to log."""
        targets, lowest = self.targets_of(canvas), torch.inf
        kept: Batch = ()
        for _ in range(self.config.synthesis_steps):
            batch, rows = canvas.draw()
            loss, parts, inverted = self.loss(batch, targets[rows])
            value = float(loss.detach())
            if not kept or value < lowest:
                kept, lowest = tuple(t.detach().clone() for t in batch.x), value
                self.improved(inverted)
            self.descend(loss, optimizer)
            self.stepped(canvas)
        require_finite(optimizer, "generator's")
        if batch.component is not None:
            self.generator.update(batch.component, -parts["loss/samples"].detach())
        numbers = as_numbers({name: part.mean() for name, part in parts.items()})
        return kept, {"loss/lowest": lowest, **numbers}

    def improved(self, inverted: Inverted) -> None:
        """Look at a batch whose loss is lower than those of its synthesis before."""

    def descend(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Take a step."""
        step(loss, optimizer)

    def stepped(self, canvas: Canvas) -> None:
        """Look at a canvas behind a step; its parameters have the gradient of the step."""

    @torch.no_grad()
    def targets_of(self, canvas: Canvas) -> Tensor:
        """Choose the class that each row of a canvas is to show, (B,) of int64."""
        if self.config.targets == "own":
            batch, rows = canvas.draw()
            targets = torch.zeros(canvas.rows, dtype=torch.int64, device=self.device)
            targets[rows] = self.teacher(batch.x).logits.argmax(-1)
            return targets
        return torch.randint(self.classes, (canvas.rows,), generator=self.views, device=self.device)

    def loss(self, batch: PseudoBatch, targets: Tensor) -> tuple[Tensor, dict[str, Tensor], Inverted]:
        """Return what a step goes down, its parts by name, and the batch as the teacher saw it; targets (B,)."""
        x = self.view(batch.x)
        with self.statistics.measure() as distances:
            logits = self.answer(x)
        inverted = Inverted(batch, x, logits, targets)
        samples = self.of_samples(inverted)
        parts = {"loss/samples": samples, **self.of_batch(inverted)}
        penalties = [part for name, part in parts.items() if name != "loss/samples"]
        if distances:
            parts["loss/bn"] = torch.stack(distances).sum()
            penalties.append(self.config.bn_weight * parts["loss/bn"])
        penalties += [] if batch.penalty is None else [batch.penalty]
        penalty = torch.stack(penalties).sum() if penalties else None
        return generator_loss(-samples, batch.log_prob, penalty), parts, inverted

    def answer(self, x: Batch) -> Tensor:
        """Ask the teacher, with a graph to x: its logits (B, K)."""
        answer = self.teacher(x)
        require_gradient(answer)
        return answer.logits

    def view(self, x: Batch) -> Batch:
        """Return the samples as the teacher is shown them: an augmentation with a gradient."""
        return x

    def of_samples(self, inverted: Inverted) -> Tensor:
        """Return the loss of each sample, (B,): cross-entropy and the masked adversary."""
        config = self.config
        loss = config.one_hot_weight * target_cross_entropy(inverted.logits, inverted.targets)
        if config.adversarial_weight and self.state.step >= config.synthesis_warmup:
            student = self.pair.ask_student(inverted.x).logits
            loss = loss + config.adversarial_weight * adversarial(inverted.logits, student, masked=True)
        return loss

    def of_batch(self, inverted: Inverted) -> dict[str, Tensor]:
        """Return further parts of the loss, weighted scalars by name."""
        return {}

    @property
    def result(self) -> nn.Module:
        """The student that the run leaves."""
        return self.student_step.result


@torch.no_grad()
def probe(generator: Generator, device: torch.device) -> Batch:
    """Draw two samples from a stream of their own, to see what they are."""
    with evaluating(generator):
        return generator.sample(2, torch.Generator(device).manual_seed(0)).x


def prior_count(config: InversionConfig, synthesised: int) -> int:
    """Return how many samples of a run's prior join the bank beside those that were synthesised."""
    return max(1, round(synthesised * config.prior_share / (1 - config.prior_share)))


def is_image(x: Batch) -> bool:
    """Whether samples are images, ((B, C, H, W),)."""
    return len(x) == 1 and x[0].dim() == 4
