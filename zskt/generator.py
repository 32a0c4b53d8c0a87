"""What every generator is: a module that turns latent variables into pseudo-samples.

Shapes: B batch, Z latent size, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.padding import cat
from zskt.parallel.collectives import own, share_of, stream_beside
from zskt.parallel.ranks import world


@dataclass(frozen=True)
class Draft:
    """Pseudo-samples before their last, fixed steps: what a generator's parameters decide, and what makes them.

    A method without gradient moves the numbers and looks what becomes of the samples.
    """

    numbers: Tensor
    """(B, D), continuous, with graph to the generator's parameters."""
    make: Callable[[Tensor, Tensor], tuple[PseudoBatch, Tensor]]
    """Numbers (n, D) in place of those of rows (n,) -> pseudo-samples of m <= n of them, and which these are, (m,).
    What is random is drawn alike in each call, as far as as much is drawn."""
    log_prob: Tensor | None = None
    """(B,), as in `PseudoBatch`; so are the two that follow."""
    component: Tensor | None = None
    penalty: Tensor | None = None


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
    difference_step: float = 1e-3
    """Euclidean length by which the numbers of a `Draft` are moved for a finite difference."""

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> at most B pseudo-samples; ``rng`` draws what is discrete.

        Args:
            labels: (B,), the classes that a conditional generator is asked for; others ignore them.
        """
        raise NotImplementedError

    def draft(self, z: Tensor, rng: torch.Generator) -> Draft:
        """Turn z (B, Z) into a draft, whose numbers are by default the real numbers of the samples themselves.

        Raises:
            UserError: if samples are fewer than z: a generator of such has a draft of its own.
        """
        batch: PseudoBatch = self(z, rng)
        if len(batch.x[0]) != len(z):
            raise UserError(f"generator {type(self).__name__}: leaves samples out, and has no draft() of its own")
        real = [t for t in batch.x if t.is_floating_point()]
        sizes = [t[0].numel() for t in real]

        def make(numbers: Tensor, rows: Tensor) -> tuple[PseudoBatch, Tensor]:
            parts = iter(torch.split(numbers, sizes, 1))
            x = tuple(next(parts).view(-1, *t.shape[1:]) if t.is_floating_point() else t[rows] for t in batch.x)
            return PseudoBatch(x), torch.arange(len(rows), device=rows.device)

        numbers = torch.cat([t.flatten(1) for t in real], 1)
        return Draft(numbers, make, batch.log_prob, batch.component, batch.penalty)

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


def noise_of(rng: torch.Generator) -> Callable[[], torch.Generator]:
    """Return what makes streams that all begin alike, at a place that is drawn from ``rng``."""
    seed = int(torch.randint(2**62, (1,), generator=rng, device=rng.device))
    return lambda: torch.Generator(rng.device).manual_seed(seed)


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
