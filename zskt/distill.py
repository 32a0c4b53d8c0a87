"""The loop: a generator, a student and a frozen teacher, turn by turn; or a student and a teacher on given jets.

Shapes: B batch, Z latent, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from generators import Bandit, Draw

from .config import Config
from .game import (
    Answer,
    Batch,
    NonFiniteLoss,
    ask,
    divergence,
    generator_loss,
    step,
    student_loss,
    surprise,
    uncertainty,
    uphill,
    value_distance,
)
from .moments import watch_moments
from .players import Players
from .pool import Pool, cat, mix
from .state import State


def begin(players: Players, config: Config, device: torch.device) -> State:
    """A new run's state: optimisers, replay pool, random streams."""
    state = State(
        parts={
            "student": players.student,
            "student_optimizer": torch.optim.AdamW(
                players.student.parameters(), config.student_lr, weight_decay=config.weight_decay
            ),
            "pool": Pool(config.pool, device),
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


def cosine(step_now: int, steps: int) -> float:
    """From 1 to 0 over the run."""
    return 0.5 * (1 + math.cos(math.pi * step_now / steps))


def _optimizer(state: State, name: str, lr: float) -> torch.optim.Optimizer:
    optimizer = state.parts[name]
    assert isinstance(optimizer, torch.optim.Optimizer)
    for group in optimizer.param_groups:
        group["lr"] = lr
    return optimizer


def _pool(state: State) -> Pool:
    pool = state.parts["pool"]
    assert isinstance(pool, Pool)
    return pool


class Game:
    """One turn of Algorithm 1 after another, on a state."""

    def __init__(self, players: Players, config: Config, state: State, device: torch.device) -> None:
        self.players, self.config, self.state, self.device = players, config, state, device
        self.latents: list[Tensor] = []
        average = state.parts.get("average")
        assert average is None or isinstance(average, AveragedModel)
        self.average = average

    @property
    def result(self) -> nn.Module:
        """The student that the run leaves: the average of the latest ones, if one is kept."""
        kept: nn.Module = self.players.student if self.average is None else self.average.module
        return kept

    def pseudo_samples(self, *, again: bool = False) -> Draw:
        """B pseudo-samples: a generator may reject what falls outside its domain, and is then asked for more.

        Args:
            again: from the same z as before, which the generator now turns into something else.
        """
        generator, n = self.players.generator, self.config.batch_size
        assert generator is not None
        size: int = generator.latent_size  # type: ignore[assignment]
        acceptance: float = generator.acceptance  # type: ignore[assignment]
        rng = self.state.streams["latent"]
        if not again:
            self.latents = []
        draws: list[Draw] = []
        while sum(len(draw.x[0]) for draw in draws) < n:
            if len(draws) == len(self.latents):
                self.latents.append(torch.randn(math.ceil(n / acceptance), size, generator=rng, device=self.device))
            draws.append(generator(self.latents[len(draws)], rng))
        return first(draws, n)

    def count(self, what: str, n: int) -> None:
        self.state.counters[what] = self.state.counters.get(what, 0) + n

    def ask(self, network: nn.Module, x: Batch) -> Answer:
        if network is self.players.teacher:
            self.count("teacher_answers", len(x[0]))
        return ask(network, x, self.players.layers(network, self.config.beta))

    def reward(self, draw: Draw, answer: Answer) -> tuple[Tensor, Tensor]:
        """What the generator gets for each sample, (B,), and the part of it that is KL(T || S), (B,)."""
        said = ask(self.players.student, draw.x)
        kl = divergence(answer.logits, said.logits, self.config.temperature)
        reward = kl
        if self.players.scale is not None and self.config.regression:
            reward = reward + self.config.regression * value_distance(answer, said, self.players.scale)
        if self.config.coverage:
            reward = reward + self.config.coverage * surprise(answer.logits)
        if self.config.certainty:
            reward = reward - self.config.certainty * uncertainty(answer.logits)
        if draw.choice is not None:
            generator = self.players.generator
            assert isinstance(generator, Bandit)
            generator.observe(draw.choice, reward.detach())
        return reward, kl

    def generator_step(self, lr: float) -> tuple[Batch, Answer, dict[str, float]]:
        """Gradients to the generator only; returns what it asked about, for the student, and what to log."""
        draw = self.pseudo_samples()
        with watch_moments(self.players.teacher if self.config.moments else None) as moments:
            answer = self.ask(self.players.teacher, draw.x)
        reward, kl = self.reward(draw, answer)
        if moments:
            charged = self.config.moments * torch.stack(moments).mean()
            draw = draw._replace(cost=charged if draw.cost is None else draw.cost + charged)
        loss = generator_loss(reward, draw.log_prob, draw.cost)
        step(loss, _optimizer(self.state, "generator_optimizer", lr), self.config.clip)
        logged = {"kl/generator": float(kl.detach().mean()), "rate/generator": lr}
        if draw.cost is not None:
            logged["cost/generator"] = float(draw.cost.detach())
        return tuple(t.detach() for t in draw.x), answer.detach(), logged

    @torch.no_grad()
    def new_samples(self, *, again: bool = False) -> tuple[Batch, Answer]:
        draw = self.pseudo_samples(again=again)
        if self.config.push:
            return self.pushed(draw.x)
        answer = self.ask(self.players.teacher, draw.x)
        if draw.choice is not None and self.config.generator_every:
            self.reward(draw, answer)  # what was learned of the choices
        return draw.x, answer

    def pushed(self, x: Batch) -> tuple[Batch, Answer]:
        """The same images, each moved by at most `Config.push` to where the student disagrees more, and the answers."""
        (start,) = (t.detach().requires_grad_() for t in x)
        with torch.enable_grad():
            asked = self.ask(self.players.teacher, (start,))
            kl = divergence(asked.logits, self.players.student(start), self.config.temperature)
            share = torch.rand(len(start), generator=self.state.streams["latent"], device=self.device)
            moved = (uphill(start, kl, self.config.push * share),)
        with torch.no_grad():
            return moved, self.ask(self.players.teacher, moved)

    def student_step(self, x: Batch, answer: Answer, lr: float) -> tuple[Tensor, Answer]:
        said = self.ask(self.players.student, x)
        config = self.config
        loss = student_loss(answer, said, config.beta, config.temperature, config.regression, self.players.scale)
        step(loss, _optimizer(self.state, "student_optimizer", lr), self.config.clip)
        if self.average is not None:
            self.average.update_parameters(self.players.student)
        self.count("steps", 1)
        return loss.detach(), said.detach()

    def student_batch(self, x: Batch, answer: Answer) -> tuple[Batch, Answer]:
        """Some of the new samples and, by `Config.replay`, some of the earlier ones."""
        rng, total = self.state.streams["replay"], self.config.batch_size
        old = round(self.config.replay * total)
        if not old:
            return x, answer
        rows = torch.randperm(len(answer.logits), generator=rng)[: total - old].to(answer.logits.device)
        values = None if answer.values is None else answer.values[rows]
        chosen = Answer(answer.logits[rows], tuple(a[rows] for a in answer.attention), values)
        new = tuple(t[rows] for t in x), chosen
        return mix(new, _pool(self.state).draw(old, rng, self.config.balance))

    def steps_until(self, turn: int) -> int:
        """Student steps of all turns before ``turn``."""
        config = self.config
        share: float = (turn / config.pseudo_batches) ** (config.growth + 1)
        return round(config.pseudo_batches * config.student_steps * share)

    def student_rate(self, begin: int, end: int) -> float:
        """Of the student's steps ``begin`` to ``end``."""
        config, steps = self.config, self.steps_until(self.config.pseudo_batches)
        rise = min(end / (config.warmup * steps), 1.0) if config.warmup else 1.0
        return config.student_lr * rise * cosine(begin, steps)

    def turn(self) -> dict[str, float]:
        """One pseudo-batch: a generator step if one is due, then student steps; what to log."""
        config, now = self.config, self.state.step
        learns = "generator_optimizer" in self.state.parts and config.generator_every > 0
        logged: dict[str, float] = {}
        if learns and now % config.generator_every == 0:
            x, answer, logged = self.generator_step(config.generator_lr * cosine(now, config.pseudo_batches))
            if not config.reuse:
                x, answer = self.new_samples(again=True)
            elif config.push:
                x, answer = self.pushed(x)
        else:
            x, answer = self.new_samples()
        if config.replay:
            _pool(self.state).add(x, answer)
        begin, end = self.steps_until(now), self.steps_until(now + 1)
        rate = self.student_rate(begin, end)
        for i in range(end - begin):
            if config.fresh and i:
                x, answer = self.new_samples()
            batch = self.student_batch(x, answer)
            loss, said = self.student_step(*batch, rate)
        self.state.step += 1
        if begin == end:  # at the very beginning, where the number of steps grows
            return logged
        return {
            "loss/student": float(loss),
            **beliefs(batch[1].logits, said.logits),
            "rate/student": rate,
            **logged,
        }

    def turn_on_pool(self) -> dict[str, float]:
        """As many student steps on what the pool holds: distillation with data."""
        fall = cosine(self.state.step, self.config.pseudo_batches)
        for _ in range(self.config.student_steps):
            x, answer = _pool(self.state).draw(self.config.batch_size, self.state.streams["replay"])
            loss, said = self.student_step(x, answer, self.config.student_lr * fall)
        self.state.step += 1
        return {
            "loss/student": float(loss),
            **beliefs(answer.logits, said.logits),
            "rate/student": self.config.student_lr * fall,
        }

    @torch.no_grad()
    def fill(self, batches: Iterator[Batch]) -> None:
        """Ask the teacher about given samples, once each, and keep its answers."""
        for batch in batches:
            x = tuple(t.to(self.device) for t in batch)
            _pool(self.state).add(x, self.ask(self.players.teacher, x))

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


def first(draws: list[Draw], n: int) -> Draw:
    """The first ``n`` samples of several draws as one draw; what they cost is averaged."""
    x = draws[0].x
    for draw in draws[1:]:
        x = tuple(cat(a, b) for a, b in zip(x, draw.x, strict=True))
    log_probs = [draw.log_prob for draw in draws if draw.log_prob is not None]
    choices = [draw.choice for draw in draws if draw.choice is not None]
    costs = [draw.cost for draw in draws if draw.cost is not None]
    return Draw(
        tuple(t[:n] for t in x),
        log_prob=torch.cat(log_probs)[:n] if log_probs else None,
        choice=torch.cat(choices)[:n] if choices else None,
        cost=torch.stack(costs).mean() if costs else None,
    )


def beliefs(teacher: Tensor, student: Tensor) -> dict[str, float]:
    """How sure both are, how far apart, and the teacher's classes: (B, K) of logits each."""
    if not teacher.shape[1]:
        return {}
    p, q = teacher.softmax(1), student.softmax(1)
    histogram = torch.bincount(teacher.argmax(1), minlength=teacher.shape[1]) / len(teacher)
    return {
        "kl/pseudo": float(divergence(teacher, student).mean()),
        "confidence/teacher": float(p.amax(1).mean()),
        "confidence/student": float(q.amax(1).mean()),
        "agreement/pseudo": float((p.argmax(1) == q.argmax(1)).float().mean()),
        **{f"teacher_class/{k}": float(share) for k, share in enumerate(histogram)},
    }
