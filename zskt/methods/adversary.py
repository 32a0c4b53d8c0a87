"""The generator's side of a turn: pseudo-samples on which the student disagrees most with the teacher.

Shapes: B batch, Z latent, K classes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zskt.bn_statistics import capture_bn_statistics
from zskt.checkpoint import TrainState
from zskt.contracts import Batch, PseudoBatch
from zskt.experiments.config import Config
from zskt.forward import Output
from zskt.losses import ascend, class_information, divergence, entropy, generator_loss, step, value_distance
from zskt.pair import CountedTeacher, Pair
from zskt.replay import cat


class Adversary:
    """Draws pseudo-samples, and teaches the generator by what they are worth.

    Args:
        players: with a generator.
        teacher: who is asked, every answer counted.
    """

    def __init__(self, players: Pair, config: Config, state: TrainState, teacher: CountedTeacher) -> None:
        self.players, self.config, self.state, self.teacher = players, config, state, teacher
        self.latents: list[Tensor] = []

    @property
    def learns(self) -> bool:
        """Whether there is anything to teach the generator."""
        return "generator_optimizer" in self.state.parts and self.config.generator_every > 0

    def pseudo_samples(self, *, again: bool = False) -> PseudoBatch:
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
        draws: list[PseudoBatch] = []
        while sum(len(draw.x[0]) for draw in draws) < n:
            if len(draws) == len(self.latents):
                self.latents.append(
                    torch.randn(math.ceil(n / acceptance), size, generator=rng, device=self.state.device)
                )
            draws.append(generator(self.latents[len(draws)], rng))
        return first(draws, n)

    def reward(self, draw: PseudoBatch, answer: Output) -> tuple[Tensor, Tensor]:
        """What the generator gets for each sample, (B,), and the part of it that is KL(T || S), (B,)."""
        said = self.players.ask(self.players.student, draw.x)
        kl = divergence(answer.logits, said.logits, self.config.temperature)
        reward = kl
        if self.players.scale is not None and self.config.regression:
            reward = reward + self.config.regression * value_distance(answer, said, self.players.scale)
        if self.config.coverage:
            reward = reward + self.config.coverage * class_information(answer.logits)
        if self.config.certainty:
            reward = reward - self.config.certainty * entropy(answer.logits)
        if draw.component is not None:
            generator = self.players.generator
            assert generator is not None
            generator.update(draw.component, reward.detach())
        return reward, kl

    def learn(self, lr: float) -> tuple[Batch, Output, dict[str, float]]:
        """A step with gradients to the generator only; what it asked about, for the student, and what to log."""
        draw = self.pseudo_samples()
        with capture_bn_statistics(self.players.teacher if self.config.moments else None) as moments:
            answer = self.teacher(draw.x)
        reward, kl = self.reward(draw, answer)
        if moments:
            charged = self.config.moments * torch.stack(moments).mean()
            draw = draw._replace(penalty=charged if draw.penalty is None else draw.penalty + charged)
        loss = generator_loss(reward, draw.log_prob, draw.penalty)
        step(loss, self.state.optimizer("generator_optimizer", lr), self.config.clip)
        logged = {"kl/generator": float(kl.detach().mean()), "rate/generator": lr}
        if draw.penalty is not None:
            logged["penalty/generator"] = float(draw.penalty.detach())
        return tuple(t.detach() for t in draw.x), answer.detach(), logged

    @torch.no_grad()
    def new_samples(self, *, again: bool = False) -> tuple[Batch, Output]:
        draw = self.pseudo_samples(again=again)
        if self.config.push:
            return self.perturb(draw.x)
        answer = self.teacher(draw.x)
        if draw.component is not None and self.config.generator_every:
            self.reward(draw, answer)  # what was learned of the choices
        return draw.x, answer

    def perturb(self, x: Batch) -> tuple[Batch, Output]:
        """The same images, each moved by at most `Config.push` to where the student disagrees more, and the answers."""
        (start,) = (t.detach().requires_grad_() for t in x)
        with torch.enable_grad():
            asked = self.teacher((start,))
            kl = divergence(asked.logits, self.players.student(start), self.config.temperature)
            share = torch.rand(len(start), generator=self.state.streams["latent"], device=self.state.device)
            moved = (ascend(start, kl, self.config.push * share),)
        with torch.no_grad():
            return moved, self.teacher(moved)


def first(draws: list[PseudoBatch], n: int) -> PseudoBatch:
    """The first ``n`` samples of several draws as one draw; what they penalty is averaged."""
    x = draws[0].x
    for draw in draws[1:]:
        x = tuple(cat(a, b) for a, b in zip(x, draw.x, strict=True))
    log_probs = [draw.log_prob for draw in draws if draw.log_prob is not None]
    choices = [draw.component for draw in draws if draw.component is not None]
    costs = [draw.penalty for draw in draws if draw.penalty is not None]
    return PseudoBatch(
        tuple(t[:n] for t in x),
        log_prob=torch.cat(log_probs)[:n] if log_probs else None,
        component=torch.cat(choices)[:n] if choices else None,
        penalty=torch.stack(costs).mean() if costs else None,
    )
