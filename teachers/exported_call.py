"""Call a program of torch.export with tensors in a row, whatever its signature: nested inputs, keywords, constants."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind
from torch.utils import _pytree

from zskt.number_types import as_type


class Argument(NamedTuple):
    """One tensor that a program takes."""

    name: str
    """Its own name, as in a dictionary or a signature."""
    shape: tuple[int | None, ...]
    """Its axes; None is one of any length."""
    dtype: torch.dtype


class ExportedCall(nn.Module):
    """A program as a network of tensors: always in evaluation mode, as it was exported.

    Args:
        program: the program; the constants among its inputs are those that it was exported with.
    """

    def __init__(self, program: ExportedProgram) -> None:
        super().__init__()
        self.program = program.module()
        self.origin = "torch.export, as it is"
        self.structure: Any = program.call_spec.in_spec
        self.inputs: list[Any] = []
        """All inputs in a row: constants, and None in the places of tensors."""
        self.places: list[int] = []
        """Where the tensors are among them."""
        self.arguments: tuple[Argument, ...] = ()
        """The tensors that it takes, in the order of `forward`."""
        paths = _names(self.structure)
        values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
        inputs = [spec.arg for spec in program.graph_signature.input_specs if spec.kind == InputKind.USER_INPUT]
        for path, argument in zip(paths, inputs, strict=True):
            if isinstance(argument, ConstantArgument):
                self.inputs.append(argument.value)
                continue
            value = values[argument.name]
            shape = tuple(size if isinstance(size, int) else None for size in value.shape)
            self.arguments += (Argument(path or argument.name, shape, value.dtype),)
            self.places.append(len(self.inputs))
            self.inputs.append(None)

    def forward(self, *x: Tensor) -> Any:
        """Call the program with the tensors of `arguments`; the answer is as it gives it: one, several, or named."""
        flat = list(self.inputs)
        for place, t, argument in zip(self.places, x, self.arguments, strict=True):
            flat[place] = as_type(t, argument.dtype)
        positional, named = _pytree.tree_unflatten(flat, self.structure)
        return self.program(*positional, **named)

    def train(self, mode: bool = True) -> ExportedCall:
        """Do nothing: a program has one mode."""
        return self


def _names(structure: Any) -> list[str]:
    """Return the name of each input that a keyword or a dictionary gives it, else an empty one."""
    count = structure.num_leaves
    places = _pytree.tree_flatten_with_path(_pytree.tree_unflatten(list(range(count)), structure))[0]
    keys = [path[-1] for path, _ in places]
    return [str(key.key) if isinstance(key, _pytree.MappingKey) else "" for key in keys]
