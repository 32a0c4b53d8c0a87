"""Hard labels: a student from the teacher's top class alone, as IDEAL does it, one query a sample.

J. Zhang, C. Chen and L. Lyu, "IDEAL: query-efficient data-free learning from black-box models", arXiv:2205.11158: the
generator is trained on the student alone, and asks nothing; the student minimises the cross-entropy with the teacher's
top class. IDEAL rather than DFMS-HL (arXiv:2204.11022), whose adversarial game needs images of another data set, or
synthetic ones, to begin with. The published code of IDEAL asks about its whole growing pool in each epoch; here every
answer is kept, so that a sample is asked about once, as the paper has it.

Shapes: B batch, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.forward import evaluating
from zskt.generator import balanced_labels
from zskt.losses import MIN_PROBABILITY, divergence, generator_loss
from zskt.methods.black_box import BlackBox, BlackBoxConfig, require_classes
from zskt.methods.canvas import first
from zskt.methods.method import Metrics, Setup
from zskt.methods.restart import restart
from zskt.parallel.collectives import mean, own, share_of, whole
from zskt.settings import setting
from zskt.teacher_access import TOP_CLASS, hardened
from zskt.terms import KL


@dataclass(frozen=True, kw_only=True)
class HardLabelConfig(BlackBoxConfig):
    """Settings of learning from hard labels. Losses are in nats per example."""

    generator_steps: int = setting(5, minimum=0)
    """Steps of the generator in an iteration, all on the same z and the same labels; they cost no query."""
    student_steps: int = setting(10, minimum=1)
    """Steps of the student in an iteration, on kept answers; of new samples there is one batch: B queries."""
    replay_size: int = setting(65536, minimum=1, maximum=2**24)
    """Answers that are kept, the latest ones."""
    balance_weight: float = setting(5.0, minimum=0)
    """Weight of the negative entropy of the student's mean class probabilities, over K, in the generator's loss."""
    generator_life: int = setting(0, minimum=0)
    """Iterations after which the generator begins anew, with a new Adam: 1 in the published code; 0 never."""


def student_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of a student's belief with labels: (B, K), (B,) -> (B,), nats.

    Of independent labels (B, L, 2) and (B, L) it is the sum over labels.
    """
    pairs = nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return pairs.view(labels.shape).flatten(1).sum(1) if labels.dim() > 1 else pairs


def negative_entropy(logits: Tensor) -> Tensor:
    """Return p log p of the mean belief, averaged over classes: logits (B, K) -> a scalar, nats.

    It is lowest where classes are balanced. The published code averages over classes, too, but takes each sample's own
    belief.
    """
    p = mean(logits.softmax(-1).mean(0)).clamp(min=MIN_PROBABILITY)
    return (p * p.log()).mean()


class HardLabel(BlackBox):
    """Hard labels (IDEAL): a generator that pleases the student, a student that learns the teacher's top class."""

    Config = HardLabelConfig
    accesses = (TOP_CLASS,)
    betas = (0.5, 0.999)

    def __init__(self, config: HardLabelConfig, setup: Setup) -> None:
        require_classes("hard-label", setup)
        super().__init__(config, setup, (KL(),), config.replay_size)  # of one-hot answers: the cross-entropy
        self.label_rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 2)
        self.state.streams["labels"] = self.label_rng
        self.begun = {name: p.detach().clone() for name, p in self.generator.named_parameters()}

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int:
        """Return B: each sample is asked about once."""
        return int(config.batch_size)

    def run(self) -> Iterator[Metrics]:
        """Make samples of which the student is sure, ask what they are, and learn from all answers that there are."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured: dict[str, Tensor] = {}
            if self.generator_optimizer is not None and config.generator_steps:
                batch, measured = self.please()
                batch = first(batch, share_of(self.affordable()))
                answer = self.teacher.query(batch.x)
            else:
                batch, answer = self.ask()
            if batch.component is not None:  # worth is what the student did not know
                with torch.no_grad():
                    kl = divergence(answer.logits, self.pair.ask_student(batch.x).logits)
                self.generator.update(whole(batch.component), whole(kl))
            answer = answer.map(_hardened)
            self.replay.add(batch.x, answer)
            loss, output = self.student_step(batch.x, answer, config.student_lr * self.fall)
            for _ in range(config.student_steps - 1):
                x, answer = self.replayed()
                loss, output = self.student_step(x, answer, config.student_lr * self.fall)
            metrics = self.logged(loss, answer, output, **measured)
            state.step += 1
            yield metrics

    def please(self) -> tuple[PseudoBatch, dict[str, Tensor]]:
        """Train the generator on the student alone, on one z; the batch of the lowest loss, and what to log."""
        config, lowest = self.config, math.inf
        kept: PseudoBatch | None = None
        latent: tuple[Tensor, ...] = ()
        labels: Tensor | None = None
        if config.generator_life and self.state.step % config.generator_life == 0:
            assert self.generator_optimizer is not None
            restart(self.generator, self.begun, self.label_rng)
            self.generator_optimizer.state.clear()
        for _ in range(config.generator_steps):
            batch = self.generator.sample(config.batch_size, self.latent_rng, latent=latent)
            latent = batch.latent
            with evaluating(self.pair.student):
                logits = self.pair.ask_student(batch.x).logits
            if labels is None:
                labels = self.labels(logits)
            entropy = student_cross_entropy(logits, labels)
            reward = -entropy - config.balance_weight * negative_entropy(logits)
            cost = -float(mean(reward.detach().mean()))
            if kept is None or cost < lowest:
                lowest, kept = cost, batch._replace(x=tuple(t.detach() for t in batch.x))
            self.move_generator(generator_loss(reward, batch.log_prob, batch.penalty))
        assert kept is not None
        return kept, {"cross_entropy": entropy.detach().mean()}

    def labels(self, logits: Tensor) -> Tensor:
        """Choose what the samples are to be, of all classes alike: (B,), or (B, L) of independent labels."""
        size = (self.config.batch_size, *logits.shape[1:-1])
        if len(size) == 1:
            return own(balanced_labels(logits.shape[-1], size[0], self.label_rng))
        device = self.label_rng.device
        return own(torch.randint(logits.shape[-1], size, generator=self.label_rng, device=device))


def _hardened(logits: Tensor) -> Tensor:
    """Keep the top class of answers alone, whatever the teacher was allowed to say."""
    rows = logits.flatten(0, -2)
    return hardened(rows).view(logits.shape)
