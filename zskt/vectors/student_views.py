"""Views of vectors: some of the features.

Shapes: B samples, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError, lookup
from zskt.vectors.inputs import VectorInputs
from zskt.viewed import View


@dataclass(frozen=True)
class Columns:
    """Keep some of the features."""

    rows: tuple[int, ...]
    """Their positions."""

    def __call__(self, x: Tensor) -> Batch:
        """(B, F) -> ((B, f),)."""
        return (x[:, list(self.rows)],)


def features(inputs: VectorInputs, argument: str) -> View:
    """Make ``features:NAMES``: features, or one-hot groups, with commas.

    Raises:
        UserError: if there is none of a name.
    """
    names = [name for name in argument.split(",") if name]
    if not names:
        raise UserError("say which features the student sees: features:NAME,NAME")
    known = {name: (i,) for i, name in enumerate(inputs.names)} | inputs.groups
    rows = tuple(sorted({i for name in names for i in lookup(known, name, "feature", "--mode inspect")}))
    return View(Columns(rows), inputs.only(rows))


VIEWS = {"features": features}
"""Views of vectors, by name."""
