"""The networks that a recipe names: built anew, or read from a finished run."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from teachers import TEACHERS, AnyCard
from zskt.errors import UserError
from zskt.experiments.config import Config
from zskt.networks.particle_flow import RegressionHead
from zskt.networks.students import STUDENTS, count_parameters


def card_of(config: Config) -> AnyCard:
    """The teacher's card, for the jets that the recipe asks for."""
    card = TEACHERS[config.teacher]
    asked = {name: getattr(config, name) for name in ("radius", "pt_low", "pt_high") if getattr(config, name)}
    return card.with_selection(**asked)


def build_student(config: Config, card: AnyCard) -> nn.Module:
    """An untrained student, the same for the same seed."""
    torch.manual_seed(config.seed)
    student = STUDENTS[config.student].build(card.inputs, len(card.classes) + len(card.values))
    return RegressionHead(student, len(card.values)) if card.values else student


@torch.no_grad()
def inherit(student: nn.Module, teacher: nn.Module) -> None:
    """Give the student the teacher's layers of the same name and shapes, statistics of normalisations included.

    V. Sanh et al., "DistilBERT", arXiv:1910.01108, section 2, begin a student so, from every other layer. A layer is
    taken whole or not at all: one whose normalisation was folded into it is another layer.

    Raises:
        UserError: if that is less than half of the student.
    """
    layers = dict(teacher.named_modules())
    taken = 0
    for name, mine in student.named_modules():
        shapes = {key: tensor.shape for key, tensor in mine.state_dict().items()}
        if name not in layers or any(mine.children()) or not shapes:
            continue
        its = layers[name].state_dict()
        if {key: tensor.shape for key, tensor in its.items()} == shapes:
            mine.load_state_dict(its)
            taken += count_parameters(mine)
    total = count_parameters(student)
    if 2 * taken < total:
        raise UserError(
            f"inherit: of the student's {total:,} parameters {taken:,} are in layers that the teacher has too, less "
            "than half: take a --student of the teacher's family and widths, or --set inherit=False"
        )


def load_student(run: Path, config: Config) -> nn.Module:
    """The student of a run, in evaluation mode.

    Raises:
        UserError: if the run has none, or one that does not fit its configuration.
    """
    path = run / "student.safetensors"
    if not path.is_file():
        raise UserError(f"{path}: no such file; the run is not finished: continue it with --resume --out {run}")
    card = card_of(config)
    network = card.build() if config.mode == "teacher" else build_student(config, card)
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise UserError(
            f"{path}: does not hold the {config.student} of {run / 'config.json'}; fetch the run again"
        ) from error
    return network.eval()
