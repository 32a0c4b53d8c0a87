"""Input specification of networks on vectors: F numbers a sample, with their names, bounds, spreads and kinds.

A network on vectors is called with ``network(x)``, where x is (B, F) as the network itself takes it: if it expects
standardised numbers, bounds and spreads are those of the standardised numbers.

Shapes: B samples, F features.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.vectors.description import category_entry, read_features, shortest
from zskt.vectors.moments import (
    CATEGORY,
    INTEGER,
    REAL,
    WIDEST,
    filled_moments,
    require_possible,
    told_moments,
    uniform_moments,
)

Numbers = float | Sequence[float] | Tensor | Any
"""A number for all features, or one each: a list, a numpy array or a tensor."""


@dataclass(frozen=True, kw_only=True)
class VectorInputs:
    """The input specification of a network on F numbers; every field has F entries.

    Raises:
        UserError: if the fields do not fit together.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    """Lower bounds; -infinity where there is none."""
    high: tuple[float, ...]
    """Upper bounds; infinity where there is none."""
    mean: tuple[float, ...]
    """Means of the features; between two bounds the middle, where nothing is known."""
    std: tuple[float, ...]
    """Standard deviations of the features; between two bounds that of a uniform number, where nothing is known. 0 is a
    feature between two bounds that never changes."""
    kinds: tuple[str, ...]
    """`REAL`, `INTEGER`, or `CATEGORY` with the name of a one-hot group."""
    domain: str = "vectors"

    def __post_init__(self) -> None:
        columns = (self.low, self.high, self.mean, self.std, self.kinds)
        if not self.names or any(len(column) != self.size for column in columns):
            raise UserError(
                f"{self.size} names, but {', '.join(str(len(column)) for column in columns)} lower and upper bounds, "
                "means, spreads and kinds: give one of each for every feature"
            )
        for i, name in enumerate(self.names):
            require_possible(name, self.low[i], self.high[i], self.mean[i], self.std[i], self.kinds[i])
        for group, rows in self.groups.items():
            if len(rows) < 2:
                raise UserError(f"category {group!r} has one column ({self.names[rows[0]]}): give at least two")

    @property
    def size(self) -> int:
        """F"""
        return len(self.names)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """(F,)"""
        return (self.size,)

    @property
    def uniform(self) -> tuple[bool, ...]:
        """Which features are uniform between two bounds, for all that is known."""
        columns = zip(self.low, self.high, self.mean, self.std, strict=True)
        return tuple((mean, std) == uniform_moments(low, high) for low, high, mean, std in columns)

    @property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """The columns of each one-hot group, by name."""
        names = dict.fromkeys(kind.removeprefix(CATEGORY) for kind in self.kinds if kind.startswith(CATEGORY))
        return {name: tuple(i for i, kind in enumerate(self.kinds) if kind == CATEGORY + name) for name in names}

    def only(self, rows: Sequence[int]) -> Self:
        """Return the specification of some of the features, by their positions."""
        columns: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in rows)
            for name in ("names", "low", "high", "mean", "std", "kinds")
        }
        return replace(self, **columns)

    def __call__(self, samples: Tensor) -> Batch:
        """Turn samples (B, F) into the batch ((B, F) of float32,).

        Raises:
            UserError: if the samples do not have F columns.
        """
        if samples.ndim != 2 or samples.shape[1] != self.size:
            raise UserError(f"samples of shape {tuple(samples.shape)}: give (samples, {self.size}), a column a feature")
        return (samples.float(),)

    @classmethod
    def from_bounds(
        cls,
        low: Numbers,
        high: Numbers,
        *,
        integers: Iterable[int] = (),
        categories: Iterable[Sequence[int]] = (),
        mean: Numbers | None = None,
        std: Numbers | None = None,
        names: Sequence[str] = (),
        size: int | None = None,
    ) -> Self:
        """Describe features by their bounds.

        Args:
            low, high: bounds, which may be infinite: a number for all features, or one each.
            integers: columns that hold integers.
            categories: one-hot groups, each a sequence of columns. Their bounds become 0 and 1.
            mean, std: of the features, nan where they are not known. By default 0 and 1, or one spread from the only
                bound; between two bounds those of a uniform number, unless both are given.
            names: of the features; x0, x1 ... by default.
            size: F, where all else is given as single numbers.

        Raises:
            UserError: if numbers, columns and names do not fit together.
        """
        size = _size(size, {"low": low, "high": high, "mean": mean, "std": std, "names": names or None})
        lows, highs = _numbers("low", low, size), _numbers("high", high, size)
        kinds = _kinds(size, integers, categories)
        for i in range(size):
            if kinds[i].startswith(CATEGORY):
                lows[i], highs[i] = 0.0, 1.0
        stds = [math.nan] * size if std is None else _numbers("std", std, size)
        means = [math.nan] * size if mean is None else _numbers("mean", mean, size)
        moments = [filled_moments(*row) for row in zip(lows, highs, means, stds, strict=True)]
        return cls(
            names=tuple(names) or tuple(f"x{i}" for i in range(size)),
            low=tuple(lows),
            high=tuple(highs),
            mean=tuple(m for m, _ in moments),
            std=tuple(s for _, s in moments),
            kinds=tuple(kinds),
        )

    def told(
        self, mean: Sequence[float], std: Sequence[float], unknown: Sequence[bool], *, widest: float = WIDEST
    ) -> Self:
        """Return the same features with mean and spread that a network tells, where that can be.

        A mean on a bound with a spread of 1 is a feature that never changed, since `StandardScaler` divides it by 1;
        not where the bounds lie between -1 and 1, for a feature that a network leaves alone looks the same. Where less
        than half of the moments are those of usual numbers, the network does something else to its features, and all
        stay as they are: what is taken to [0, 1] has its mean on a bound, what is taken to [-1, 1] is a coin.

        Args:
            mean, std: F numbers each, nan where nothing is told.
            unknown: of which features nothing else is known, (F,).
            widest: the largest spread of usual numbers, as a share of the largest that there is.
        """
        asked = [kind in (REAL, INTEGER) and is_open for kind, is_open in zip(self.kinds, unknown, strict=True)]
        columns = list(zip(self.kinds, self.low, self.high, mean, std, strict=True))
        usual, found = (
            [told_moments(*column, most) if is_open else None for is_open, column in zip(asked, columns, strict=True)]
            for most in (widest, 1.0)
        )
        told = sum(is_open and not math.isnan(m) for is_open, m in zip(asked, mean, strict=True))
        if 2 * sum(moments is not None for moments in usual) < told:
            return self
        moments = [new or old for new, old in zip(found, zip(self.mean, self.std, strict=True), strict=True)]
        return replace(self, mean=tuple(m for m, _ in moments), std=tuple(s for _, s in moments))

    @classmethod
    def from_json(cls, path: Path) -> Self:
        """Read a description file, whose format `zskt.vectors.description` documents.

        Raises:
            UserError: if the file cannot be read, or says what cannot be.
        """
        features = read_features(path)
        columns: list[tuple[str, float, float, float, float]] = []
        categories: list[range] = []
        for feature in features:
            if feature.values:
                first = len(columns)
                categories.append(range(first, first + len(feature.values)))
                columns += [(f"{feature.name}={value}", 0.0, 1.0, math.nan, math.nan) for value in feature.values]
            else:
                columns.append((feature.name, feature.low, feature.high, feature.mean, feature.std))
        names = [column[0] for column in columns]
        low, high, mean, std = ([column[i] for column in columns] for i in range(1, 5))
        integers = [names.index(feature.name) for feature in features if feature.integer]
        try:
            return cls.from_bounds(low, high, integers=integers, categories=categories, mean=mean, std=std, names=names)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error

    def to_entries(self) -> list[dict[str, Any]]:
        """Return the features as a description file lists them: `from_json` reads the same ones from it.

        Categories alone may get other names, and one whose columns are apart is none that a file can list.
        """
        entries: list[dict[str, Any]] = []
        for i, kind in enumerate(self.kinds):
            rows = self.groups.get(kind.removeprefix(CATEGORY), ()) if kind.startswith(CATEGORY) else ()
            if rows and rows == tuple(range(rows[0], rows[-1] + 1)):
                if i == rows[0]:
                    entries.append(category_entry(kind.replace(":", ""), [self.names[row] for row in rows]))
                continue
            numbers = {"low": self.low[i], "high": self.high[i]}
            if not self.uniform[i]:
                numbers |= {"mean": self.mean[i], "std": self.std[i]}
            shown = {name: shortest(number) for name, number in numbers.items() if math.isfinite(number)}
            entries.append({"name": self.names[i], "kind": kind, **shown})
        return entries

    @classmethod
    def from_network(cls, network: nn.Module) -> Self:
        """Take the number of features and their spreads from the first layer of a network.

        The first `nn.BatchNorm1d` tells mean and spread of what the network was trained on. A `nn.Linear` or
        `nn.LayerNorm` that comes before it tells the number of features alone: mean 0, spread 1. Bounds are infinite.

        Raises:
            UserError: if the network has none of these layers.
        """
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm1d):
                mean, variance = layer.running_mean, layer.running_var
                if mean is None or variance is None:
                    return cls._unbounded(layer.num_features)
                std = variance.clamp(min=layer.eps).sqrt()
                return cls._unbounded(layer.num_features, mean, std)
            if isinstance(layer, nn.Linear):
                return cls._unbounded(layer.in_features)
            if isinstance(layer, nn.LayerNorm) and len(layer.normalized_shape) == 1:
                return cls._unbounded(layer.normalized_shape[0])
        raise UserError(
            f"{type(network).__name__} has neither BatchNorm1d nor Linear, so its number of features is unknown: "
            "give VectorInputs.from_bounds(low, high)"
        )

    @classmethod
    def _unbounded(cls, size: int, mean: Numbers = 0.0, std: Numbers = 1.0) -> Self:
        return cls.from_bounds(-math.inf, math.inf, mean=mean, std=std, size=size)


def _size(size: int | None, columns: Mapping[str, Numbers | None]) -> int:
    """The number of features: what all columns that are no single number agree on."""
    sizes = {name: length for name, column in columns.items() if (length := _length(column)) is not None}
    if size is not None:
        sizes["size"] = size
    if len(set(sizes.values())) > 1:
        raise UserError(f"{', '.join(f'{name} has {n}' for name, n in sizes.items())} entries: give one a feature")
    n_features = next(iter(sizes.values()), 1)
    if n_features < 1:
        raise UserError("no features: give at least one lower and one upper bound")
    return n_features


def _length(column: Numbers | None) -> int | None:
    """Number of entries; None of a single number."""
    shape = getattr(column, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    return len(column) if isinstance(column, Sequence) else None


def _numbers(name: str, column: Numbers, size: int) -> list[float]:
    """One float a feature."""
    try:
        numbers = torch.as_tensor(column, dtype=torch.float64).detach().cpu()
        return [float(number) for number in numbers.expand(size)]
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{name}: {type(column).__name__} is not a number, nor {size} numbers") from error


def _kinds(size: int, integers: Iterable[int], categories: Iterable[Sequence[int]]) -> list[str]:
    """The kind of each column."""
    kinds = [REAL] * size
    columns = [(i, INTEGER) for i in integers]
    columns += [(i, f"{CATEGORY}{group}") for group, rows in enumerate(categories) for i in rows]
    for i, kind in columns:
        if not 0 <= i < size:
            raise UserError(f"column {i} of {size} features: give columns from 0 to {size - 1}")
        if kinds[i] != REAL:
            raise UserError(f"column {i} is named twice among integers and categories: give it once")
        kinds[i] = kind
    return kinds
