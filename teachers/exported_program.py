"""Networks stored by `torch.export.save`: a graph and its parameters, no code."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from teachers.exported_call import ExportedCall
from teachers.network_file import Argument
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup
from zskt.outputs import as_outputs
from zskt.storage.exported_archive import load_program

if TYPE_CHECKING:
    from teachers.tagger import Tagger

SUFFIXES: tuple[str, ...] = (".pt2",)


class AnswersInARow(ExportedCall):
    """A program that answers with a tuple, also where it answers with one tensor or a table."""

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Call the program with the tensors of `arguments`."""
        return as_outputs(super().forward(*x))


class ProgramFile:
    """A network stored by `torch.export.save`."""

    runtime = "torch.export"

    def __init__(self, path: Path, program: Any) -> None:
        from teachers.onnx_batches import InPieces  # onnx takes a second to import

        self.path = path
        call = AnswersInARow(program)
        self.outputs = _output_names(program)
        self.arguments = tuple(Argument(a.name, a.shape, not a.dtype.is_floating_point) for a in call.arguments)
        first = {a.shape[0] for a in call.arguments if a.shape} - {None}
        self.batch = first.pop() or 0 if len(first) == 1 else 0
        """Number of jets that it was exported for; 0 for any."""
        self.program: nn.Module = InPieces(call, self.batch) if self.batch else call
        pieces = f"in pieces of {self.batch}" if self.batch else "as it is"
        self.program.origin = f"torch.export, {pieces}"

    @torch.no_grad()
    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the outputs of the program."""
        outputs: tuple[Tensor, ...] = self.program(*x)
        return outputs

    def network(self, x: Sequence[Tensor], groups: Sequence[InputGroup]) -> nn.Module:
        """Return the program: it has gradients."""
        del x, groups
        return self.program

    def as_onnx(self, tagger: Tagger, folder: Path) -> tuple[Path, str] | None:
        """Write the network as ONNX, its inputs named and laid out as described; return the file, and whose export.

        A program of one batch size does not leave.
        """
        from teachers.export import export_tagger

        if self.batch:
            return None
        whose = "ONNX, exported from the publisher's torch.export program"
        return export_tagger(open_file(self.path).program, tagger, folder, whose)


def _output_names(program: Any) -> tuple[str, ...]:
    """Return the names of the outputs of a program that answers with a table of tensors; none of another."""
    answer = program.call_spec.out_spec
    is_table = answer.type is dict and all(child.num_leaves == 1 for child in answer.children())
    return tuple(map(str, answer.context)) if is_table else ()


def sniff(path: Path) -> bool:
    """Return whether a file is such an archive."""
    return path.suffix in SUFFIXES and zipfile.is_zipfile(path)


def open_file(path: Path) -> ProgramFile:
    """Open an exported program.

    Raises:
        UserError: if the file is damaged, or a pickle in it would run code.
    """
    program = load_program(path)
    try:
        return ProgramFile(path, program)
    except Exception as error:  # the program's graph raises whatever is wrong with it
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable torch.export file ({first}); export it again") from error
