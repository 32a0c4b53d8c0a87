"""Who takes part in a comparison: methods by name, with another generator where one is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zskt.errors import UserError, lookup
from zskt.experiments.method_recipes import VARIANTS
from zskt.methods import METHODS

ALL = "all"
"""Stands for every data-free method."""
KD = "kd"
"""The reference that learns from data."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A method in a comparison, written ``METHOD`` or ``METHOD@GENERATOR``."""

    method: str
    generator: str | None = None
    """None takes that of the method's recipe."""

    @property
    def name(self) -> str:
        """The name as it was asked for, which tables show."""
        return self.method if self.generator is None else f"{self.method}@{self.generator}"

    @property
    def mode(self) -> str:
        """Mode of the command line that runs it."""
        return "kd" if self.method == KD else "zero-shot"

    def folder(self, comparison: str, seed: int) -> str:
        """Return the name of a run's folder, which is unique among recorded runs."""
        return f"{comparison}-{self.name.replace('@', '-on-')}-seed{seed}"


def entrants(words: Sequence[str], own: str, *, with_kd: bool) -> list[Entrant]:
    """Read who takes part, without repetition; the reference comes last.

    Args:
        words: names as the user wrote them; "all" is every data-free method.
        own: the preset's method, which comes first among all.
        with_kd: whether there are data for the reference.

    Raises:
        UserError: if there is no such method, or it is none that can be compared.
    """
    found: dict[str, Entrant] = {}
    for word in words:
        for method in _all(own) if word == ALL else (word,):
            entrant = _entrant(method)
            found.setdefault(entrant.name, entrant)
    reference = [found.pop(KD)] if KD in found else [Entrant(method=KD)] if with_kd else []
    return [*found.values(), *reference]


def _all(own: str) -> Iterable[str]:
    free = [name for name, kind in METHODS.items() if not kind.needs_data]
    return dict.fromkeys([own, *free, *VARIANTS])


def _entrant(word: str) -> Entrant:
    method, _, generator = word.partition("@")
    lookup({**dict.fromkeys([*METHODS, *VARIANTS]), ALL: None}, method, "method")
    kind = METHODS.get(VARIANTS.get(method, method))
    if kind is not None and (kind.needs_labels or (kind.needs_data and generator)):
        raise UserError(f"--methods {word}: learns from data without a generator; kd is the reference, leave this out")
    return Entrant(method=method, generator=generator or None)


def settings_for(entrant: Entrant, words: Iterable[str]) -> list[str]:
    """Return the assignments that are for an entrant: ``NAME=VALUE`` is for all, ``METHOD:NAME=VALUE`` for one."""
    chosen = []
    for word in words:
        head, colon, rest = word.partition(":")
        if colon and "=" not in head:
            if head in (entrant.name, entrant.method):
                chosen.append(rest)
        else:
            chosen.append(word)
    return chosen
