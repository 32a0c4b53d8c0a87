"""Weights & Biases, optional: the run's settings, metrics and pictures. ``WANDB_MODE=offline`` keeps them here."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zskt.errors import UserError
from zskt.experiments.loggers.logger import Logger, RunDescription, final_metrics
from zskt.storage.files import read_json, write_json
from zskt.storage.folder_names import as_text
from zskt.terminal import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IDENTITY = "wandb.json"
"""File of a run's folder with the number under which the run goes on there."""
ITERATION = "iteration"


class WeightsAndBiases(Logger):
    """A run of Weights & Biases; the run of a folder that is resumed goes on.

    Its own steps never go back, but a resumed run does: every metric comes with its iteration, and is drawn over it.
    Of the machine and its code nothing is sent: no source, no output of the terminal, no revision.

    Raises:
        UserError: if it cannot be reached, or nobody is logged in.
    """

    def __init__(self, folder: Path, after: int | None) -> None:
        import wandb

        identity = folder / IDENTITY
        number = str(read_json(identity).get("id")) if after is not None and identity.is_file() else None
        number = number or uuid.uuid4().hex[:12]
        settings = wandb.Settings(console="off", disable_git=True, disable_code=True, save_code=False, silent=True)
        try:
            self.run: Any = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "zskt"),
                name=printable(folder.name),
                id=number,
                resume="allow",
                dir=as_text(folder),
                settings=settings,
            )
        except wandb.Error as error:
            reason = printable(" ".join(str(error).split()))[:200]
            raise UserError(f"--logger wandb: {reason}; log in by `wandb login`, or set WANDB_MODE=offline") from error
        write_json(identity, {"id": number})
        self.run.define_metric(ITERATION)
        self.run.define_metric("*", step_metric=ITERATION)

    def begin(self, description: RunDescription) -> None:
        self.run.config.update(description.simple(), allow_val_change=True)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log({ITERATION: step, **values})

    def figure(self, title: str, figure: Figure, step: int) -> None:
        import wandb
        from PIL import Image

        buffer = io.BytesIO()  # wandb itself takes only figures of pyplot
        figure.savefig(buffer, format="png")
        self.run.log({ITERATION: step, title: wandb.Image(Image.open(buffer))})

    def finish(self, result: Mapping[str, Any], step: int) -> None:
        self.run.summary.update(final_metrics(result))
        self.run.finish()
