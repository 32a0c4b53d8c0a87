"""Who takes part in a game, and whose layers are compared with whose.

Shapes: B batch, Z latent.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from zskt.checkpoint import TrainState
from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.forward import Output, ask
from zskt.generator import Generator


@dataclass
class Pair:
    """Who takes part; the generator is None where samples are given instead."""

    teacher: nn.Module
    student: nn.Module
    generator: Generator | None = None

    @property
    def scale(self) -> torch.Tensor | None:
        """(R,), the spread of the teacher's regressed values, kept by a student that has such; else None."""
        found = getattr(self.student, "scale", None)
        return found if isinstance(found, torch.Tensor) else None

    def layers(self, network: nn.Module, matched: float) -> tuple[str, ...]:
        """Names of the layers to watch: none if they are not ``matched``, else as many as both have, from the end.

        Where one network has fewer blocks, its blocks answer the other's last ones.
        """
        if not matched:
            return ()
        names = [getattr(n, "attention_layers", ()) for n in (self.teacher, self.student)]
        watched: tuple[str, ...] = getattr(network, "attention_layers", ())
        return watched[len(watched) - min(len(n) for n in names) :]

    def ask(self, network: nn.Module, x: Batch, beta: float = 0.0, hint: float = 0.0) -> Output:
        """What a network says, its attention maps if they have a price ``beta``, its layers if ``hint`` is theirs."""
        return ask(network, x, self.layers(network, beta or hint), maps=beta > 0, whole=hint > 0)

    @torch.no_grad()
    def require_layers_that_match(self, x: Batch | None, device: torch.device, *, whole: bool = False) -> None:
        """See, before a run begins, that the attention maps of both have the same resolutions.

        Args:
            x: a small batch; None takes one of the generator's. Modes and random streams stay as they were.
            whole: see that the layers have the same channels, too.

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
        said = [self.ask(n, x, beta=1.0, hint=1.0) for n in (self.teacher, self.student)]
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)
        layers = [[tuple(a.shape[1:]) for a in answer.activations] for answer in said]
        if whole and not layers[0]:
            raise UserError("hint: teacher or student has no blocks to compare; take --set hint=0")
        if whole and layers[0] != layers[1]:
            raise UserError(
                f"hint: the teacher's blocks put out {layers[0]}, the student's {layers[1]}: choose a --student of the "
                "teacher's widths, or take --set hint=0"
            )
        shapes = [[a.shape[1] for a in answer.attention] for answer in said]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"the teacher's attention maps have {shapes[0]} positions, the student's {shapes[1]}: "
                "choose a --student of the same resolutions, or a --preset without attention match"
            )


@dataclass(frozen=True)
class CountedTeacher:
    """The frozen teacher: each of its answers is counted."""

    players: Pair
    beta: float
    """Price of the match of attention maps; without one, none are taken."""
    state: TrainState

    def __call__(self, x: Batch, hint: float = 0.0) -> Output:
        """With what its layers put out, if they have a price ``hint``."""
        self.state.count("teacher_queries", len(x[0]))
        return self.players.ask(self.players.teacher, x, self.beta, hint)
