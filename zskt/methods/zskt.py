"""Zero-shot knowledge transfer (ZSKT): a generator and a student play over a frozen teacher's answers.

P. Micaelli and A. Storkey, "Zero-shot knowledge transfer via adversarial belief matching", arXiv:1905.09768,
Algorithm 1, which `ZSKT.run` follows line by line. What is ours beside it is a setting. Two are on by default: replay
of earlier pseudo-samples, and student steps on the very samples of the generator's step; ``replay_fraction=0`` and
``reuse_generator_batch=False`` are the algorithm as published. The others are off: student steps that grow with their
number, further terms of the generator's reward.

Shapes: B batch, Z latent size, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from zskt.bn_statistics import capture_bn_statistics, normalisations, require_normalisations, unfolded
from zskt.checkpoint import TrainState
from zskt.contracts import Batch, PseudoBatch
from zskt.cuda_graphs import Replayed, is_replayable
from zskt.forward import CountedTeacher, Output
from zskt.generator import is_trainable
from zskt.losses import ascend, class_information, divergence, entropy, generator_loss, value_distance
from zskt.methods.asking import drawn_for, least_certain, require_no_training
from zskt.methods.method import Method, Metrics, Setup, trains
from zskt.methods.student import (
    StudentStep,
    altered,
    alters,
    as_numbers,
    ema_of,
    init_from_teacher,
    require_gradient,
    student_terms,
    trainable,
)
from zskt.methods.student_settings import RegressingStudentConfig
from zskt.optim import StudentSchedule, adam, adamw, cosine, require_finite, set_rate, step
from zskt.parallel.collectives import own, share_of, whole
from zskt.replay import ReplayBuffer, mixed
from zskt.settings import sample_count, setting


@dataclass(frozen=True, kw_only=True)
class ZSKTConfig(RegressingStudentConfig):
    """Settings of zero-shot knowledge transfer. Losses are in nats per example."""

    iterations: int = setting(400, minimum=1)
    """N of Algorithm 1: pseudo-batches, each with a generator step and student steps."""
    batch_size: int = sample_count(128)
    """B: pseudo-samples an iteration, and samples a student step."""
    student_steps: int = setting(10, minimum=1)
    """n_S: student steps an iteration, on average over the run."""
    step_growth: float = setting(0.0, minimum=0)
    """Student steps of iteration i go with i^step_growth. 0 is Algorithm 1; 1 follows the number of samples that there
    are to replay, so that early ones are not learned by heart before there are others."""
    generator_every: int = setting(1, minimum=0)
    """Iterations from one generator step to the next; 0 never takes one."""
    reuse_generator_batch: bool = setting(True)
    """If True, the student learns from the very samples of the generator step, whose answers are there already. If
    False, the batch is made again from the same z after the generator step, and the teacher is queried again
    (Algorithm 1)."""
    resample_each_step: bool = setting(False)
    """If True, each student step draws a new z and queries the teacher again."""
    replay_fraction: float = setting(0.5, minimum=0, below=1)
    """Share of each student batch that comes from earlier pseudo-batches."""
    replay_size: int = setting(65536, minimum=1, maximum=2**24)
    """Pseudo-samples that are kept for replay, the latest ones."""
    replay_balance: float = setting(0.0, minimum=0, maximum=2)
    """Replay draws a sample with probability ~ (frequency of its class among the teacher's answers)^-replay_balance."""
    ask_share: float = setting(1.0, minimum=0.01, maximum=1)
    """Share of the pseudo-samples that the teacher is asked about: those of which the student is least certain. The
    others are dropped, so that more are drawn. For generators that are not trained."""
    class_entropy_weight: float = setting(0.0, minimum=0)
    """Weight of the entropy of the teacher's mean class probabilities in the generator's reward: it rewards batches
    in which all classes occur."""
    confidence_weight: float = setting(0.0, minimum=0)
    """Weight of the teacher's prediction entropy that is taken off the generator's reward."""
    perturbation_radius: float = setting(0.0, minimum=0, domains=("images",))
    """Largest distance by which each pseudo-image is moved along the gradient of KL(T || S) in normalised pixels before
    the student learns from it: an adversary without parameters, beside the generator's or instead of it. The teacher is
    queried before and after the move."""
    bn_statistics_weight: float = setting(0.0, minimum=0)
    """Penalty on pseudo-samples whose means and variances differ from those of the teacher's batch normalisations."""
    student_lr: float = setting(2e-3, minimum=0)
    """Learning rate of the student's AdamW; falls to 0 by a cosine over the run, like the generator's."""
    warmup: float = setting(0.0, minimum=0, maximum=1)
    """Share of the student's steps in which its rate rises to that cosine: too high a rate at first leaves dead ReLU
    units."""
    generator_lr: float = setting(1e-3, minimum=0)
    """Learning rate of the generator's Adam."""
    weight_decay: float = setting(0.0, minimum=0)
    """Decoupled weight decay of the student (AdamW)."""


class ZSKT(Method):
    """The generator seeks samples on which teacher and student disagree; the student learns to agree (Algorithm 1)."""

    Config = ZSKTConfig
    needs_generator = True
    needs_data = False

    def __init__(self, config: ZSKTConfig, setup: Setup) -> None:
        assert setup.generator is not None
        share_of(config.batch_size)
        require_no_training(setup.generator, config.generator_every, config.ask_share)
        self.config, self.pair, self.generator = config, setup.pair, setup.generator
        pair, generator, device, seed = setup.pair, setup.generator, setup.device, setup.seed
        if config.init_from_teacher:
            init_from_teacher(pair)
        self.terms = student_terms(config, pair)
        self.observed = pair.teacher
        """The teacher, in the form that still has its normalisations where these are looked at."""
        if config.bn_statistics_weight and pair.teacher is not None:
            self.observed = unfolded(pair.teacher)
            layers = normalisations(self.observed)
            require_normalisations(layers, "bn_statistics_weight", config.bn_statistics_weight)
        self.cacheable = [term for term in self.terms if term.cacheable]
        self.schedule = StudentSchedule(
            iterations=config.iterations,
            student_steps=config.student_steps,
            lr=config.student_lr,
            growth=config.step_growth,
            warmup=config.warmup,
        )
        optimizer = adamw(trainable(pair.student), config.student_lr, config.weight_decay)
        if config.replay_fraction:
            share_of(config.replay_size, "replay_size")
        self.replay, average = ReplayBuffer(config.replay_size, device), ema_of(pair.student, config.ema_decay)
        # Streams are drawn where they are used, so that a GPU need not wait for the CPU.
        self.latent_rng = torch.Generator(device).manual_seed(4 * seed)
        self.replay_rng = torch.Generator(device).manual_seed(4 * seed + 1)
        self.state = TrainState(
            parts={"student": pair.student, "student_optimizer": optimizer, "replay": self.replay},
            streams={"latent": self.latent_rng, "replay": self.replay_rng},
            device=device,
        )
        if average is not None:
            self.state.parts["average"] = average
        self.state.parts["generator"] = generator
        self.generator_optimizer: torch.optim.Optimizer | None = None
        if is_trainable(generator):
            self.generator_optimizer = adam(list(generator.parameters()), config.generator_lr)
            self.state.parts["generator_optimizer"] = self.generator_optimizer
        self.student_step = StudentStep(pair, self.terms, self.state, optimizer, config.max_grad_norm, average)
        self.teacher = CountedTeacher(pair, self.state)
        networks = (generator, pair.teacher, pair.student)
        self.climb = Replayed(self._climb, allowed=device.type == "cuda" and all(map(is_replayable, networks)))

    @classmethod
    def queries_of(cls, config: ZSKTConfig, setup: Setup | None = None) -> int | None:
        """Return B for each batch that is drawn, for each step of a generator that is trained, and for what is asked
        again: images that are moved or altered, and layers."""
        n, steps = config.iterations, config.iterations * config.student_steps
        drawn = 2 if config.perturbation_radius else 1
        moves = math.ceil(n / config.generator_every) if config.generator_every and trains(setup) else 0
        kept = 2 * bool(config.perturbation_radius) if config.reuse_generator_batch else drawn
        batches = moves * (1 + kept) + (n - moves) * drawn
        if config.resample_each_step:
            batches += drawn * (steps - _iterations_with_steps(config))
        terms = () if setup is None else student_terms(config, setup.pair)
        if alters(config) or not all(term.cacheable for term in terms):
            batches += steps
        return config.batch_size * batches

    def run(self) -> Iterator[Metrics]:
        """Play Algorithm 1 to its last iteration, and yield what each iteration has to log."""
        config, state, schedule = self.config, self.state, self.schedule
        while state.step < config.iterations:  # line 1
            measured: dict[str, Tensor] = {}
            # Lines 2 to 5: z ~ N(0, 1), x = G(z); the generator goes up the gradient of KL(T(x) || S(x)).
            if self.generator_optimizer and config.generator_every and state.step % config.generator_every == 0:
                batch, target, measured = self.generator_step()
                if not config.reuse_generator_batch:
                    batch, target = self.sample(batch.latent)
                elif config.perturbation_radius:
                    batch, target = self.perturb(batch)
            else:
                batch, target = self.sample()
            if config.replay_fraction:
                self.replay.add(batch.x, target)
            # Lines 6 to 10: the student goes down the gradient of KL(T(x) || S(x)) and the attention match.
            begin, end = schedule.steps_until(state.step), schedule.steps_until(state.step + 1)
            for i in range(end - begin):
                if config.resample_each_step and i:
                    batch, target = self.sample()
                x, answer = self.augment_and_requery(*self.with_replay(batch.x, target))
                loss, output = self.student_step(x, answer, schedule.rate(begin, end))
            # Numbers are read here and nowhere above: a GPU has got all that it has to do until now.
            metrics: Metrics = {}
            if begin < end:  # at the very beginning, where the number of steps grows, there may be none
                learned = self.student_step.metrics(loss, answer.logits, output.logits)
                metrics = {**learned, "rate/student": schedule.rate(begin, end)}
            if self.generator_optimizer and measured:
                require_finite(self.generator_optimizer, "generator's")
                rate = config.generator_lr * cosine(state.step, config.iterations)
                metrics |= {**as_numbers(measured), "rate/generator": rate}
            state.step += 1
            yield metrics

    @property
    def result(self) -> torch.nn.Module:
        """The student that the run leaves."""
        return self.student_step.result

    def generator_step(self) -> tuple[PseudoBatch, Output, dict[str, Tensor]]:
        """Take a step with gradients to the generator only; the batch, the teacher's answer, and what to log."""
        config, optimizer = self.config, self.generator_optimizer
        assert optimizer is not None
        set_rate(optimizer, config.generator_lr * cosine(self.state.step, config.iterations))
        if self.climb.allowed:  # its z are all that it depends on
            batch, answer, kl, penalty = self.climb(self.generator.latent(config.batch_size, self.latent_rng))
        else:
            batch, answer, kl, penalty = self._climb()
        self.teacher.count(batch.x)
        measured = {"kl/generator": kl}
        return batch, answer, measured if penalty is None else measured | {"penalty/generator": penalty}

    def _climb(self, *latent: Tensor, key: None = None) -> tuple[PseudoBatch, Output, Tensor, Tensor | None]:
        """Move the generator; the batch, the teacher's answer, the mean KL(T || S), the penalty, all without graph."""
        config, optimizer = self.config, self.generator_optimizer
        assert optimizer is not None and self.observed is not None
        batch = self.generator.sample(config.batch_size, self.latent_rng, latent=latent)
        with capture_bn_statistics(self.observed if config.bn_statistics_weight else None) as mismatches:
            answer = self.pair.forward(self.observed, batch.x, self.cacheable)
        require_gradient(answer)
        reward, kl = self.reward(batch, answer)
        penalty = batch.penalty
        if mismatches:
            price = config.bn_statistics_weight * torch.stack(mismatches).mean()
            penalty = price if penalty is None else penalty + price
        step(generator_loss(reward, batch.log_prob, penalty), optimizer, config.max_grad_norm)
        batch = batch._replace(x=tuple(t.detach() for t in batch.x))
        return batch, answer.detach(), kl.detach().mean(), None if penalty is None else penalty.detach()

    def reward(self, batch: PseudoBatch, answer: Output) -> tuple[Tensor, Tensor]:
        """Return what the generator gets for each sample, (B,), and the part of it that is KL(T || S), (B,)."""
        config, scale = self.config, self.pair.regression_scale
        output = self.pair.ask_student(batch.x)
        kl = divergence(answer.logits, output.logits, config.temperature)
        reward = kl
        if scale is not None and config.regression_weight:
            distance = value_distance(answer, output, scale, self.pair.gaussians)
            reward = reward + config.regression_weight * distance
        if config.class_entropy_weight:
            reward = reward + config.class_entropy_weight * class_information(answer.logits)
        if config.confidence_weight:
            reward = reward - config.confidence_weight * entropy(answer.logits)
        if batch.component is not None:
            self.generator.update(whole(batch.component), whole(reward.detach()))
        return reward, kl

    @torch.no_grad()
    def sample(self, latent: tuple[Tensor, ...] = ()) -> tuple[PseudoBatch, Output]:
        """Draw pseudo-samples, from an earlier batch's z if one is given, and query the teacher."""
        config = self.config
        batch = self.generator.sample(drawn_for(config.batch_size, config.ask_share), self.latent_rng, latent=latent)
        if config.ask_share < 1:
            batch = least_certain(batch, self.pair.student, share_of(config.batch_size))
        if config.perturbation_radius:
            return self.perturb(batch)
        answer = self.teacher.query(batch.x, self.cacheable)
        if batch.component is not None and self.config.generator_every:
            self.reward(batch, answer)  # what the components were worth
        return batch, answer

    def perturb(self, batch: PseudoBatch) -> tuple[PseudoBatch, Output]:
        """Move each image by at most `ZSKTConfig.perturbation_radius` to where the student disagrees more."""
        (start,) = (t.detach().requires_grad_() for t in batch.x)
        with torch.enable_grad():
            answer = self.teacher((start,), self.cacheable)
            kl = divergence(answer.logits, self.pair.ask_student((start,)).logits, self.config.temperature)
            share = torch.rand(self.config.batch_size, generator=self.latent_rng, device=self.state.device)
            moved = ascend(start, kl, self.config.perturbation_radius * own(share))
        return batch._replace(x=(moved,)), self.teacher.query((moved,), self.cacheable)

    def with_replay(self, x: Batch, target: Output) -> tuple[Batch, Output]:
        """Mix new samples with earlier ones, by `ZSKTConfig.replay_fraction`; of several ranks each gets its share."""
        config = self.config
        return mixed(
            (x, target), config.batch_size, self.replay, config.batch_size,
            share=config.replay_fraction, balance=config.replay_balance, rng=self.replay_rng,
        )  # fmt: skip

    def augment_and_requery(self, x: Batch, target: Output) -> tuple[Batch, Output]:
        """Alter the batch, and query the teacher again where samples have changed or a term cannot be kept."""
        x = altered(x, self.config, self.replay_rng)
        if alters(self.config) or len(self.cacheable) < len(self.terms):
            target = self.teacher.query(x, self.terms)
        return x, target


def _iterations_with_steps(config: ZSKTConfig) -> int:
    """Count the iterations in which the student takes a step at all; the first ones may have none."""
    schedule = StudentSchedule(
        iterations=config.iterations, student_steps=config.student_steps, lr=0.0, growth=config.step_growth
    )
    until = [schedule.steps_until(i) for i in range(config.iterations + 1)]
    return sum(begin < end for begin, end in pairwise(until))
