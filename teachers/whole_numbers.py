"""Networks in PyTorch that take some inputs as whole numbers: a charge, or a kind of particle, that is an index.

ONNX says of what type an input is; TorchScript and others only raise when they are called with another.

Shapes: B jets, C variables, P entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from teachers.network_file import NetworkFile
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.variable_names import find_variable, kind_of
from zskt.outputs import as_outputs

if TYPE_CHECKING:
    from teachers.tagger import Tagger

WANTED = re.compile(r"\b(Long|LongTensor|int64|integer type)\b|must be long, int")
"""What PyTorch's errors say where an index is no whole number."""


def is_whole(group: InputGroup, preprocess: Preprocess) -> bool:
    """Return whether an input is of whole numbers, as it is prepared: none of its variables is scaled or shifted."""
    if group.is_mask:
        return False
    kind = kind_of(group.names, group.name)
    defined = {definition.name for definition in preprocess.definitions}
    for variable in group.variables:
        definition = None if variable.name in defined else find_variable(variable.name, kind)
        numbers = (variable.median, variable.norm_factor, variable.pad)
        if definition is None or not definition.is_integer or not all(float(n).is_integer() for n in numbers):
            return False
    return True


class WholeNumbers(nn.Module):
    """A network some of whose inputs are made whole numbers first; they pass no gradient on.

    Args:
        network: called with its own inputs; returns a tensor, or several.
        positions: of the inputs that it takes as whole numbers.
    """

    def __init__(self, network: nn.Module, positions: Iterable[int]) -> None:
        super().__init__()
        self.network, self.positions = network, frozenset(positions)
        self.origin = getattr(network, "origin", "") or "TorchScript, as it is"
        self.published: int | None = getattr(network, "published", None)
        self.differentiable: bool = getattr(network, "differentiable", True)

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Call the network."""
        return as_outputs(self.network(*as_whole(x, self.positions)))


def as_whole(x: Sequence[Tensor], positions: frozenset[int]) -> list[Tensor]:
    """Return inputs, of any shape, of which those at some positions are rounded to whole numbers of 64 bits."""
    return [t.detach().round().long() if i in positions else t for i, t in enumerate(x)]


class WholeNumberFile:
    """A file whose inputs of whole numbers are handed over as such, once it has refused others.

    Args:
        file: the network.
        positions: of its arguments that are whole numbers.
    """

    def __init__(self, file: NetworkFile, positions: Iterable[int]) -> None:
        self.file, self.positions, self.casts = file, frozenset(positions), False
        self.path: Path = file.path
        self.arguments, self.outputs, self.runtime = file.arguments, file.outputs, file.runtime

    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the outputs of the network for its own inputs."""
        outputs = self._run(x)
        self.outputs = self.file.outputs  # some names are known once it has run
        return outputs

    def _run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        if not self.casts:
            try:
                return self.file.run(x)
            except Exception as error:  # PyTorch raises errors of several types for it
                if not WANTED.search(str(error)):
                    raise
        outputs = self.file.run(as_whole(x, self.positions))
        self.casts = True
        return outputs

    def network(self, x: Sequence[Tensor], groups: Sequence[InputGroup]) -> nn.Module:
        """Return the network in PyTorch."""
        if not self.casts:
            return self.file.network(x, groups)
        return WholeNumbers(self.file.network(as_whole(x, self.positions), groups), self.positions)

    def as_onnx(self, tagger: Tagger, folder: Path) -> tuple[Path, str] | None:
        """Return None if inputs are cast, which the file's own export does not know; else what the file gives."""
        return None if self.casts else self.file.as_onnx(tagger, folder)


def with_whole_numbers(file: NetworkFile, order: Sequence[int], preprocess: Preprocess) -> NetworkFile:
    """Return a file that is given whole numbers where these are described, and it takes nothing else.

    Args:
        order: for each of its arguments, the position of its input in the description.
    """
    positions = [k for k, i in enumerate(order) if is_whole(preprocess.groups[i], preprocess)]
    return WholeNumberFile(file, positions) if positions and file.runtime != "onnxruntime" else file
