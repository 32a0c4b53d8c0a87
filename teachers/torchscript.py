"""Networks stored as TorchScript."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from teachers.network_file import Argument
from teachers.script_trust import require_trust
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup
from zskt.networks.weaver import rebuild_script
from zskt.outputs import as_outputs, describe_differences, names_of

if TYPE_CHECKING:
    from teachers.tagger import Tagger

SUFFIXES: tuple[str, ...] = (".pt", ".pth")
DOUBLE = 7
"""Number of `torch.float64` in the code of TorchScript."""


def sniff(path: Path) -> bool:
    """Return whether a file holds a network with its code, and not parameters alone."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except Exception:  # zipfile raises whatever the broken bytes lead to
        return False


class ScriptFile:
    """A network stored as TorchScript, which does not say of what shapes its inputs are."""

    runtime = "TorchScript"
    outputs: tuple[str, ...] = ()
    """Names of what it answers, if it is a table: known once it has run."""

    def __init__(self, path: Path, script: Any) -> None:
        self.path, self.script = path, script
        schema = script.forward.schema.arguments[1:]
        self.arguments = tuple(Argument(a.name) for a in schema if not a.has_default_value())

    @torch.no_grad()
    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the outputs for copies of x: a script may write into its inputs."""
        result = self.script(*(t.clone() for t in x))
        self.outputs = names_of(result)
        return as_outputs(result)

    def network(self, x: Sequence[Tensor], groups: Sequence[InputGroup]) -> nn.Module:
        """Return our own ParticleNet where the script is one, else the script."""
        script: torch.jit.ScriptModule = self.script
        if not all(group.layout in ("BCP", "BC") for group in groups):
            return script
        rebuilt = rebuild_script(script, [a.name for a in self.arguments], x)
        if rebuilt is None:
            return script
        with torch.no_grad():
            expected = script(*(t.clone() for t in x))
        differences = describe_differences(rebuilt, x, expected, "it")
        rebuilt.origin = f"TorchScript, run as our own ParticleNet: {differences}"
        return rebuilt

    def as_onnx(self, tagger: Tagger, folder: Path) -> tuple[Path, str] | None:
        """Write the network as ONNX, its inputs named and laid out as described; return it, and whose export it is.

        CMS publishes TorchScript and ONNX side by side: the latter is taken where it gives the same outputs.
        """
        from teachers import onnx_reader
        from teachers.export import export_tagger

        beside = self.path.with_suffix(".onnx")
        if beside.is_file() and onnx_reader.holds_same_network(beside, tagger):
            return onnx_reader.open_file(beside).as_onnx(tagger, folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            script = torch.jit.freeze(open_file(self.path).script.eval())
        return export_tagger(script, tagger, folder, "ONNX, exported from the publisher's TorchScript")


def open_file(path: Path) -> ScriptFile:
    """Open a TorchScript file.

    Raises:
        UserError: if the file is damaged, or its code may not be run: see `teachers.script_trust`.
    """
    require_trust(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated in favour of torch.export, which is not what CMS publishes
            script = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        has_others = any(t.is_floating_point() and t.dtype != torch.float32 for t in script.state_dict().values())
        if has_others and not _widens(script):
            script = script.float()  # inputs and outputs have 32 bits here
        script.eval()  # before it is run: in training mode random samples would write into its running statistics
        return ScriptFile(path, script)
    except Exception as error:  # the archive's reader raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable TorchScript file ({first}); fetch it again") from error


def _widens(script: torch.jit.ScriptModule) -> bool:
    """Whether the code makes numbers 64 bits wide by itself: its parameters then have to be so, too."""
    graph: Any = script.inlined_graph  # its nodes live no longer than it does
    casts = [list(node.inputs()) for node in graph.findAllNodes("aten::to", recurse=True)]
    return any(inputs[1].toIValue() == DOUBLE for inputs in casts)
