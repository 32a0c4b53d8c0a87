"""The networks that a recipe names: built anew, or read from a finished run."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from teachers import TEACHERS, Card

from .config import Config
from .errors import UserError
from .students import STUDENTS


def build_student(config: Config, card: Card) -> nn.Module:
    """An untrained student, the same for the same seed."""
    torch.manual_seed(config.seed)
    return STUDENTS[config.student].build(card.inputs, len(card.classes))


def load_student(run: Path, config: Config) -> nn.Module:
    """The student of a run, in evaluation mode.

    Raises:
        UserError: if the run has none, or one that does not fit its configuration.
    """
    path = run / "student.safetensors"
    if not path.is_file():
        raise UserError(f"{path}: no such file; the run is not finished: continue it with --resume --out {run}")
    card = TEACHERS[config.teacher]
    network = card.build() if config.mode == "teacher" else build_student(config, card)
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise UserError(
            f"{path}: does not hold the {config.student} of {run / 'config.json'}; fetch the run again"
        ) from error
    return network.eval()
