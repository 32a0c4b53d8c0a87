"""Checkpoints: everything that a run needs to go on as if it had never stopped, as one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from zskt.errors import UserError
from zskt.parallel.collectives import of_ranks, seed_of_rank
from zskt.parallel.ranks import world
from zskt.storage.checkpoint_file import read_last_checkpoint, write_checkpoint
from zskt.terminal import note


class Stateful(Protocol):
    """A network, an optimiser or a replay buffer: its state can be saved and loaded."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any, /) -> Any: ...


@dataclass
class TrainState:
    """The moving parts of a run. Random streams are named, so that one can never disturb another."""

    parts: dict[str, Stateful]
    """Networks, optimisers, the replay buffer, by name."""
    streams: dict[str, torch.Generator]
    step: int = 0
    """Iterations done."""
    counters: dict[str, float] = field(default_factory=dict)
    """What a run adds up: teacher queries, student steps, seconds."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    saved_step: int | None = field(default=None, init=False)
    """Iterations done in the last checkpoint; None without one."""
    _last_is_damaged: bool = field(default=False, init=False, repr=False)
    """Whether the last checkpoint is not worth keeping, as the run went on from the one before."""

    @property
    def student_steps(self) -> float:
        """Steps that the student has taken; of a method that counts none, its iterations."""
        return self.counters.get("steps", self.step)

    def count(self, what: str, n: int) -> None:
        """Add to one of the counters."""
        self.counters[what] = self.counters.get(what, 0) + n

    def save(self, path: Path, config: dict[str, Any]) -> None:
        """Write a checkpoint atomically, with the configuration that it belongs to.

        All ranks call it, and rank 0 writes, with the rows of the replay buffer that the others keep.
        """
        payload: dict[str, Any] = {
            "config": config,
            "step": self.step,
            "counters": self.counters,
            "streams": {name: stream.get_state() for name, stream in self.streams.items()},
            # Dropout and shuffles draw from torch's own stream.
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "device": self.device.type,
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }
        if world().size > 1:
            payload["torch_of_ranks"] = of_ranks(torch.get_rng_state())
            payload["cuda_of_ranks"] = None if payload["cuda"] is None else of_ranks(payload["cuda"])
        if world().leader:
            write_checkpoint(path, payload, keeps_previous=not self._last_is_damaged)
        self.saved_step, self._last_is_damaged = self.step, False

    def load(self, path: Path, config: dict[str, Any]) -> None:
        """Continue from a checkpoint; the number of ranks may be another one.

        If it is damaged the run goes on from the one before, and a line on standard error says so.

        Raises:
            UserError: if there is none, if it cannot be read, or if it belongs to another configuration.
        """
        payload, fallback = read_last_checkpoint(path)
        if fallback is not None and world().leader:
            note(f"zskt: {fallback}")
        self._last_is_damaged = fallback is not None
        differing = [k for k in config if payload["config"].get(k) != config[k]]
        if differing:
            name = differing[0]
            raise UserError(
                f"{path}: the checkpoint's {name} is {payload['config'].get(name)!r}, this run's is {config[name]!r}; "
                "resume with the flags that it was started with"
            )
        if payload["device"] != self.device.type:
            raise UserError(
                f"{path}: the run began on {payload['device']}; resume it with --device {payload['device']}"
            )
        self.step, self.counters = payload["step"], payload["counters"]
        self.saved_step = self.step
        for name, stream in self.streams.items():
            stream.set_state(payload["streams"][name])
        self._set_own_streams(payload)
        for name, part in self.parts.items():
            part.load_state_dict(payload["parts"][name])

    def _set_own_streams(self, payload: dict[str, Any]) -> None:
        """Set torch's own streams, of which each rank has its own; one that was not there has one of its own anew."""
        here, states = world(), {name: payload[name] for name in ("torch", "cuda") if payload[name] is not None}
        of_ranks: dict[str, Any] = {name: payload.get(f"{name}_of_ranks", ()) for name in states}
        known = all(len(ranks) == here.size for ranks in of_ranks.values())
        if known:  # cloned, as torch reads a state from where its storage begins
            states = {name: ranks[here.rank].clone() for name, ranks in of_ranks.items()}
        torch.set_rng_state(states["torch"])
        if "cuda" in states:
            torch.cuda.set_rng_state(states["cuda"], self.device)
        if not (known or here.leader):
            torch.manual_seed(seed_of_rank(states["torch"]))
