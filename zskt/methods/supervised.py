"""Learning from labelled samples, alone or beside a teacher: KD+AT, fine-tuning, and how teachers are trained.

G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", arXiv:1503.02531 (KD);
S. Zagoruyko and N. Komodakis, "Paying more attention to attention", arXiv:1612.03928, equation 2 (AT).

Labels are one more thing that a batch carries: the loss is (1 - kd_fraction) cross-entropy + kd_fraction T^2
KL(teacher || student), softened by T, both in nats per example, + attention_weight times the attention distance;
without a teacher, the cross-entropy.

Shapes: B batch, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from zskt.checkpoint import TrainState
from zskt.contracts import Samples
from zskt.dataset import Labelled, TensorSamples
from zskt.device import to_device
from zskt.errors import UserError
from zskt.forward import CountedTeacher, Output
from zskt.images.augment import AUGMENTATIONS, augmented
from zskt.methods.method import Method, Metrics, Setup
from zskt.methods.student import StudentStep, further_terms, some_of, trainable
from zskt.methods.student_settings import StudentLossConfig
from zskt.optim import OPTIMIZERS_WITH_SCHEDULES, require_finite
from zskt.parallel.collectives import mean, own, share_of, sum_of
from zskt.settings import sample_count, setting
from zskt.teacher_access import ACCESSES
from zskt.terms import KL, Attention, CrossEntropy
from zskt.terms.term import Term


@dataclass(frozen=True, kw_only=True)
class SupervisedConfig(StudentLossConfig):
    """Settings of learning from labelled samples. Losses are in nats per example."""

    length_name: ClassVar[str] = "epochs"
    epochs: int = setting(100, minimum=1)
    """Rounds, each of `student_steps` steps."""
    batch_size: int = sample_count(128)
    """B: samples a step."""
    student_steps: int = setting(0, minimum=0)
    """Steps of a round, over random orders of all samples; 0 takes as many as one order has whole batches, and drops
    the rest of it."""
    optimizer: str = setting("adamw", choices=OPTIMIZERS_WITH_SCHEDULES)
    """"adamw" with a cosine; or Nesterov's momentum of 0.9, either with a rate that is divided by 5 after 30, 60 and
    80 % of the epochs, as in the literature on wide ResNets ("sgd"), or that rises to `student_lr` and falls to 0
    ("one-cycle")."""
    augment: str = setting("none", choices=tuple(AUGMENTATIONS), domains=("images",))
    """Augmentation of real images: see `zskt.images.augment.AUGMENTATIONS`."""
    kd_fraction: float = setting(0.9, minimum=0, maximum=1)
    """The teacher's share of the loss, alpha of KD; the labels have the rest. 0 does without a teacher."""
    label_smoothing: float = setting(0.0, minimum=0, below=1)
    """Share of the labels' truth that all classes are given alike."""
    samples_per_class: int = setting(0, minimum=0)
    """M, labelled samples of each class; 0 takes all."""
    init_from_run: str = setting("scratch")
    """The recipe of the run whose student is where this one begins; given by --run."""
    student_lr: float = setting(2e-3, minimum=0)
    """Learning rate at the beginning."""
    weight_decay: float = setting(0.0, minimum=0)
    """Weight decay, decoupled for "adamw"."""

    @property
    def iterations(self) -> int:
        """The rounds of the run's loop."""
        return self.epochs

    @property
    def has_teacher(self) -> bool:
        """Whether a teacher is asked at all."""
        return bool(self.kd_fraction or self.attention_weight or self.terms)


class Supervised(Method):
    """Rounds over a random order of all labelled samples."""

    Config = SupervisedConfig
    needs_generator = False
    needs_data = True
    accesses = ACCESSES
    needs_teacher = False
    needs_labels = True

    def __init__(self, config: SupervisedConfig, setup: Setup) -> None:
        assert setup.data is not None and setup.inputs is not None
        self.config, self.pair, self.inputs = config, setup.pair, setup.inputs
        self.data = on_device(setup.data, setup.device)
        pair, data = setup.pair, setup.data
        if getattr(pair.student, "bernoulli", False):
            raise UserError(
                "supervised: knows one class a sample, but the student has independent labels; use method kd or zskt"
            )
        if AUGMENTATIONS[config.augment]:
            _images(data.samples[:1])
        self.size = min(config.batch_size, len(data))
        share_of(self.size)
        self.steps = config.student_steps or max(len(data) // self.size, 1)
        make, self.schedule = OPTIMIZERS_WITH_SCHEDULES[config.optimizer]
        optimizer = make(trainable(pair.student), config.student_lr, config.weight_decay)
        self.rng = torch.Generator(self.data.labels.device).manual_seed(4 * setup.seed)
        self.state = TrainState(
            parts={"student": pair.student, "student_optimizer": optimizer},
            streams={"order": self.rng},
            device=setup.device,
        )
        self.terms = supervised_terms(config, has_teacher=pair.teacher is not None)
        self.student_step = StudentStep(pair, self.terms, self.state, optimizer, config.max_grad_norm)
        self.teacher = CountedTeacher(pair, self.state)

    @classmethod
    def within_budget(cls, config: SupervisedConfig, queries: int, setup: Setup | None = None) -> SupervisedConfig:
        """Return settings with as many rounds as a budget lasts, or a single one that is shorter, if it lasts for less.

        Each step asks about its batch, whose augmentation is new.
        """
        samples = 0 if setup is None or setup.data is None else len(setup.data)
        if not queries or not samples:
            return config
        size = min(config.batch_size, samples)
        steps, affordable = config.student_steps or max(samples // size, 1), queries // size
        if affordable >= steps * config.epochs:
            return config
        if affordable < steps:
            return config.with_(epochs=1, student_steps=max(affordable, 1))
        return config.with_(epochs=affordable // steps)

    def run(self) -> Iterator[Metrics]:
        """Learn to the last round, and yield the mean loss and accuracy on the training samples of each."""
        config, state, device = self.config, self.state, self.state.device
        while state.step < config.epochs:
            self.pair.student.train()
            loss_sum = torch.zeros((), dtype=torch.float64, device=device)
            correct = torch.zeros((), dtype=torch.int64, device=device)
            for i, rows in enumerate(self._batches()):
                lr = config.student_lr * self.schedule(state.step * self.steps + i, config.epochs * self.steps)
                batch = self.batch(rows)
                x = tuple(to_device(t, device) for t in self.inputs(batch.samples))
                labels = to_device(batch.labels, device)
                answer = Output(x[0].new_zeros(len(labels), 0)) if self.pair.teacher is None else None
                answer = answer or self.teacher.query(x, self.terms)
                answer.extras["labels"] = labels
                loss, output = self.student_step(x, answer, lr)
                loss_sum += loss
                correct += (output.logits.argmax(1) == labels).sum()
            require_finite(self.student_step.optimizer, "student's")
            state.step += 1
            yield {
                "loss/student": float(mean(loss_sum)) / self.steps,
                "accuracy/training": int(sum_of(int(correct))) / (self.steps * self.size),
                "rate/student": lr,
            }

    @property
    def result(self) -> nn.Module:
        """The student that the run leaves."""
        return self.student_step.result

    def batch(self, rows: Tensor) -> Labelled:
        """Return this rank's share of the samples of ``rows``, augmented: what is drawn is drawn for all of them."""
        if not AUGMENTATIONS[self.config.augment]:
            return self.data[own(rows)]
        x = augmented(_images(self.data.samples[rows]), self.config.augment, self.rng)
        samples: Samples = TensorSamples((own(x),)) if isinstance(self.data.samples, TensorSamples) else own(x)
        return Labelled(samples, self.data.labels[own(rows)])

    def _batches(self) -> Iterator[Tensor]:
        """Yield the rows of a round's batches: as many random orders of all samples as that takes."""
        orders = math.ceil(self.steps * self.size / len(self.data))
        rng, count = self.rng, len(self.data)
        order = torch.cat([torch.randperm(count, generator=rng, device=rng.device) for _ in range(orders)])
        return (order[i * self.size : (i + 1) * self.size] for i in range(self.steps))


def _images(samples: Samples) -> Tensor:
    """Return the images that samples are, (B, C, H, W).

    Raises:
        UserError: if they are something else.
    """
    x = samples.x[0] if isinstance(samples, TensorSamples) and len(samples.x) == 1 else samples
    if not isinstance(x, Tensor) or x.dim() != 4:
        shape = tuple(x.shape[1:]) if isinstance(x, Tensor) else "not one tensor"
        raise UserError(f"augment: is for images (B, C, H, W), but a sample is {shape}; leave augment out")
    return x


def on_device(data: Labelled, device: torch.device) -> Labelled:
    """Move images to a GPU for good, where they are augmented, too; jets stay where they are read."""
    if not isinstance(data.samples, Tensor):
        return data
    return Labelled(data.samples.to(device), data.labels.to(device))


def supervised_terms(config: SupervisedConfig, *, has_teacher: bool) -> list[Term]:
    """List the terms of KD+AT; without a teacher, cross-entropy alone."""
    if not has_teacher:
        return [CrossEntropy(label_smoothing=config.label_smoothing)]
    terms: list[Term] = [
        CrossEntropy(1 - config.kd_fraction, label_smoothing=config.label_smoothing),
        KL(config.terms.get("kl", 1.0) * config.kd_fraction, temperature=config.temperature),
        Attention(config.attention_weight),
        *further_terms(config),
    ]
    return some_of(terms)
