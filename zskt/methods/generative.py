"""What generative methods share: settings, the state of a run, a step of the generator, fresh samples for the student.

A method says what its generator goes down, (B,) for each sample, and how both players take turns. What a whole batch is
judged by, the statistics of the teacher's batch normalisations, is a weight.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from zskt.bn_statistics import BatchStatistics, require_normalisations, unfolded
from zskt.checkpoint import TrainState
from zskt.contracts import Batch, PseudoBatch
from zskt.forward import CountedTeacher, Output, evaluating
from zskt.generator import balanced_labels, is_trainable
from zskt.losses import generator_loss
from zskt.methods.method import Method, Metrics, Setup, trains
from zskt.methods.student import StudentStep, as_numbers, require_gradient, trainable
from zskt.optim import OPTIMIZERS, SCHEDULES, adam, require_finite, set_rate, step
from zskt.parallel.collectives import share_of, whole
from zskt.settings import Settings, sample_count, setting
from zskt.terms.term import Term

GENERATIVE_SCHEDULES = ("cosine", "multistep", "constant")
"""Those of `zskt.optim.SCHEDULES` that generative methods have."""


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(Settings):
    """Settings of every generative method."""

    iterations: int = setting(400, minimum=1)
    """Rounds of both players."""
    batch_size: int = sample_count(256)
    """B: pseudo-samples of a step."""
    student_steps: int = setting(10, minimum=1)
    """n_S: student steps a round, each on fresh pseudo-samples about which the teacher is queried."""
    student_optimizer: str = setting("sgd", choices=tuple(OPTIMIZERS))
    """The student's: gradient descent with a momentum of 0.9, as in the papers, or AdamW."""
    student_lr: float = setting(0.1, minimum=0)
    """Learning rate of the student at the beginning."""
    schedule: str = setting("cosine", choices=GENERATIVE_SCHEDULES)
    """How the student's learning rate falls: to 0 by a cosine, or by 10 after 20 and 40 % of the run."""
    weight_decay: float = setting(5e-4, minimum=0)
    """Weight decay of the student, decoupled for "adamw"."""
    generator_lr: float = setting(1e-3, minimum=0)
    """Learning rate of the generator's Adam."""
    generator_schedule: str = setting("constant", choices=GENERATIVE_SCHEDULES)
    """The same of the generator's."""
    max_grad_norm: float = setting(0.0, minimum=0)
    """Norm to which gradients are clipped; 0 does not clip, as in the papers."""


@dataclass(frozen=True)
class Asked:
    """A batch of pseudo-samples, and what both networks answer to it, with graph to the generator."""

    batch: PseudoBatch
    teacher: Tensor
    """(B, K), logits."""
    student: Tensor | None
    """(B, K), logits; None where it was not asked."""
    targets: Tensor
    """(B,), the classes that were asked for; of a generator that ignores labels the teacher's top ones."""


class Generative(Method):
    """A method whose student learns from fresh samples of a generator that is trained beside it.

    Args:
        terms: of the student's loss.
        bn_weight, bn_momentum: weight of the distance of a batch's statistics from those of the teacher's batch
            normalisations, and how much earlier batches count in them.
        betas: of the generator's Adam.
        lasts: whether the generator has one optimiser for the whole run.
    """

    Config = GenerativeConfig
    needs_generator = True
    needs_data = False
    name: ClassVar[str]
    student_evaluates: ClassVar[bool] = False
    """Whether the student is in evaluation mode while the generator is trained."""

    def __init__(
        self,
        config: Any,
        setup: Setup,
        terms: Sequence[Term],
        *,
        bn_weight: float = 0.0,
        bn_momentum: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        lasts: bool = True,
    ) -> None:
        assert setup.generator is not None and setup.pair.teacher is not None
        share_of(config.batch_size)
        self.config, self.pair, self.generator, self.terms = config, setup.pair, setup.generator, terms
        self.rng = torch.Generator(setup.device).manual_seed(4 * setup.seed)
        optimizer = OPTIMIZERS[config.student_optimizer](
            trainable(setup.pair.student), config.student_lr, config.weight_decay
        )
        self.state = TrainState(
            parts={"student": setup.pair.student, "student_optimizer": optimizer, "generator": setup.generator},
            streams={"latent": self.rng},
            device=setup.device,
        )
        self.bn_weight = bn_weight
        observed = unfolded(setup.pair.teacher) if bn_weight else setup.pair.teacher
        self.observed = CountedTeacher(replace(setup.pair, teacher=observed), self.state)
        """The teacher that the generator is trained on, with its normalisations where they count."""
        self.statistics = BatchStatistics(observed if bn_weight else nn.Identity(), bn_momentum)
        if bn_weight:
            require_normalisations(self.statistics.layers, "bn_weight", bn_weight)
        if bn_momentum:
            self.state.parts["statistics"] = self.statistics
        self.generator_optimizer: torch.optim.Optimizer | None = None
        if lasts and is_trainable(setup.generator):
            self.generator_optimizer = adam(list(setup.generator.parameters()), config.generator_lr, betas)
            self.state.parts["generator_optimizer"] = self.generator_optimizer
        self.student_step = StudentStep(self.pair, terms, self.state, optimizer, config.max_grad_norm)
        self.teacher = CountedTeacher(self.pair, self.state)

    @classmethod
    def queries_of(cls, config: Any, setup: Setup | None = None) -> int | None:
        """Return B for each step of the student, and for each of a generator that is trained."""
        return int(config.batch_size * config.iterations * (config.student_steps + trains(setup)))

    @abstractmethod
    def losses(self, asked: Asked) -> Tensor:
        """Return what the generator goes down, for each sample: (B,)."""

    def draw(self, latent: tuple[Tensor, ...] = ()) -> PseudoBatch:
        """Draw B pseudo-samples, all classes alike often where the generator can be asked for classes."""
        classes, count = self.generator.n_classes, self.config.batch_size
        labels = balanced_labels(classes, count, self.rng) if classes else None
        return self.generator.sample(count, self.rng, labels, latent)

    def judge(self, batch: PseudoBatch, *, asks_student: bool = True) -> tuple[Tensor, Asked]:
        """Ask both networks about a batch; what its generator goes down, a scalar, and their answers."""
        with self.statistics.measure() as distances:
            answer = self.observed(batch.x)
        if is_trainable(self.generator):
            require_gradient(answer)
        student = None
        if asks_student:
            with evaluating(self.pair.student) if self.student_evaluates else nullcontext():
                student = self.pair.ask_student(batch.x).logits
        top = answer.logits.detach().argmax(-1)
        asked = Asked(batch, answer.logits, student, top if batch.labels is None else batch.labels)
        losses = self.losses(asked)
        self.learn_components(batch, answer, -losses.detach())
        penalty = batch.penalty
        if distances:
            price = self.bn_weight * torch.stack(distances).sum()
            penalty = price if penalty is None else penalty + price
        return generator_loss(-losses, batch.log_prob, penalty), asked

    def learn_components(self, batch: PseudoBatch, answer: Output, reward: Tensor | None = None) -> None:
        """Tell a generator of several components which classes each makes and, of its own step, what each is worth."""
        if batch.component is None:
            return
        component = whole(batch.component)
        if self.generator.n_classes:
            self.generator.learn_classes(component, whole(answer.logits.detach().softmax(-1)))
        if reward is not None:
            self.generator.update(component, whole(reward))

    def move_generator(self, *, asks_student: bool = True) -> dict[str, Tensor]:
        """Take a step of the generator on fresh samples; what to log. One without parameters stays as it is."""
        config = self.config
        if self.generator_optimizer is None:
            return {}
        loss, _ = self.judge(self.draw(), asks_student=asks_student)
        fall = SCHEDULES[config.generator_schedule](self.state.step, config.iterations)
        set_rate(self.generator_optimizer, config.generator_lr * fall)
        step(loss, self.generator_optimizer, config.max_grad_norm)
        self.statistics.update()
        return {"loss/generator": loss.detach()}

    @torch.no_grad()
    def fresh(self) -> tuple[Batch, Output]:
        """Draw pseudo-samples for the student, and query the teacher about them."""
        batch = self.draw()
        answer = self.teacher.query(batch.x, [term for term in self.terms if term.cacheable])
        self.learn_components(batch, answer)
        return batch.x, answer

    @property
    def student_rate(self) -> float:
        """Learning rate of the student in this iteration."""
        config = self.config
        rate: float = config.student_lr * SCHEDULES[config.schedule](self.state.step, config.iterations)
        return rate

    def metrics(self, learned: tuple[Tensor, Output, Output], measured: dict[str, Tensor]) -> Metrics:
        """Return what an iteration logs: of the last student step loss, teacher's and student's answers."""
        loss, answer, output = learned
        if self.generator_optimizer is not None:
            require_finite(self.generator_optimizer, "generator's")
        metrics = self.student_step.metrics(loss, answer.logits, output.logits)
        return {**metrics, **(as_numbers(measured) if measured else {}), "rate/student": self.student_rate}

    @property
    def result(self) -> nn.Module:
        """The student that the run leaves."""
        return self.student_step.result
