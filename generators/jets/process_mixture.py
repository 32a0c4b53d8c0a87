"""An adversary over discrete components: the mixture of hard processes that disagrees most with the student.

Of all mixtures pi, E_pi[reward] - tau KL(pi || prior) is largest for prior * exp(reward / tau). No gradient is needed:
it is enough to remember the mean reward of each component. Exponential weights, as in Y. Freund and
R. E. Schapire, J. Comput. Syst. Sci. 55 (1997) 119, with a memory that fades because the student changes.

Which classes a teacher sees in each component is learned from its answers, and inverted by Bayes' theorem.

Shapes: B samples, H components, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MEMORY_PER_BATCH = 0.98
"""Factor on the weight of earlier rewards with every batch: about 50 batches count."""
PRIOR_ANSWERS = 1.0
"""Number of answers, equal to all classes, that are added to those about each component."""
PRIOR_COUNTS = 10.0
"""Number of samples of mean reward that are added to each component, so that few samples move it little."""


class ExponentialWeights(nn.Module):
    """Probabilities of H components, by exponential weights.

    Args:
        prior: (H,), positive, of sum 1.
        floor: fraction of the samples that the prior draws, whatever the adversary prefers.
        tau: weight of the divergence from the prior, in units of the reward; infinite leaves the prior as it is.
    """

    def __init__(self, prior: Tensor, floor: float, tau: float) -> None:
        super().__init__()
        self.floor, self.tau = floor, tau
        self.register_buffer("prior", prior, persistent=False)
        self.register_buffer("seen", torch.zeros_like(prior))
        self.register_buffer("total", torch.zeros_like(prior))

    @torch.no_grad()
    def update(self, component: Tensor, reward: Tensor) -> None:
        """Learn from the rewards (B,) of samples of these components, (B,) of indices."""
        seen, total = self.get_buffer("seen"), self.get_buffer("total")
        seen.mul_(MEMORY_PER_BATCH).index_add_(0, component, torch.ones_like(reward))
        total.mul_(MEMORY_PER_BATCH).index_add_(0, component, reward)

    def probabilities(self) -> Tensor:
        """Probabilities of the components now, (H,)."""
        prior, seen, total = (self.get_buffer(name) for name in ("prior", "seen", "total"))
        average = total.sum() / seen.sum().clamp(min=1)
        reward = (total + PRIOR_COUNTS * average) / (seen + PRIOR_COUNTS)
        return self.floor * prior + (1 - self.floor) * torch.softmax(prior.log() + reward / self.tau, 0)


class ClassesOfComponents(nn.Module):
    """Which component makes which class: p(class | component) as a teacher has answered, inverted by Bayes' theorem.

    No name of a class is read, so it serves any teacher. Where nothing is known, a class has the mix as it is.

    Args:
        classes, components: K and H.
    """

    def __init__(self, classes: int, components: int) -> None:
        super().__init__()
        self.register_buffer("answers", torch.zeros(classes, components))

    @torch.no_grad()
    def learn(self, component: Tensor, beliefs: Tensor) -> None:
        """Learn from the probabilities (B, K) that the teacher gives to samples of these components, (B,)."""
        answers = self.get_buffer("answers").mul_(MEMORY_PER_BATCH)
        answers.index_add_(1, component, beliefs.T.to(answers.dtype))

    def likelihood(self) -> Tensor:
        """Return p(class | component), (K, H)."""
        answers = self.get_buffer("answers")
        return (answers + PRIOR_ANSWERS / len(answers)) / (answers.sum(0) + PRIOR_ANSWERS)

    def probabilities(self, mix: Tensor) -> Tensor:
        """Return p(component | class), (K, H), where the mix (H,) is the prior."""
        joint = self.likelihood() * mix
        return joint / joint.sum(1, keepdim=True)
