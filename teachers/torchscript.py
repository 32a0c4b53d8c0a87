"""Networks stored as TorchScript."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from teachers.input_order import Reordered, input_order
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import N_TRIAL_JETS, describe_differences, random_inputs
from zskt.networks.weaver import rebuild_script

SUFFIXES: tuple[str, ...] = (".pt", ".pth")


def sniff(path: Path) -> bool:
    """Return whether a file holds a network with its code, and not parameters alone."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def read(path: Path, groups: Sequence[InputGroup], preprocess_file: Path) -> tuple[nn.Module, list[InputGroup]]:
    """Read a network, its inputs in the order of ``groups``; the groups come back as they are.

    TorchScript does not say of what lengths its inputs are.

    Raises:
        UserError: if the file is damaged or takes another number of inputs.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated in favour of torch.export, which is not what CMS publishes
            network = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        if any(t.is_floating_point() and t.dtype != torch.float32 for t in network.state_dict().values()):
            network = network.float()  # inputs and outputs have 32 bits here
        arguments = _arguments(network)
    except Exception as error:  # the archive's reader raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable TorchScript file ({first}); fetch it again") from error
    order = input_order(arguments, groups, path, preprocess_file)
    x = random_inputs(groups, N_TRIAL_JETS)
    ordered = [x[i] for i in order]
    rebuilt_network = rebuild_script(network, arguments, ordered)
    module: nn.Module = network if rebuilt_network is None else rebuilt_network
    if rebuilt_network is not None:
        with torch.no_grad():
            expected = network(*(t.clone() for t in ordered))
        differences = describe_differences(rebuilt_network, ordered, expected, "it")
        rebuilt_network.origin = f"TorchScript, run as our own ParticleNet: {differences}"
    return (module if order == list(range(len(groups))) else Reordered(module, order)), list(groups)


def _arguments(script: Any) -> list[str]:
    """Return the names of a script's inputs."""
    return [argument.name for argument in script.forward.schema.arguments[1:] if not argument.has_default_value()]


def as_onnx(path: Path, network: nn.Module, preprocess: Preprocess, folder: Path) -> tuple[Path, str]:
    """Write a network as ONNX, its inputs named as in ``preprocess``; return the file, and whose export it is.

    CMS publishes TorchScript and ONNX side by side: the latter is taken where it gives the same outputs.

    Args:
        path: the TorchScript file.
        network: the same, as it was read: `teachers.tagger.Tagger`.
        preprocess: its inputs and outputs.
        folder: where to write.
    """
    from teachers import onnx_reader

    beside = path.with_suffix(".onnx")
    if beside.is_file() and onnx_reader.holds_same_network(beside, network, preprocess):
        return onnx_reader.as_onnx(beside, network, preprocess, folder)
    return _export(path, preprocess, folder / "teacher.onnx"), "ONNX, exported from the publisher's TorchScript"


def _export(file: Path, preprocess: Preprocess, path: Path) -> Path:
    from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx  # onnx takes a second to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.freeze(torch.jit.load(str(file), map_location="cpu").eval())  # type: ignore[no-untyped-call]
    groups = [preprocess.groups[i] for i in input_order(_arguments(script), preprocess.groups, file, path)]
    axes = tuple(group.axes for group in groups)
    write_onnx(script, [g.name for g in groups], axes, random_inputs(groups, N_TRACE_SAMPLES), path)
    return path
