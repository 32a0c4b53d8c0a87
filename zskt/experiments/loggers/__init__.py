"""Loggers by name, ``--logger``. Those that need a library of their own import it when they are opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from zskt.errors import UserError, lookup
from zskt.experiments.loggers.logger import Logger

DEFAULT = ("tensorboard",)
"""Who looks on unless told otherwise."""


def _tensorboard(folder: Path, after: int | None) -> Logger:
    from zskt.experiments.loggers.tensorboard import TensorBoard

    return TensorBoard(folder, after)


def _csv(folder: Path, after: int | None) -> Logger:
    from zskt.experiments.loggers.csv_file import CsvFile

    return CsvFile(folder, after)


def _wandb(folder: Path, after: int | None) -> Logger:
    from zskt.experiments.loggers.weights_and_biases import WeightsAndBiases

    return WeightsAndBiases(folder, after)


def _mlflow(folder: Path, after: int | None) -> Logger:
    from zskt.experiments.loggers.mlflow_run import MLflowRun

    return MLflowRun(folder, after)


LOGGERS: dict[str, Callable[[Path, int | None], Logger]] = {
    "tensorboard": _tensorboard,
    "csv": _csv,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
"""Run folder, and the iteration after which a resumed run goes on, None for a new one -> the logger, open."""
REQUIREMENTS = "pip install -r requirements-loggers.txt"


def require_loggers(names: Sequence[str]) -> None:
    """Raise `UserError` if a logger is unknown, or its library is not there: told before anything is read."""
    from importlib.util import find_spec

    for name in names:
        lookup(LOGGERS, name, "logger")
        if name != "csv" and find_spec(name) is None:
            raise UserError(f"--logger {name}: the package {name} is not installed: {REQUIREMENTS}")


def open_loggers(names: Sequence[str], folder: Path, after: int | None = None) -> list[Logger]:
    """Open loggers for a run.

    Args:
        after: the iteration after which a resumed run goes on; what is known of later ones is forgotten.

    Raises:
        UserError: if one cannot be opened.
    """
    return [LOGGERS[name](folder, after) for name in dict.fromkeys(names)]
