"""The loop: a generator, a student and a frozen teacher, turn by turn; or a student and a teacher on given samples.

Shapes: B batch, Z latent, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zskt.checkpoint import TrainState
from zskt.contracts import Batch
from zskt.experiments.config import Config
from zskt.forward import Output
from zskt.images.augment import cutmix
from zskt.losses import NonFiniteLoss, divergence, step, student_loss
from zskt.methods.adversary import Adversary
from zskt.optim import Schedule, cosine
from zskt.pair import CountedTeacher, Pair
from zskt.replay import ReplayBuffer, mix


def begin(players: Pair, config: Config, device: torch.device) -> TrainState:
    """A new run's state: optimisers, replay pool, random streams."""
    state = TrainState(
        parts={
            "student": players.student,
            "student_optimizer": torch.optim.AdamW(
                players.student.parameters(), config.student_lr, weight_decay=config.weight_decay
            ),
            "pool": ReplayBuffer(config.pool, device),
        },
        # The latent stream is drawn where the generator computes; replay chooses rows, which is the CPU's work.
        streams={
            "latent": torch.Generator(device).manual_seed(4 * config.seed),
            "replay": torch.Generator().manual_seed(4 * config.seed + 1),
        },
        device=device,
    )
    if config.average:
        weigh = get_ema_multi_avg_fn(config.average)  # type: ignore[no-untyped-call]
        state.parts["average"] = AveragedModel(players.student, multi_avg_fn=weigh, use_buffers=True)
    if players.generator is not None:
        state.parts["generator"] = players.generator
        parameters = list(players.generator.parameters())
        if parameters:
            state.parts["generator_optimizer"] = torch.optim.Adam(parameters, config.generator_lr)
    return state


class Game:
    """One turn of Algorithm 1 after another, on a state."""

    def __init__(self, players: Pair, config: Config, state: TrainState) -> None:
        self.players, self.config, self.state = players, config, state
        self.schedule, self.teacher = Schedule(config), CountedTeacher(players, config.beta, state)
        self.adversary = Adversary(players, config, state, self.teacher)
        pool, average = state.parts["pool"], state.parts.get("average")
        assert isinstance(pool, ReplayBuffer) and (average is None or isinstance(average, AveragedModel))
        self.pool, self.average = pool, average

    @property
    def result(self) -> nn.Module:
        """The student that the run leaves: the average of the latest ones, if one is kept."""
        kept: nn.Module = self.players.student if self.average is None else self.average.module
        return kept

    def student_step(self, x: Batch, answer: Output, lr: float) -> tuple[Tensor, Output]:
        """The student's loss on a batch that the teacher has answered, and what the student said."""
        config = self.config
        said = self.players.ask(self.players.student, x, config.beta, config.hint)
        loss = student_loss(
            answer,
            said,
            beta=config.beta,
            temperature=config.temperature,
            regression=config.regression,
            scale=self.players.scale,
            hint=config.hint,
        )
        step(loss, self.state.optimizer("student_optimizer", lr), self.config.clip)
        if self.average is not None:
            self.average.update_parameters(self.players.student)
        self.state.count("steps", 1)
        return loss.detach(), said.detach()

    @torch.no_grad()
    def augment_and_requery(self, x: Batch, answer: Output) -> tuple[Batch, Output]:
        """Samples as the student is to see them; where that takes it, the teacher and its layers are asked anew."""
        if self.config.cutmix:
            x = (cutmix(x[0], self.config.cutmix, self.state.streams["replay"]),)
        return (x, self.teacher(x, self.config.hint)) if self.config.hint or self.config.cutmix else (x, answer)

    def student_batch(self, x: Batch, answer: Output) -> tuple[Batch, Output]:
        """Some of the new samples and, by `Config.replay`, some of the earlier ones."""
        rng, total = self.state.streams["replay"], self.config.batch_size
        old = round(self.config.replay * total)
        if not old:
            return x, answer
        rows = torch.randperm(len(answer.logits), generator=rng)[: total - old].to(answer.logits.device)
        new = tuple(t[rows] for t in x), answer.at(rows)
        return mix(new, self.pool.draw(old, rng, self.config.balance))

    def turn(self) -> dict[str, float]:
        """One pseudo-batch: a generator step if one is due, then student steps; what to log."""
        config, now, adversary = self.config, self.state.step, self.adversary
        logged: dict[str, float] = {}
        if adversary.learns and now % config.generator_every == 0:
            x, answer, logged = adversary.learn(self.schedule.generator_rate(now))
            if not config.reuse:
                x, answer = adversary.new_samples(again=True)
            elif config.push:
                x, answer = adversary.perturb(x)
        else:
            x, answer = adversary.new_samples()
        if config.replay:
            self.pool.add(x, answer)
        begin, end = self.schedule.steps_until(now), self.schedule.steps_until(now + 1)
        rate = self.schedule.student_rate(begin, end)
        for i in range(end - begin):
            if config.fresh and i:
                x, answer = adversary.new_samples()
            batch = self.augment_and_requery(*self.student_batch(x, answer))
            loss, said = self.student_step(*batch, rate)
        self.state.step += 1
        if begin == end:  # at the very beginning, where the number of steps grows
            return logged
        return {
            "loss/student": float(loss),
            **batch_metrics(batch[1].logits, said.logits),
            "rate/student": rate,
            **logged,
        }

    def turn_on_pool(self) -> dict[str, float]:
        """As many student steps on what the pool holds: distillation with data."""
        rate = self.config.student_lr * cosine(self.state.step, self.config.pseudo_batches)
        for _ in range(self.config.student_steps):
            x, answer = self.augment_and_requery(*self.pool.draw(self.config.batch_size, self.state.streams["replay"]))
            loss, said = self.student_step(x, answer, rate)
        self.state.step += 1
        return {"loss/student": float(loss), **batch_metrics(answer.logits, said.logits), "rate/student": rate}

    @torch.no_grad()
    def fill(self, batches: Iterator[Batch]) -> None:
        """Ask the teacher about given samples, once each, and keep its answers."""
        for batch in batches:
            x = tuple(t.to(self.state.device) for t in batch)
            self.pool.add(x, self.teacher(x))

    def play(self, until: int) -> Iterator[dict[str, float]]:
        """Turns up to number ``until``, yielding what each has to log.

        Raises:
            NonFiniteLoss: naming turn and term; no parameter was changed by it.
        """
        turn = self.turn if self.players.generator is not None else self.turn_on_pool
        while self.state.step < until:
            try:
                yield turn()
            except NonFiniteLoss as error:
                raise NonFiniteLoss(f"turn {self.state.step}: {error}") from error


FEW = 20
"""Classes: of more than so many, each turn logs how many come up, not the share of each."""


def batch_metrics(teacher: Tensor, student: Tensor) -> dict[str, float]:
    """How sure both are, how far apart, and the teacher's classes: (B, K) of logits each."""
    if not teacher.shape[1]:
        return {}
    p, q = teacher.softmax(1), student.softmax(1)
    shares = (torch.bincount(teacher.argmax(1), minlength=teacher.shape[1]) / len(teacher)).tolist()
    if len(shares) > FEW:
        classes = {"teacher_classes": float(sum(share > 0 for share in shares))}
    else:
        classes = {f"teacher_class/{k}": share for k, share in enumerate(shares)}
    return {
        "kl/pseudo": float(divergence(teacher, student).mean()),
        "confidence/teacher": float(p.amax(1).mean()),
        "confidence/student": float(q.amax(1).mean()),
        "agreement/pseudo": float((p.argmax(1) == q.argmax(1)).float().mean()),
        **classes,
    }
