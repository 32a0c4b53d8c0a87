"""How networks answer samples that have changed: a little at first, then more.

Shapes: B samples, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from zskt.dataset import Labelled
from zskt.metrics import Predictions, accuracy, agreement, predict


@dataclass(frozen=True)
class Variation:
    """A change of samples of some size, such as a rotation by an angle. A size of 0 changes nothing."""

    change: Callable[[Any, float, torch.Generator], Any]
    """Samples, size, what random numbers are drawn from -> as many samples."""
    sizes: tuple[float, ...]
    """At which networks are asked."""
    unit: str
    """What a size is counted in."""

    @property
    def summary(self) -> str:
        """Say what a size is, and which ones are taken where nobody gives any."""
        return f"{self.unit}: {', '.join(f'{size:g}' for size in self.sizes)}"


def robustness(
    teacher: nn.Module,
    students: Mapping[str, nn.Module],
    data: Labelled,
    inputs: Any,
    variations: Mapping[str, Variation],
    *,
    seed: int = 0,
    device: torch.device | None = None,
) -> list[dict[str, Any]]:
    """Ask a teacher and its students about samples that have changed: a row for each size of each variation.

    Args:
        inputs: their input specification.
        seed: of what is drawn, the same for every size.

    Returns:
        Rows of "variation", "size", "network" (a student's name, or "teacher"), its "accuracy" (None without labels),
        its "agreement" with the teacher about the same samples, and "keeps": the share of samples of which it gives the
        class that it gave of them as they were. Of independent labels all three are shares of decisions.
    """
    networks = {"teacher": teacher, **students}

    def ask(samples: Any) -> dict[str, Predictions]:
        asked = Labelled(samples, data.labels)
        return {name: predict(n, asked, inputs, device or torch.device("cpu")) for name, n in networks.items()}

    before = ask(data.samples)
    rows = []
    for name, variation in variations.items():
        for size in variation.sizes:
            answers = ask(variation.change(data.samples, size, torch.Generator().manual_seed(seed)))
            for network, answer in answers.items():
                row: dict[str, Any] = {"variation": name, "size": size, "network": network}
                row["accuracy"] = accuracy(answer.logits, data.labels)
                row["agreement"] = agreement(answers["teacher"].logits, answer.logits)
                row["keeps"] = agreement(before[network].logits, answer.logits)
                rows.append(row)
    return rows


def chosen(variations: Mapping[str, Variation], names: Sequence[str]) -> dict[str, Variation]:
    """Return variations by name, each with its own sizes, or with those behind a colon: ``rotation:0.1,0.2``.

    Raises:
        ValueError: if one is unknown or named twice, or a size is no finite number; the message says which.
    """
    found: dict[str, Variation] = {}
    for name in names or variations:
        word, colon, sizes = name.partition(":")
        if word not in variations:
            raise ValueError(f"{word!r}: choose of {', '.join(variations)}")
        if word in found:
            raise ValueError(f"{word!r} twice: name it once, as in {word}:0.1,0.2")
        variation = variations[word]
        try:
            numbers = tuple(float(size) for size in sizes.split(",")) if colon else variation.sizes
        except ValueError:
            raise ValueError(f"{name!r}: write sizes as numbers, as in {word}:0.1,0.2") from None
        if not all(abs(number) < float("inf") for number in numbers):
            raise ValueError(f"{name!r}: sizes must be finite")
        found[word] = Variation(variation.change, numbers, variation.unit)
    return found
