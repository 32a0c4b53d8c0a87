"""Variables that a tagger's own file defines: compared with ours, computed as the file says, or named as not known.

Weaver's ``new_variables`` are expressions of the branches of its training files; ATLAS's variables are written so here.
A branch is what JetClass, or CMS, calls so (`RAW_VARIABLES`, `zskt.jets.variable_names`).

Shapes: B jets, P entries. GeV, mm in the branches of JetClass, radians.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from zskt.jets.axis import Jet
from zskt.jets.collections import Collection
from zskt.jets.expressions import LARGE, Expression
from zskt.jets.jets import Jets
from zskt.jets.tracks import reconstruct
from zskt.jets.variable_names import find_variable, kind_of
from zskt.jets.variables import MISSING_LOG, RAW_VARIABLES, Quantity, VariableDefinition

N_COMPARED_JETS = 64
"""Random jets on which a definition of a file is compared with ours."""
TOLERANCE = 1e-3
"""Definitions that differ by less, in units of the variable's size, are the same."""

SHARE_ALIKE = 0.995
"""Share of the entries in which the same definitions differ by so little: rounding may tip a few."""


class FileDefinition(NamedTuple):
    """A variable as a file defines it."""

    name: str
    expression: str
    """What it is made of; empty where that is not known."""
    words: str = ""
    """Its meaning, where the expression is ours, of branches alone; "" where it is the file's, of definitions, too."""


Definitions = Mapping[str, FileDefinition]


class Meaning(NamedTuple):
    """What a name stands for."""

    definition: VariableDefinition | None
    """How it is computed; None where that is not known."""
    reason: str = ""
    """Why it is not known, where there is more to say."""


def meaning(name: str, kind: str, definitions: Definitions) -> Meaning:
    """Find what a variable of objects of this kind stands for: the file's definition first, then its name."""
    if name not in definitions:
        return Meaning(find_variable(name, kind))
    entry = definitions[name]
    if not entry.expression:
        return Meaning(None, entry.words)
    as_defined = _defined(name, kind, definitions, ())
    ours = find_variable(name, kind)
    if as_defined.definition is None or ours is None or not _is_same(as_defined.definition, ours, kind):
        return as_defined
    return Meaning(ours)


def is_ones(name: str, kind: str, definitions: Definitions) -> bool:
    """Return whether a mask is, as its file defines it, one for every entry; it is where the file says nothing."""
    found = _defined(name, kind, definitions, ()).definition if name in definitions else None
    if found is None:
        return True
    collection, jet = _compared(kind)
    value = found.quantity(collection, jet).expand_as(collection.mask)[collection.mask]
    return bool((value == 1).all())


def _defined(name: str, kind: str, definitions: Definitions, above: tuple[str, ...]) -> Meaning:
    """Make the definition that a file gives; names of other definitions are followed.

    Args:
        above: names whose definitions led here.
    """
    entry = definitions[name]
    if name in above:
        return Meaning(None, f"{name} is defined by itself")
    try:
        expression = Expression(entry.expression)
    except ValueError as error:
        return Meaning(None, f"needs {error}")
    parts: dict[str, VariableDefinition] = {}
    for column in expression.names:
        if column in definitions and not entry.words:  # an expression of ours is made of branches alone
            found = _defined(column, kind, definitions, (*above, name))
            if found.definition is None:
                return found
            parts[column] = found.definition
        else:
            branch = _branch(column, kind)
            if branch is None:
                return Meaning(None, f"needs {column}")
            parts[column] = branch
    needs = tuple(dict.fromkeys(column for part in parts.values() for column in part.needs))
    text = " ".join(entry.expression.split())
    words = f"{entry.words}: {text}" if entry.words else f"as the file defines it: {text}"
    return Meaning(VariableDefinition(_quantity(expression, parts), words, needs))


def _branch(name: str, kind: str) -> VariableDefinition | None:
    """Find a column of a training file: of the objects themselves, or of their jet."""
    if kind in ("particles", "lost_tracks") and name in RAW_VARIABLES:
        return RAW_VARIABLES[name]
    of = kind_of((name,))
    if of == "jet":
        return find_variable(name, "jet")
    return find_variable(name, kind) if of == kind else None


def _quantity(expression: Expression, parts: Mapping[str, VariableDefinition]) -> Quantity:
    """Make the function of a collection and its jet that computes an expression."""

    def quantity(c: Collection, jet: Jet) -> Tensor:
        filled = _without_padding(c)
        value = expression({name: part.quantity(filled, jet) for name, part in parts.items()})
        value = value.float() if value.dtype == torch.bool else value
        value = torch.where(value.isinf(), value.sign() * LARGE, value)
        return value.expand(c.mask.shape)

    return quantity


def _without_padding(c: Collection) -> Collection:
    """Fill padding with each jet's first entry: no function of zeros gives it a gradient that is not finite."""
    if not c.columns or bool(c.mask.all()):
        return c
    columns = {k: torch.where(c.mask, v, v[:, :1].detach()) for k, v in c.columns.items()}
    return Collection(columns, c.mask)


def _is_same(a: VariableDefinition, b: VariableDefinition, kind: str) -> bool:
    """Return whether two definitions give random jets the same values, where both are finite for most."""
    collection, jet = _compared(kind)
    if any(column not in collection for column in (*a.needs, *b.needs)):
        return False
    mask = collection.mask
    x, y = (d.quantity(collection, jet).expand_as(mask)[mask].double() for d in (a, b))
    usable_x, usable_y = torch.isfinite(x) & (x.abs() < LARGE / 2), torch.isfinite(y) & (y != MISSING_LOG)
    finite = usable_x & usable_y
    if float(finite.double().mean()) < 0.2 or float((usable_x != usable_y).double().mean()) > 1 - SHARE_ALIKE:
        return False
    size = y[finite].abs().median().clamp(min=1e-6)
    return bool(((x - y)[finite].abs() <= TOLERANCE * (size + y[finite].abs())).double().mean() > SHARE_ALIKE)


@cache
def _compared(kind: str) -> tuple[Collection, Jet]:
    """Return objects of random jets, reconstructed: the collection of this kind, and the jets' columns."""
    jets = reconstruct(random_jets(N_COMPARED_JETS), 0.8, lost=kind == "lost_tracks")
    if kind == "jet":
        one = torch.ones_like(jets.jet["pt"])
        return Collection({}, one.bool()), jets.jet
    collection: Collection = getattr(jets, kind)
    return collection, jets.jet


def random_jets(count: int, seed: int = 0) -> Jets:
    """Draw jets of random particles about an axis of either sign of pseudorapidity: (B, P) with P of 30.

    They are physical as far as definitions look: energies above momenta, charges and impact parameters that belong
    together.
    """
    rng = torch.Generator().manual_seed(seed)
    shape = (count, 30)
    axis_eta, axis_phi = 2 * torch.randn(count, 1, generator=rng), 6.28 * torch.rand(count, 1, generator=rng) - 3.14
    pt = torch.exp(1.0 + 1.2 * torch.randn(shape, generator=rng)).sort(1, descending=True).values
    eta, phi = axis_eta + 0.2 * torch.randn(shape, generator=rng), axis_phi + 0.2 * torch.randn(shape, generator=rng)
    kind = torch.randint(0, 5, shape, generator=rng)
    charged = (kind <= 2).float()
    charge = charged * (2 * torch.randint(0, 2, shape, generator=rng) - 1)
    px, py, pz = pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()
    energy = (px.square() + py.square() + pz.square() + 0.1396**2).sqrt()
    d0, dz = (charged * torch.randn(shape, generator=rng) for _ in range(2))
    d0_error, dz_error = (charged * (0.02 + 0.05 * torch.rand(shape, generator=rng)) for _ in range(2))
    x, y, z = (t.sum(1, keepdim=True) for t in (px, py, pz))
    jet_pt = (x.square() + y.square()).sqrt()
    eta_of_jet = torch.asinh(z / jet_pt)
    dphi = torch.remainder(phi - torch.atan2(y, x) + torch.pi, 2 * torch.pi) - torch.pi
    flags = [(kind == i).float() for i in range(5)]
    return Jets(
        px=px, py=py, pz=pz, energy=energy, deta=(eta - eta_of_jet) * eta_of_jet.sign(), dphi=dphi, charge=charge,
        is_charged_hadron=flags[0], is_electron=flags[1], is_muon=flags[2], is_photon=flags[3],
        is_neutral_hadron=flags[4], d0=d0, d0_error=d0_error, dz=dz, dz_error=dz_error, jet_pt=jet_pt,
        jet_energy=energy.sum(1, keepdim=True), mask=torch.ones(shape).bool(),
    )  # fmt: skip
