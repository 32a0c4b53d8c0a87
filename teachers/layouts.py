"""Layouts of a network's inputs: which axis counts jets, variables and entries.

Here every input is (B, C, P), or (B, C) of the jet itself. Experiments write (B, P, C) (CMS's DeepJet and
ParticleTransformer, ATLAS), (B, C, P, 1) (DeepAK8), or (P, C) for one jet a call (ATLAS's GN2). A layout is a word with
a letter for each axis: B jets, C variables, P entries, 1 an axis of one.

Shapes: B jets, C variables, P entries of a collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from teachers.network_file import Argument, Axis
from zskt.errors import UserError, lookup
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.outputs import as_outputs

CANONICAL = ("BCP", "BC")
"""Layouts in which nothing is moved."""
OF_ENTRIES = ("BCP", "BPC", "BCP1", "BPC1", "B1CP", "B1PC", "PC", "CP", "1PC", "1CP")
"""Layouts of an input of many entries, the usual ones first."""
OF_ONE_VARIABLE = ("BP", "P", "1P")
"""Further ones where there is but one variable: masks."""
OF_JET = ("BCP", "BC", "BPC", "BCP1", "BPC1", "C", "1C", "PC", "CP")
"""Layouts of an input with numbers of the jet itself."""


def is_layout(word: str) -> bool:
    """Return whether a user's word is a layout: letters B, C, P at most once each, and 1."""
    letters = word.replace("1", "")
    return bool(word) and set(letters) <= set("BCP") and len(set(letters)) == len(letters) and len(word) <= 4


def with_layouts(preprocess: Preprocess, layouts: Sequence[tuple[str, str]]) -> Preprocess:
    """Return the same inputs, some of them in the user's layouts.

    Raises:
        UserError: if there is no such input, or a word is no layout.
    """
    chosen = dict(layouts)
    for name, word in layouts:
        lookup({group.name: group for group in preprocess.groups}, name, "input of the network")
        if not is_layout(word):
            raise UserError(
                f"--layout {name}={word}: write an axis as a letter: B jets, C variables, P entries, 1 an axis of one, "
                f"as --layout {name}=BPC"
            )
    groups = tuple(replace(g, layout=chosen.get(g.name, g.layout)) for g in preprocess.groups)
    return replace(preprocess, groups=groups)


def takes_one_jet(layout: str) -> bool:
    """Return whether a network of this layout takes one jet a call."""
    return "B" not in layout


def arrange(x: Tensor, layout: str) -> Tensor:
    """Bring an input from (B, C, P), or (B, C), into a layout; of a layout without B, x is one jet."""
    if layout == ("BC" if x.dim() == 2 else "BCP"):
        return x
    x = x.unsqueeze(2) if x.dim() == 2 else x
    letters = [letter for letter in layout if letter != "1"]
    for axis, letter in ((2, "P"), (1, "C"), (0, "B")):
        if letter not in letters:
            x = x.squeeze(axis)
    present = [letter for letter in "BCP" if letter in letters]
    x = x.permute([present.index(letter) for letter in letters])
    for axis, letter in enumerate(layout):
        if letter == "1":
            x = x.unsqueeze(axis)
    return x


def layouts_of(argument: Argument, group: InputGroup) -> list[str]:
    """List the layouts that an argument may have, by its shape, if the file tells one: the most plausible first.

    An axis of variables that is fixed to their number counts more than one that is free.
    """
    of_jet = group.max_length == 1 and not group.is_mask
    layouts = OF_JET if of_jet else OF_ENTRIES + (OF_ONE_VARIABLE if len(group.variables) == 1 else ())
    if group.layout:
        layouts = (group.layout,)
    if argument.shape is None:
        return list(layouts)
    fitting = {word: score for word in layouts if (score := _fit(argument.shape, word, group)) is not None}
    best = max(fitting.values(), default=0)
    return [word for word, score in fitting.items() if score == best]


def _fit(shape: Sequence[Axis], layout: str, group: InputGroup) -> int | None:
    """Score how well a layout fits a shape; None if it does not.

    What speaks for it: as many variables as described on a fixed axis; entries on a free axis, or one of their number.
    """
    if len(shape) != len(layout):
        return None
    score = 0
    for size, letter in zip(shape, layout, strict=True):
        fixed = size if isinstance(size, int) else None
        if letter == "C":
            if fixed is not None and fixed != len(group.variables):
                return None
            score += FIXED_VARIABLES if fixed is not None else 0
        elif letter == "P":
            free_in_words = isinstance(size, str) and any(word in size.lower() for word in ENTRY_WORDS)
            if group.max_length > 1:
                score += NAMED_ENTRIES if free_in_words else POSSIBLE_ENTRIES * (fixed in (None, group.max_length))
        elif letter == "1" and fixed not in (1, None):
            return None
        elif letter == "B" and isinstance(size, str) and any(word in size.lower() for word in ENTRY_WORDS):
            score -= NAMED_ENTRIES
    return score


ENTRY_WORDS = ("n_", "npf", "track", "part", "cand", "cpf", "sv", "vtx", "seq", "len", "point", "const")
"""What names of axes that count entries contain."""
FIXED_VARIABLES, NAMED_ENTRIES, POSSIBLE_ENTRIES = 4, 2, 1
"""What speaks for a layout, by weight: a fixed axis as long as there are variables, one named after entries, one
that is free or as long as there may be entries."""


class Arranged(nn.Module):
    """A network from a file, fed with (B, C, P) whatever order and layouts its own inputs have.

    Args:
        network: called with its own inputs; returns a tensor, or several.
        order: for each of its arguments, the position of its input in the description; inputs that the exporter dropped
            are not among them.
        layouts: the layout of each argument.
        kept: positions of the outputs that are answers about the jet, in order; None for all.
    """

    def __init__(
        self, network: nn.Module, order: Sequence[int], layouts: Sequence[str], kept: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.network, self.order, self.layouts = network, tuple(order), tuple(layouts)
        self.kept = None if kept is None else tuple(kept)
        self.origin: str = getattr(network, "origin", "")
        self.published: int | None = getattr(network, "published", None)
        self.differentiable: bool = getattr(network, "differentiable", True)

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Call the network with inputs in the order of the description."""
        return self.answers(self.network(*self.arguments(x)))

    def answers(self, result: Any) -> tuple[Tensor, ...]:
        """Return those outputs of the network that are answers about the jet."""
        outputs = as_outputs(result)
        return outputs if self.kept is None else tuple(outputs[i] for i in self.kept)

    def arguments(self, x: Sequence[Tensor]) -> list[Tensor]:
        """Return the network's own inputs, in its order and layouts."""
        return [arrange(x[i], layout) for i, layout in zip(self.order, self.layouts, strict=True)]
