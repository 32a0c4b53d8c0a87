"""What a teacher makes of each sample, as one vector: means over the sample of what its normalisations are given.

G. Fang et al., "Contrastive model inversion", arXiv:2105.08584. A teacher whose normalisations see the particles of all
jets in one list, or that has none, is described by the outputs of its blocks (``attention_layers``), or by its logits.

Shapes: B samples, C channels, D features, K classes, N kept at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zskt.bn_statistics import normalisations
from zskt.contracts import Batch


class InstanceFeatures:
    """The layers of a teacher that describe single samples.

    Args:
        x: a few samples, (B, ...) each, on which layers are tried.
    """

    def __init__(self, teacher: nn.Module, x: Batch) -> None:
        self.inputs: list[nn.Module] = [*normalisations(teacher)]
        self.outputs: list[nn.Module] = []
        with torch.no_grad(), self.measure() as found:
            teacher(*x)
        if any(len(features) != len(x[0]) for features in found):  # lists of particles
            self.inputs = []
        if not self.inputs:
            names: tuple[str, ...] = getattr(teacher, "attention_layers", ())
            self.outputs = [teacher.get_submodule(name) for name in names]

    @contextmanager
    def measure(self) -> Iterator[list[Tensor]]:
        """Collect (B, C) of each layer while the teacher runs, with graph."""
        found: list[Tensor] = []
        handles = [m.register_forward_pre_hook(lambda _, x: found.append(_mean(x[0]))) for m in self.inputs]
        handles += [m.register_forward_hook(lambda _, x, y: found.append(_mean(y))) for m in self.outputs]
        try:
            yield found
        finally:
            for handle in handles:
                handle.remove()

    def of(self, found: list[Tensor], logits: Tensor) -> Tensor:
        """Return the features of each sample, (B, D): what was measured, or the logits (B, K) if nothing was."""
        return torch.cat(found, 1) if found else logits


def _mean(x: Tensor) -> Tensor:
    """(B, C, ...) -> (B, C)."""
    return x.flatten(2).mean(2) if x.dim() > 2 else x


class FeatureMemory:
    """A ring of the features of the latest N samples, both views of each.

    Args:
        size: N.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.size, self.device = size, device
        self.rows = torch.zeros(0, 2, 0, device=device)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, local: Tensor, whole: Tensor) -> None:
        """Keep the features of local and global views, (B, D) each; the oldest make room."""
        latest = torch.stack([local, whole], 1).detach()
        self.rows = (torch.cat([self.rows, latest]) if len(self) else latest)[-self.size :]

    def draw(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw at most ``count`` samples, none twice: the features of both views, (n, D) each."""
        rows = torch.randperm(len(self), generator=rng, device=rng.device)[:count].to(self.device)
        local, whole = self.rows[rows].unbind(1)
        return local, whole

    def state_dict(self) -> dict[str, Any]:
        """Return what is kept."""
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what was kept."""
        self.rows = state["rows"].to(self.device)
