"""Networks stored by `torch.export.save`: a graph and its parameters, no code."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from teachers.input_order import Reordered, input_order
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import random_inputs

SUFFIXES: tuple[str, ...] = (".pt2",)


class ExportedNetwork(nn.Module):
    """An exported program as a network: always in evaluation mode, as it was exported."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program
        self.origin = "torch.export, as it is"

    def forward(self, *x: Tensor) -> Tensor:
        """Call the program with its inputs in their order."""
        answer: Tensor = self.program(*x)
        return answer

    def train(self, mode: bool = True) -> ExportedNetwork:
        """Do nothing: a program has one mode."""
        return self


def sniff(path: Path) -> bool:
    """Return whether a file is such an archive."""
    return path.suffix in SUFFIXES and zipfile.is_zipfile(path)


def read(path: Path, groups: Sequence[InputGroup], preprocess_file: Path) -> tuple[nn.Module, list[InputGroup]]:
    """Read a network, its inputs in the order of ``groups``; the groups come back as they are.

    Raises:
        UserError: if the file is damaged or takes other inputs.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(str(path))
            arguments = list(program.graph_signature.user_inputs)
            network = ExportedNetwork(program.module())
    except Exception as error:  # the archive's reader raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable torch.export file ({first}); export it again") from error
    order = input_order([str(name) for name in arguments], groups, path, preprocess_file)
    return (network if order == list(range(len(groups))) else Reordered(network, order)), list(groups)


def as_onnx(path: Path, network: nn.Module, preprocess: Preprocess, folder: Path) -> tuple[Path, str]:
    """Write a network as ONNX, its inputs named as in ``preprocess``; return the file, and whose export it is."""
    from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx

    groups, file = preprocess.groups, folder / "teacher.onnx"
    module, _ = read(path, groups, path)
    x = random_inputs(groups, N_TRACE_SAMPLES)
    write_onnx(module, [group.name for group in groups], tuple(group.axes for group in groups), x, file)
    return file, "ONNX, exported from the publisher's torch.export program"
