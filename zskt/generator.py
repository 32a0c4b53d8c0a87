"""What every generator is: a module that turns latent variables into pseudo-samples.

Shapes: B batch, Z latent size, K classes.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.padding import cat
from zskt.parallel.collectives import own, share_of, stream_beside
from zskt.parallel.ranks import world


class Generator(nn.Module):
    """A map from z of N(0, 1) to pseudo-samples; a subclass writes `forward`.

    A generator without trainable parameters is a prior: it is sampled and never trained.
    """

    latent_size: int = 1
    """Z"""
    replayable: bool = False
    """Whether pseudo-samples depend on z alone, and are as many as z: see `zskt.cuda_graphs.is_replayable`."""
    acceptance: float = 1.0
    """Share of latent variables that lead to a pseudo-sample inside the domain, at least."""

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> at most B pseudo-samples; ``rng`` draws what is discrete.

        Args:
            labels: (B,), the classes that a conditional generator is asked for; others ignore them.
        """
        raise NotImplementedError

    def update(self, component: Tensor, reward: Tensor) -> None:
        """Learn from rewards alone: what each mixture component (B,) was worth, (B,). Most generators do not."""

    def latent(self, count: int, rng: torch.Generator) -> Tensor:
        """Draw latent variables of N(0, 1): (count, Z)."""
        return torch.randn(count, self.latent_size, generator=rng, device=rng.device)

    def draw(self, count: int, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Draw ``count`` latent variables, and at most as many pseudo-samples from them."""
        z = self.latent(count, rng)
        batch: PseudoBatch = self(z, rng) if labels is None else self(z, rng, labels)
        return batch._replace(latent=(z,), labels=labels)

    def sample(
        self, count: int, rng: torch.Generator, labels: Tensor | None = None, latent: tuple[Tensor, ...] = ()
    ) -> PseudoBatch:
        """Draw exactly ``count`` pseudo-samples, again and again where some fall outside the domain.

        Where several processes share a run, all draw the z of the whole batch from the same stream, and each takes its
        own rows; what is drawn beside z comes from a stream of the rank.

        Args:
            count: of all ranks together.
            labels: (count,), as in `forward`.
            latent: `PseudoBatch.latent` of an earlier batch, whose z is taken again.
        """
        count, labels = share_of(count), None if labels is None else own(labels)
        n = math.ceil(count / self.acceptance)
        zs = [latent[0] if latent else own(self.latent(n * world().size, rng))]
        rng = stream_beside(rng)
        batches: list[PseudoBatch] = []
        while True:
            batches.append(self(zs[-1], rng) if labels is None else self(zs[-1], rng, labels))
            if sum(len(batch.x[0]) for batch in batches) >= count:
                return _first(batches, count)._replace(latent=tuple(zs), labels=labels)
            zs.append(latent[len(zs)] if len(zs) < len(latent) else self.latent(n, rng))


def _first(batches: list[PseudoBatch], count: int) -> PseudoBatch:
    """The first ``count`` samples of several batches as one; penalties are averaged."""
    x = batches[0].x
    for batch in batches[1:]:
        x = tuple(cat(a, b) for a, b in zip(x, batch.x, strict=True))
    log_probs = [batch.log_prob for batch in batches if batch.log_prob is not None]
    components = [batch.component for batch in batches if batch.component is not None]
    penalties = [batch.penalty for batch in batches if batch.penalty is not None]
    return PseudoBatch(
        tuple(t[:count] for t in x),
        view=None if len(batches) > 1 or batches[0].view is None else batches[0].view[:count],
        log_prob=torch.cat(log_probs)[:count] if log_probs else None,
        component=torch.cat(components)[:count] if components else None,
        penalty=torch.stack(penalties).mean() if penalties else None,
    )


def is_trainable(generator: Any) -> bool:
    """Whether a generator has parameters to train."""
    return any(p.requires_grad for p in generator.parameters())
