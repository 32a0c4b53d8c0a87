"""Who takes part in a game, and whose layers are compared with whose.

Shapes: B batch, Z latent.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .errors import UserError
from .game import Answer, Batch, ask
from .state import State


@dataclass
class Players:
    """Who takes part; the generator is None where samples are given instead."""

    teacher: nn.Module
    student: nn.Module
    generator: nn.Module | None = None

    @property
    def scale(self) -> torch.Tensor | None:
        """(R,), the spread of the teacher's regressed values, kept by a student that has such; else None."""
        found = getattr(self.student, "scale", None)
        return found if isinstance(found, torch.Tensor) else None

    def layers(self, network: nn.Module, beta: float) -> tuple[str, ...]:
        """Names of the layers to watch: none without attention match, else as many as both networks have, from the end.

        Where one network has fewer blocks, its blocks answer the other's last ones.
        """
        if not beta:
            return ()
        names = [getattr(n, "attention_layers", ()) for n in (self.teacher, self.student)]
        watched: tuple[str, ...] = getattr(network, "attention_layers", ())
        return watched[len(watched) - min(len(n) for n in names) :]

    def ask(self, network: nn.Module, x: Batch, beta: float = 0.0) -> Answer:
        """What a network says, and its attention maps if they have a price ``beta``."""
        return ask(network, x, self.layers(network, beta))

    @torch.no_grad()
    def require_maps_that_match(self, x: Batch | None, device: torch.device) -> None:
        """See, before a run begins, that the attention maps of both have the same resolutions.

        Args:
            x: a small batch; None takes one of the generator's. Modes and random streams stay as they were.

        Raises:
            UserError: if they have not.
        """
        networks = [n for n in (self.teacher, self.student, self.generator) if n is not None]
        modes = [network.training for network in networks]
        for network in networks:
            network.eval()
        if x is None:
            assert self.generator is not None
            size: int = self.generator.latent_size  # type: ignore[assignment]
            rng = torch.Generator(device).manual_seed(0)
            x = self.generator(torch.randn(16, size, generator=rng, device=device), rng).x
        x = tuple(t.to(device) for t in x)
        maps = [self.ask(n, x, 1.0).attention for n in (self.teacher, self.student)]
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)
        shapes = [[a.shape[1] for a in side] for side in maps]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"the teacher's attention maps have {shapes[0]} positions, the student's {shapes[1]}: "
                "choose a --student of the same resolutions, or a --preset without attention match"
            )


@dataclass(frozen=True)
class Oracle:
    """The frozen teacher: each of its answers is counted."""

    players: Players
    beta: float
    """Price of the match of attention maps; without one, none are taken."""
    state: State

    def __call__(self, x: Batch) -> Answer:
        self.state.count("teacher_answers", len(x[0]))
        return self.players.ask(self.players.teacher, x, self.beta)
