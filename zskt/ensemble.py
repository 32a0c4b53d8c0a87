"""Who answers where a teacher is several networks: the mean of their beliefs, or one of them drawn for each sample.

Shapes: B batch, M members, K classes, L independent labels, R regressed values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.parallel.collectives import own
from zskt.parallel.ranks import world

DRAWS = ("", "member", "dropout")
"""What is drawn for each question: nothing, a member of the ensemble, or the units that dropout leaves out."""


class Ensemble(nn.Module):
    """A teacher that is M networks with the same inputs and outputs; it answers their mean.

    Of classes that is the mean of their probabilities, as the log of it, which is what many analyses use of k-fold
    trainings; of independent labels the mean of each, as its logit; of regressed values the mean.

    Args:
        members: answer (B, K + R) each.

    Raises:
        UserError: if they answer different things.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(members)
        first = members[0]
        self.regressions: int = getattr(first, "regressions", 0)
        self.bernoulli = bool(getattr(first, "bernoulli", False))
        self.gaussians = getattr(first, "gaussians", ())
        self.differentiable = all(getattr(member, "differentiable", True) for member in members)
        self.published = sum(p.numel() for p in self.parameters())
        """Number of parameters of all files together."""
        self.members = nn.Identity()
        """What the members believe passes through it, (B, M, K) log probabilities: see `zskt.forward.MEMBERS`."""
        heads = {(getattr(m, "regressions", 0), bool(getattr(m, "bernoulli", False))) for m in members}
        if len(heads) > 1:
            raise UserError("--teacher-path: some of the networks regress values or answer labels that others do not")

    def forward(self, *x: Tensor) -> Tensor:
        """Return the logarithm of the mean probabilities and the mean values: (B, K + R)."""
        answers = [network(*x) for network in self.networks]
        shapes = {tuple(map(int, answer.shape[1:])) for answer in answers}  # in a trace sizes are tensors
        if len(shapes) > 1:
            raise UserError(f"--teacher-path: the networks answer {sorted(shapes)}; give networks of the same classes")
        stacked = torch.stack(answers, 1)  # (B, M, K + R)
        split = stacked.shape[2] - self.regressions
        logits, values = stacked[..., :split], stacked[..., split:].mean(1)
        if self.bernoulli:
            return torch.cat([_mean_of_labels(logits), values], 1)
        log_p: Tensor = self.members(torch.log_softmax(logits, 2))
        return torch.cat([torch.logsumexp(log_p, 1) - math.log(len(answers)), values], 1)


def _mean_of_labels(logits: Tensor) -> Tensor:
    """Return the logit of the mean probability of each label, (B, M, L) -> (B, L)."""
    yes = torch.logsumexp(nn.functional.logsigmoid(logits), 1)
    no = torch.logsumexp(nn.functional.logsigmoid(-logits), 1)
    return yes - no


class Drawn(nn.Module):
    """A teacher of which one is drawn for each question: a member of an ensemble, or what dropout leaves of a network.

    The KL is linear in the teacher's probabilities up to a constant, so that the gradient of the student is that of the
    mean, without bias (S. Rota Bulo, L. Porzi and P. Kontschieder, "Dropout distillation", ICML 2016; A. Korattikara
    et al., "Bayesian dark knowledge", arXiv:1506.04416), at the price of one network a question.

    Args:
        teacher: an `Ensemble`, or a network with dropout.
        kind: "member" or "dropout".
        rng: the random stream of the draws.

    Raises:
        UserError: if there is nothing to draw.
    """

    replayable = False
    draws = True
    """Whether it would answer otherwise if it were asked again: no answer of it is kept where that can be helped."""

    def __init__(self, teacher: nn.Module, kind: str, rng: torch.Generator) -> None:
        super().__init__()
        self.teacher, self.kind, self.rng = teacher, kind, rng
        self.regressions: int = getattr(teacher, "regressions", 0)
        self.bernoulli = bool(getattr(teacher, "bernoulli", False))
        self.gaussians = getattr(teacher, "gaussians", ())
        self.differentiable = bool(getattr(teacher, "differentiable", True))
        self.attention_layers = tuple(f"teacher.{name}" for name in getattr(teacher, "attention_layers", ()))
        self.dropouts = [m for m in teacher.modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0]
        if kind == "member" and not isinstance(teacher, Ensemble):
            raise UserError("teacher_draw member: the teacher is one network; give several: --teacher-path A B C")
        if kind == "dropout" and not self.dropouts:
            raise UserError(
                "teacher_draw dropout: the teacher has no dropout layers (files that are exported for use have none); "
                "leave it out"
            )
        if kind == "dropout" and world().size > 1:
            raise UserError("teacher_draw dropout: works in one process; take teacher_draw=member, or no torchrun")

    def forward(self, *x: Tensor) -> Tensor:
        """Return what those who are drawn answer: (B, K + R)."""
        return self._of_members(x) if self.kind == "member" else self._thinned(x)

    def _of_members(self, x: Sequence[Tensor]) -> Tensor:
        assert isinstance(self.teacher, Ensemble)
        networks = list(self.teacher.networks)
        count = len(x[0]) * world().size
        chosen = own(torch.randint(len(networks), (count,), generator=self.rng, device=self.rng.device))
        chosen = chosen.to(x[0].device)
        rows = [(chosen == i).nonzero().squeeze(1) for i in range(len(networks))]
        asked = [(network, r) for network, r in zip(networks, rows, strict=True) if len(r)]
        answers = torch.cat([network(*(t[r] for t in x)) for network, r in asked])
        answer: Tensor = answers[torch.cat([r for _, r in asked]).argsort()]
        return answer

    def _thinned(self, x: Sequence[Tensor]) -> Tensor:
        seed = int(torch.randint(2**62, (), generator=self.rng, device=self.rng.device))
        with torch.random.fork_rng(devices=[x[0].device] if x[0].is_cuda else []):
            torch.manual_seed(seed)
            for layer in self.dropouts:
                layer.train()
            try:
                answer: Tensor = self.teacher(*x)
            finally:
                for layer in self.dropouts:
                    layer.eval()
        return answer
