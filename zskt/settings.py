"""Settings of a method: frozen dataclasses whose bounds stand beside their fields."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Self

from zskt.errors import SETTINGS_PAGE, UserError, lookup
from zskt.terminal import note_once

MOST_SEED = 2**60
"""Random streams take 64 bits; some are begun with a little more than the seed."""


def setting(
    default: Any,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Iterable[str] = (),
    domains: Iterable[str] = (),
) -> Any:
    """Declare a field of `Settings`: its default, its closed or open bounds, the words that it may be.

    ``domains`` names the only domains that have a use for it; empty for all.
    """
    bounds = {"minimum": minimum, "maximum": maximum, "above": above, "below": below}
    metadata = {name: bound for name, bound in bounds.items() if bound is not None}
    return field(default=default, metadata=metadata | {"choices": tuple(choices), "domains": tuple(domains)})


MAX_COUNT = 10**12
"""Largest whole number of a setting that declares no other bound."""
MAX_BATCH = 2**18
"""Samples of an iteration."""


def sample_count(default: int) -> Any:
    """Declare the number of samples of an iteration, bounded by what a machine can hold."""
    reason = "the activations of more do not fit into the memory of any machine"
    declared = setting(default, minimum=2, maximum=MAX_BATCH)
    return field(default=default, metadata={**declared.metadata, "reason": reason})


KINDS: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), str: (str,)}
"""Kind of a default -> the kinds of values that may take its place."""


def _require_kind(name: str, value: Any, default: Any) -> None:
    """Raise `UserError` if a value is of another kind than the default."""
    kinds = KINDS.get(type(default))
    if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        raise UserError(f"{name} is {value!r}, but must be of kind {type(default).__name__}, like {default!r}")


def _require_number(name: str, value: float, bounds: Mapping[str, Any]) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{name} is {value}, but must be a finite number")
    tests = {
        "minimum": ("at least", value >= bounds.get("minimum", value)),
        "maximum": ("at most", value <= bounds.get("maximum", MAX_COUNT if isinstance(value, int) else value)),
        "above": ("above", "above" not in bounds or value > bounds["above"]),
        "below": ("below", "below" not in bounds or value < bounds["below"]),
    }
    for bound, (words, holds) in tests.items():
        if not holds:
            reason = f": {bounds['reason']}" if bound == "maximum" and "reason" in bounds else ""
            raise UserError(f"{name} is {value}, but must be {words} {bounds.get(bound, MAX_COUNT)}{reason}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A set of named values, checked when made.

    Raises:
        UserError: if a value is outside its bounds, or not one of its words.
    """

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            _require_kind(f.name, value, f.default)
            if f.default_factory is dict and not isinstance(value, Mapping):
                raise UserError(f"{f.name} is {value!r}, but must hold numbers by name, like {{'NAME': 1.0}}")
            if isinstance(value, Mapping):
                for key, entry in value.items():
                    _require_kind(f"{f.name}.{key}", entry, 0.0)
                    _require_number(f"{f.name}.{key}", entry, {"minimum": 0.0})
            if isinstance(value, int | float) and not isinstance(value, bool):
                _require_number(f.name, value, f.metadata)
            if f.metadata.get("choices"):
                lookup(dict.fromkeys(f.metadata["choices"]), value, f.name)

    length_name: ClassVar[str] = "iterations"
    """Name of the setting that says how long a run is, and what tables count it in."""

    def with_length(self, length: int) -> Self:
        """Copy, with another number of iterations, or of epochs where labels teach."""
        return replace(self, **{self.length_name: length})

    @property
    def iterations_before_learning(self) -> int:
        """Return after how many iterations the student takes its first step, of methods that warm up."""
        return 0

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, as JSON holds them."""
        return asdict(self)

    def with_(self, **changes: Any) -> Self:
        """Copy, with those of ``changes`` that are not None."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def tell_unused(self, why: str, *names: str, chosen: Collection[str] | None = None) -> None:
        """Say in a line that a setting which somebody has chosen does nothing here.

        Args:
            chosen: names of the settings that were; None for those that are not their defaults.
        """
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in names and (value != f.default if chosen is None else f.name in chosen):
                note_once(f"zskt: {f.name} {value}: does nothing, as {why}")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all fields."""
        return tuple(f.name for f in fields(cls))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make settings from those of ``values`` that are fields; the others take their defaults."""
        return cls(**{name: value for name, value in values.items() if name in cls.names()})

    def assigned(self, name: str, text: str) -> Self:
        """Copy, with one field set from a word of the command line; ``name.key`` sets an entry of a mapping.

        Raises:
            UserError: if there is no such field, or the word is of another kind.
        """
        name, _, key = name.partition(".")
        lookup(dict.fromkeys(self.names()), name, "setting", SETTINGS_PAGE)
        before = getattr(self, name)
        if isinstance(before, Mapping) != bool(key):
            way = f"{name}.KEY=NUMBER" if isinstance(before, Mapping) else f"{name}=VALUE"
            raise UserError(f"--set {name}: write it as {way}")
        kind = float if key else type(before)
        words: dict[str, Any] = {"true": True, "false": False}
        try:
            value = words[text.lower()] if kind is bool else kind(text)
        except (ValueError, KeyError):
            whole, like = (f"{name}.{key}", 1.0) if key else (name, before)
            raise UserError(f"--set {whole}={text}: {whole} is of kind {kind.__name__}, like {like}") from None
        return replace(self, **{name: {**before, key: value} if key else value})
