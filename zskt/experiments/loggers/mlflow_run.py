"""MLflow, optional: the run's settings, metrics and pictures, where ``MLFLOW_TRACKING_URI`` says."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zskt.errors import UserError
from zskt.experiments.loggers.logger import Logger, RunDescription, final_metrics
from zskt.storage.files import read_json, write_json
from zskt.terminal import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IDENTITY = "mlflow.json"
"""File of a run's folder with the number under which the run goes on there."""
MAX_VALUE = 500
"""Characters of a setting that every server takes."""


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Tell in one line of a server that cannot be reached, or refuses.

    Raises:
        UserError: after an error of MLflow.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        reason = printable(" ".join(str(error).split()))[:200]
        raise UserError(
            f"--logger mlflow: {reason}; say where the server is: MLFLOW_TRACKING_URI=http://HOST:PORT"
        ) from error


class MLflowRun(Logger):
    """A run of MLflow; the run of a folder that is resumed goes on.

    Raises:
        UserError: if the server cannot be reached, or does not know the run.
    """

    def __init__(self, folder: Path, after: int | None) -> None:
        from mlflow.tracking import MlflowClient

        identity = folder / IDENTITY
        with telling():
            self.client = MlflowClient()
            if after is not None and identity.is_file():
                self.number = str(read_json(identity).get("run_id"))
                self.client.update_run(self.number, status="RUNNING")
                return
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "zskt")
            experiment = self.client.get_experiment_by_name(name)
            kept = self.client.create_experiment(name) if experiment is None else experiment.experiment_id
            self.number = self.client.create_run(kept, run_name=printable(folder.name)).info.run_id
        write_json(identity, {"run_id": self.number})

    def begin(self, description: RunDescription) -> None:
        from mlflow.entities import Param

        settings = [Param(_name(name), str(value)[:MAX_VALUE]) for name, value in description.simple().items()]
        with telling():
            self.client.log_batch(self.number, params=settings)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        with telling():
            self.client.log_batch(self.number, [Metric(_name(n), value, now, step) for n, value in values.items()])

    def figure(self, title: str, figure: Figure, step: int) -> None:
        with telling():
            self.client.log_figure(self.number, figure, f"{_name(title)}/{step:07d}.png")

    def finish(self, result: Mapping[str, Any], step: int) -> None:
        self.scalars(step, final_metrics(result))
        with telling():
            self.client.set_terminated(self.number)


def _name(name: str) -> str:
    """Return a name of which MLflow takes every character: letters, digits, and a few signs."""
    return "".join(c if (c.isalnum() and c.isascii()) or c in "_-. /" else "_" for c in name)
