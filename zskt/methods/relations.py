"""How the student's features of a sample relate to the teacher's of the same and of earlier samples: a contrast.

K. He et al., "Momentum contrast" (MoCo), arXiv:1911.05722, with a queue of the teacher's features as
negatives. Of the queue, sorted by how alike they are to each sample, a window counts, which moves from those that are
told apart easily to the hard ones: so AdaDFKD asks for samples of growing difficulty.

Shapes: B batch, N negatives kept, C channels of a feature.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zskt.parallel.collectives import whole


def pooled(layers: Sequence[Tensor], logits: Tensor) -> Tensor:
    """Return the last captured layer (B, C, ...), averaged over positions, or the logits (B, K) if there is none."""
    if not layers:
        return logits
    layer = layers[-1]
    return layer.flatten(2).mean(2) if layer.dim() > 2 else layer


class Relations(nn.Module):
    """A contrast with a queue of the teacher's features.

    Args:
        channels: C of the teacher's features, and of the student's; where these differ, the student's pass a fixed
            random map, as no trained one would be known to whom the contrast is shown first.
        size: N.
        temperature: of the softmax over similarities.
        length: share of the queue in the window.
    """

    def __init__(
        self, channels: tuple[int, int], size: int, temperature: float, length: float, rng: torch.Generator
    ) -> None:
        super().__init__()
        self.temperature, self.length = temperature, length
        teacher, student = channels
        self.register_buffer("queue", torch.zeros(size, teacher, device=rng.device))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64, device=rng.device))
        drawn = torch.randn(student, teacher, generator=rng, device=rng.device) / student**0.5
        self.register_buffer("map", torch.eye(teacher, device=rng.device) if teacher == student else drawn)

    def forward(self, teacher: Tensor, student: Tensor, hardness: float) -> Tensor:
        """Return -log of the share of the sample's own pair among pairs: features (B, C) each -> (B,), nats.

        Args:
            hardness: share of the queue, from the easiest on, that is left out below the window.
        """
        t = nn.functional.normalize(teacher, dim=1)
        s = nn.functional.normalize(student @ self.get_buffer("map"), dim=1)
        own = (t * s).sum(1, keepdim=True) / self.temperature
        queue = self.get_buffer("queue")[: int(self.get_buffer("seen"))].clone()  # `add` comes before the gradient
        count = round(self.length * len(queue))
        if not count:
            return 0 * own.squeeze(1)
        easiest = min(round(hardness * len(queue)), len(queue) - count)
        others = without_extremes(s @ queue.T / self.temperature, easiest, len(queue) - count - easiest)
        both = torch.cat([own, others], 1)
        return torch.logsumexp(both, 1) - own.squeeze(1)

    @torch.no_grad()
    def add(self, teacher: Tensor) -> None:
        """Keep the teacher's features (B, C) of all ranks; the oldest make room."""
        features = nn.functional.normalize(whole(teacher.detach()), dim=1)
        queue, seen = self.get_buffer("queue"), self.get_buffer("seen")
        queue.copy_(torch.cat([features, queue])[: len(queue)])
        seen.copy_(torch.clamp(seen + len(features), max=len(queue)))


def without_extremes(rows: Tensor, lowest: int, highest: int) -> Tensor:
    """Return (B, N) with so many of the lowest and of the highest of each row at minus infinity.

    Finding them takes a third of the time of sorting, or less.
    """
    left_out = [
        rows.detach().topk(count, 1, largest=largest, sorted=False).indices
        for count, largest in ((lowest, False), (highest, True))
        if count
    ]
    return rows.scatter(1, torch.cat(left_out, 1), -torch.inf) if left_out else rows
