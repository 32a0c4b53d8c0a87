"""What a file says of the network in it, before anybody knows what its inputs mean.

A reader opens a file as a `NetworkFile`: named arguments with whatever shapes the file tells, a way to run the network
as its own runtime does, and the same network in PyTorch. What the arguments mean is the matter of `teachers.layouts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from torch import Tensor, nn

from zskt.jets.preprocess import InputGroup

if TYPE_CHECKING:
    from teachers.tagger import Tagger

Axis = int | str | None
"""Size of an axis that the file fixes, the name of one that it leaves free, or None for a free one without a name."""


class Argument(NamedTuple):
    """An input of a network, as its file has it."""

    name: str
    shape: tuple[Axis, ...] | None = None
    """Its axes in order; None where the file does not tell even how many there are."""
    is_whole: bool = False
    """Whether the file says that it is of integers."""

    @property
    def plain_name(self) -> str:
        """Its name without the number that some exports put behind: "sv_mask" of "sv_mask__5"."""
        return self.name.rsplit("__", 1)[0]


class NetworkFile(Protocol):
    """A network in a file, with inputs in its own order and layouts."""

    path: Path
    arguments: tuple[Argument, ...]
    outputs: tuple[str, ...]
    """Names of its outputs; empty where the file does not tell."""
    runtime: str
    """What runs the file as it is: "onnxruntime", "TorchScript"."""

    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the outputs of the network for its own inputs, without gradients, as its runtime computes them.

        Raises:
            Exception: whatever the runtime raises where the inputs have another rank or size than it takes.
        """
        ...

    def network(self, x: Sequence[Tensor], groups: Sequence[InputGroup]) -> nn.Module:
        """Return the network in PyTorch, called with its own inputs; its attribute ``origin`` says how it is run.

        Args:
            x: samples of its inputs, in its own order and layouts.
            groups: what they are, in the same order.

        Raises:
            UserError: if the network cannot be run here.
        """
        ...

    def as_onnx(self, tagger: Tagger, folder: Path) -> tuple[Path, str] | None:
        """Write the network as ONNX, its inputs named and laid out as `Tagger.preprocess` has them.

        Args:
            tagger: the network, as it was read.
            folder: where to write.

        Returns:
            The file, and whose export it is; None if the network cannot leave so.
        """
        ...


class Reader(Protocol):
    """A module that reads networks of one format; packages that take long to import are imported in its functions."""

    SUFFIXES: tuple[str, ...]
    """Suffixes of files of the format."""

    def sniff(self, path: Path) -> bool:
        """Return whether a file is of this format, and holds a whole network."""
        ...

    def open_file(self, path: Path) -> NetworkFile:
        """Open a file.

        Raises:
            UserError: if the file is damaged, or of another kind: the message says of which.
        """
        ...
