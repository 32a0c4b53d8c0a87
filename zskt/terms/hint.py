"""The term that matches the outputs of blocks, through a learned 1 x 1 regressor where their widths differ.

Shapes: B batch, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.forward import Output
from zskt.losses import hint_distance
from zskt.terms.term import LearnedPart, Term, Trial


class Regressor(nn.Module):
    """Map the channels of a student's block to those of its teacher's, the same at every position.

    A. Romero et al., "FitNets", arXiv:1412.6550, section 2.2, have a regressor of convolutions; of 1 x 1 it needs
    the fewest parameters. It has no bias: where there is no particle, both blocks are 0 and stay so.

    Args:
        rng: draws the initial weights.
    """

    def __init__(self, student: int, teacher: int, rng: torch.Generator) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(teacher, student, generator=rng) / math.sqrt(student))

    def forward(self, block: Tensor) -> Tensor:
        """(B, C of the student, positions...) -> (B, C of the teacher, positions...)."""
        mapped: Tensor = torch.einsum("tc,bc...->bt...", self.weight, block)
        return mapped


@dataclass
class Hint(Term):
    """The match of the outputs of blocks, `hint_distance`; too large to be kept for replay.

    A. Romero et al., "FitNets: hints for thin deep nets", arXiv:1412.6550, equation 3. Where a student's blocks have
    other widths than its teacher's, a `Regressor` each is learned with it; no export has them. There the paper trains
    the student up to its block first; here the hints are a term all along.
    """

    name = "hint distance"
    needs_layers = True
    cacheable = False
    needs_preparation = True
    _part: LearnedPart | None = field(default=None, init=False, compare=False, repr=False)
    """None of equal widths, else one with a `Regressor` a block."""

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        return {f"activation.{i}": a for i, a in enumerate(layers)}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        blocks = student.numbered("activation")
        if self.part is not None:
            assert isinstance(self.part.network, nn.ModuleList)
            blocks = [regressor(block) for regressor, block in zip(self.part.network, blocks, strict=True)]
        return hint_distance(teacher.numbered("activation"), blocks)

    def check(self, teacher: Output, student: Output) -> None:
        shapes = [[tuple(a.shape[1:]) for a in output.numbered("activation")] for output in (teacher, student)]
        if not shapes[0]:
            raise UserError("hint_weight: teacher or student has no blocks to compare; take --set hint_weight=0")
        if [shape[1:] for shape in shapes[0]] != [shape[1:] for shape in shapes[1]]:
            raise UserError(
                f"hint_weight: the teacher's blocks put out {shapes[0]}, the student's {shapes[1]}: choose a --student "
                "of the same resolutions, or take --set hint_weight=0"
            )

    def prepare(self, trial: Trial) -> None:
        widths = [[a.shape[1] for a in output.numbered("activation")] for output in (trial.student, trial.teacher)]
        if widths[0] == widths[1]:
            return
        rng = torch.Generator().manual_seed(trial.seed)
        regressors = nn.ModuleList(Regressor(s, t, rng) for s, t in zip(*widths, strict=True))
        self._part = LearnedPart(regressors.to(trial.student.logits.device), 0.0)

    @property
    def part(self) -> LearnedPart | None:
        return self._part

    def learn(self, teacher: Output, student: Output, rate: float) -> None:
        """Follow the gradient of the distance by the regressors: with the student's own, one step on both."""
        assert self.part is not None
        self.part.step(self.distance(teacher, student), rate)
