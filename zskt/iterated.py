"""A user's own pseudo-samples as a generator: from an iterator, an iterable, or a function.

Shapes: B samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zskt.contracts import Batch, PseudoBatch
from zskt.errors import UserError
from zskt.generator import Generator
from zskt.number_types import as_tensor, instead_of
from zskt.parallel.collectives import own

Array = Tensor | NDArray[Any]
Source = Iterable[Any] | Callable[[int, torch.Generator], Any] | Array | tuple[Array, ...]
"""Where batches come from; a batch is a tensor or a tuple of tensors, samples along the first dimension. Arrays of
NumPy are as good as tensors."""


class Iterated(Generator):
    """Pseudo-samples from a source; nothing is learned, and z plays no part.

    Samples of an iterator that one call leaves over come first in the next. The place in an iterator is no part of a
    checkpoint: only a function of ``rng`` resumes exactly.

    Args:
        source: as `iterated` takes it.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        if isinstance(source, Tensor | np.ndarray) or (isinstance(source, tuple) and _are_arrays(source)):
            source = [source]
        if hasattr(source, "to_numpy"):  # a table of pandas, which would yield the names of its columns
            raise UserError(f"iterated: is given a {type(source).__name__}; {instead_of(source)}")
        if not callable(source) and not isinstance(source, Iterable):
            raise UserError(
                f"iterated: {type(source).__name__} is no source of samples; give an iterator or a list of batches, or "
                "a function of (n, rng)"
            )
        # A function that is a network is wrapped, so that its parameters are none of the generator's.
        self._function = partial(source) if callable(source) else None
        self._batches: Iterable[Any] = () if callable(source) else source
        self._iterator: Iterator[Any] | None = None
        self._rest: Batch | None = None
        self._layout: list[tuple[torch.dtype, tuple[int, ...]]] | None = None

    def sample(
        self, count: int, rng: torch.Generator, labels: Tensor | None = None, latent: tuple[Tensor, ...] = ()
    ) -> PseudoBatch:
        """Collect exactly ``count`` samples, on the device of ``rng``; of several ranks each takes its own of them.

        Args:
            latent: the samples of an earlier batch, which are returned again: samples are their own latent variables.

        Raises:
            UserError: if the source is exhausted, or yields something else than before.
        """
        x = latent or tuple(own(t) for t in self._collect(count, rng))
        return PseudoBatch(x, latent=x, labels=None if labels is None else own(labels))

    def draw(self, count: int, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """As `sample`, all of them on every rank."""
        x = self._collect(count, rng)
        return PseudoBatch(x, latent=x, labels=labels)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """As many samples as z (B, Z) has rows."""
        return self.draw(len(z), rng, labels)

    def _collect(self, count: int, rng: torch.Generator) -> Batch:
        batches = [] if self._rest is None else [self._rest]
        self._rest = None
        n = sum(len(batch[0]) for batch in batches)
        while n < count:
            batches.append(self._checked(self._next(count - n, rng, n)))
            n += len(batches[-1][0])
        x = tuple(torch.cat(parts).to(rng.device) for parts in zip(*batches, strict=True))
        if n > count and self._function is None:
            self._rest = tuple(part[count:] for part in x)
        return tuple(part[:count] for part in x)

    def _next(self, count: int, rng: torch.Generator, n: int) -> Any:
        """The next batch of the source; what can be iterated again begins anew at its end."""
        if self._function is not None:
            return self._function(count, rng)
        for _ in range(2):
            if self._iterator is None:
                self._iterator = iter(self._batches)
            try:
                return next(self._iterator)
            except StopIteration:
                if self._iterator is self._batches:
                    break
                self._iterator = None
        raise UserError(
            f"iterated: the source is exhausted, {count} samples short of {count + n}; give one that yields more, such "
            "as a list or a DataLoader, which begins anew"
        )

    def _checked(self, batch: Any) -> Batch:
        """Tensors of a batch; a `UserError` if they are not those of the first batch in kind and shape."""
        parts = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
        x = tuple(as_tensor(part) for part in parts)
        if not x or not all(isinstance(part, Tensor) for part in x):
            remedy = next(filter(None, map(instead_of, x)), "give tensors, or tuples of tensors")
            raise UserError(f"iterated: the source yields {_kind(batch)}; {remedy}")
        if any(part.ndim == 0 or len(part) != len(x[0]) for part in x) or not len(x[0]):
            shapes = ", ".join(str(tuple(part.shape)) for part in x)
            raise UserError(
                f"iterated: a batch of shapes {shapes}; give samples along the first dimension, one at least"
            )
        layout = [(part.dtype, tuple(part.shape[1:])) for part in x]
        if self._layout is None:
            self._layout = layout
        elif self._layout != layout:
            raise UserError(
                f"iterated: the source yields samples of {_in_words(layout)} after {_in_words(self._layout)}; give all "
                "in one kind and shape"
            )
        return tuple(part.detach() for part in x)


def iterated(source: Source) -> Iterated:
    """Make a generator of your own pseudo-samples.

    Args:
        source: an iterator or iterable of batches, which begins anew where it can (a list, a DataLoader); a function
            called as ``source(n, rng)``, which returns a batch of about n samples; or one batch, taken again and again.
            A batch is a tensor or a tuple of tensors, or of arrays of NumPy, whose floating-point numbers become
            float32.

    Raises:
        UserError: if the source is none of these.
    """
    return Iterated(source)


def _are_arrays(parts: Any) -> bool:
    return all(isinstance(part, Tensor | np.ndarray) for part in parts)


def _kind(batch: Any) -> str:
    """What a batch is, for a message."""
    if isinstance(batch, tuple | list):
        return f"{type(batch).__name__} of {', '.join(type(part).__name__ for part in batch) or 'nothing'}"
    return type(batch).__name__


def _in_words(layout: list[tuple[torch.dtype, tuple[int, ...]]]) -> str:
    return " and ".join(f"{str(dtype).removeprefix('torch.')} {shape}" for dtype, shape in layout)
