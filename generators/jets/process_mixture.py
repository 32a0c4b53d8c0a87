"""An adversary over discrete choices: the mix that disagrees most with the student, at a price for leaving the prior.

Among all mixes pi, E_pi[worth] - tau KL(pi || prior) is largest for prior * exp(worth / tau), so that nothing needs a
gradient: it is enough to remember what each component was worth. Exponential weights, as in Y. Freund and
R. E. Schapire, J. Comput. Syst. Sci. 55 (1997) 119, with a memory that fades because the student moves.

Shapes: B samples, H choices.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MEMORY = 0.98
"""What was observed loses this factor of weight with every batch: 50 batches count."""
PRIOR_COUNTS = 10.0
"""As many samples of average worth are added to each component: where little was seen, little is believed."""


class ExponentialWeights(nn.Module):
    """Probabilities of H choices.

    Args:
        prior: (H,), positive, of sum 1.
        floor: share of the samples that the prior draws whatever the adversary prefers.
        tau: price of leaving the prior, in units of the worth; infinite leaves the prior as it is.
    """

    def __init__(self, prior: Tensor, floor: float, tau: float) -> None:
        super().__init__()
        self.floor, self.tau = floor, tau
        self.register_buffer("prior", prior, persistent=False)
        self.register_buffer("seen", torch.zeros_like(prior))
        self.register_buffer("total", torch.zeros_like(prior))

    @torch.no_grad()
    def update(self, component: Tensor, worth: Tensor) -> None:
        """What samples of these choices were worth: (B,) of rows, (B,)."""
        seen, total = self.get_buffer("seen"), self.get_buffer("total")
        seen.mul_(MEMORY).index_add_(0, component, torch.ones_like(worth))
        total.mul_(MEMORY).index_add_(0, component, worth)

    def probabilities(self) -> Tensor:
        """(H,)"""
        prior, seen, total = (self.get_buffer(name) for name in ("prior", "seen", "total"))
        average = total.sum() / seen.sum().clamp(min=1)
        worth = (total + PRIOR_COUNTS * average) / (seen + PRIOR_COUNTS)
        return self.floor * prior + (1 - self.floor) * torch.softmax(prior.log() + worth / self.tau, 0)
