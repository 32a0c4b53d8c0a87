"""What looks on at a run: the one interface of TensorBoard, Weights & Biases, MLflow and the CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zskt.markdown import NO_VALUE
from zskt.terminal import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

CLASS_SHARE = "teacher_class/"
"""What the names of metrics begin with that are the share of a class, by its number, in what the teacher answers."""


@dataclass(frozen=True)
class RunDescription:
    """What a run is asked to do, as loggers show it."""

    name: str = ""
    """Name of the run's folder."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Settings by name, the method's beside the run's: numbers, words, or small tables."""
    classes: Sequence[str] = ()
    """Names of the teacher's K classes."""

    def simple(self) -> dict[str, str | int | float | bool]:
        """Return the settings as numbers and words; what is neither is written as a word."""
        kinds = (str, int, float)
        return {name: v if isinstance(v, kinds) else _word(v) for name, v in self.values.items() if v is not None}

    def named(self, metric: str) -> str:
        """Return the name under which a metric is shown: the share of a class by the name of the class."""
        prefix, _, number = metric.partition(CLASS_SHARE)
        if prefix or not number.isdigit() or int(number) >= len(self.classes):
            return metric
        name = self.classes[int(number)]
        alike = list(self.classes).count(name) > 1
        return CLASS_SHARE + printable(name).replace("/", "_") + (f" ({number})" if alike else "")

    def table(self) -> str:
        """Return the settings as a table in Markdown."""
        rows = [f"| {name} | {_cell(value)} |" for name, value in self.values.items()]
        return "\n".join(["| setting | value |", "|---|---|", *rows])


def _word(value: Any) -> str:
    return ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)


def _cell(value: Any) -> str:
    text = printable(NO_VALUE if value is None or value in ("", {}, ()) else _word(value))
    return text.replace("|", "\\|").replace("<", "&lt;")


FINAL = {
    "student": ("agreement", "kl", "accuracy", "auc", "ece", "ms_per_sample", "parameters"),
    "teacher": ("accuracy", "auc", "ms_per_sample", "parameters"),
    "": ("teacher_queries", "steps", "training_seconds"),
}
"""Part of ``result.json`` -> its entries that are a run's final metrics."""


def final_name(part: str, entry: str) -> str:
    """Return the name of a final metric."""
    return "final/" + f"{part} {entry}".strip()


def final_metrics(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures that a run ends with, by name, of its ``result.json``; those that it lacks are left out."""
    entries = (
        (part, entry, (result.get(part, {}) if part else result).get(entry)) for part in FINAL for entry in FINAL[part]
    )
    return {final_name(part, entry): float(value) for part, entry, value in entries if value is not None}


@dataclass(frozen=True)
class Projection:
    """Points for a projector, with what is known of each."""

    points: Tensor
    """(N, D)"""
    heads: tuple[str, ...]
    """Names of the columns of ``rows``."""
    rows: Sequence[Sequence[str]]
    """N rows of words."""


class Logger:
    """Somebody who looks on. Nothing here does anything: a logger does what it can, and changes nothing of the run."""

    def begin(self, description: RunDescription) -> None:
        """Take down what the run is asked to do; called once, when a run begins."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take down numbers of an iteration."""

    def figure(self, title: str, figure: Figure, step: int) -> None:
        """Take down a picture."""

    def projection(self, title: str, projection: Projection, step: int) -> None:
        """Take down points for a projector."""

    def flush(self) -> None:
        """Write what was taken down: what comes next is a checkpoint, from which the run may go on."""

    def finish(self, result: Mapping[str, Any], step: int) -> None:
        """Take down how the run ended, and close."""
