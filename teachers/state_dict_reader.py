"""Read taggers from files of parameters alone: weaver's ``net_best_epoch_state.pt``, checkpoints, safetensors.

The network comes from the architecture that the user names; a ParticleNet of weaver needs none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from teachers.architecture import build_network, build_plain, load_state, plain_names
from teachers.card import ParameterCard
from teachers.files import read_state_dict, state_in
from teachers.forward_arguments import Called, FilledVectors, input_of
from teachers.kinds import kind_of_file
from teachers.layouts import arrange
from teachers.network_file import Argument
from teachers.weaver_particlenet import arguments_of, weaver_particlenet_of
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.outputs import as_outputs, names_of, raw_outputs
from zskt.storage.files import sha256

if TYPE_CHECKING:
    from teachers.tagger import Tagger

KINDS = ("state_dict", "checkpoint", "safetensors")
"""Kinds of files, of `teachers.kinds`, that hold parameters alone."""
EXPORT_TOLERANCE = 1e-4
"""How far an export may answer from its network."""
MARKS = {
    "edge_convs.0.convs.0.weight": "ParticleNet",
    "blocks.0.attn.out_proj.weight": "ParticleTransformer",
    "cls_token": "ParticleTransformer",
}
"""Last words of a parameter's name -> the network of weaver that has it."""


@dataclass(frozen=True)
class Architecture:
    """The architecture that a user names for a file of parameters."""

    name: str
    """A module, a class, or a file: see `teachers.architecture`."""
    options: str = "{}"
    """Arguments of its constructor, as a JSON object."""
    sha256: str | None = None
    """SHA-256 of the file, if it is one."""

    @classmethod
    def of(cls, name: str, options: str | None) -> Self:
        """Make it of what the user wrote.

        Raises:
            UserError: if the options are no JSON object, or the file is not there.
        """
        try:
            arguments = json.loads(options or "{}")
        except json.JSONDecodeError as error:
            raise UserError(f"--architecture-options {options}: no JSON ({error}); write '{{\"name\": 1}}'") from error
        if not isinstance(arguments, dict):
            raise UserError(f"--architecture-options {options}: no JSON object; write '{{\"name\": 1}}'")
        file, _, kind = name.partition(":")
        if not file.endswith(".py"):
            return cls(name, json.dumps(arguments))
        if not Path(file).is_file():
            raise UserError(f"--architecture {name}: no such file; give the .py that builds the network")
        place = str(Path(file).absolute()) + (f":{kind}" if kind else "")  # a run may go on in another folder
        return cls(place, json.dumps(arguments), sha256(Path(file)))

    @classmethod
    def agreed(cls, recorded: Self | None, name: str, options: str | None) -> Self:
        """Make it of what the user wrote, where a run may have recorded one before.

        Args:
            name, options: of the command line: ``--architecture``, ``--architecture-options``.

        Raises:
            UserError: as `of` does, and if the run recorded another one.
        """
        named = cls.of(name, options)
        if recorded not in (None, named):
            raise UserError(f"--architecture {name}: the run began with {recorded.name}; leave the flag out")
        return named

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Make it of what `record` returned."""
        return cls(str(record["name"]), json.dumps(record["options"]), record.get("sha256"))

    def record(self) -> dict[str, Any]:
        """Return what a run keeps of it."""
        return {"name": self.name, "options": json.loads(self.options), "sha256": self.sha256}

    def require_unchanged(self) -> None:
        """Raise `UserError` if its file is not the one that it was when the run began: it is code that would run."""
        file = Path(self.name.partition(":")[0])
        if self.sha256 is not None and (not file.is_file() or sha256(file) != self.sha256):
            raise UserError(f"--architecture {file}: not the file that the run began with; put it back")


def sniff(path: Path) -> bool:
    """Return whether a file holds parameters alone."""
    return path.is_file() and kind_of_file(path) in KINDS


class ParameterFile:
    """A network of which a file holds the parameters; its arguments are the described inputs."""

    runtime = "PyTorch"
    outputs: tuple[str, ...] = ()
    """Names of what it answers, if it is a table: known once it has run."""

    def __init__(
        self, path: Path, module: nn.Module, preprocess: Preprocess, architecture: Architecture | None
    ) -> None:
        self.path, self.module, self.preprocess, self.architecture = path, module, preprocess, architecture
        self.arguments = tuple(Argument(group.name) for group in preprocess.groups)

    @torch.no_grad()
    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the outputs for copies of x: a network may write into its inputs."""
        result = self.module(*(t.clone() for t in x))
        self.outputs = names_of(result)
        return as_outputs(result)

    def network(self, x: Sequence[Tensor], groups: Sequence[InputGroup]) -> nn.Module:
        """Return the network."""
        del x, groups
        return self.module

    def as_onnx(self, tagger: Tagger, folder: Path) -> tuple[Path, str] | None:
        """Write the network as ONNX; return it, and whose export it is; None where the export fails or differs.

        Weaver's networks are built as weaver builds them for its own export, which answers with probabilities.
        """
        from teachers.export import export_tagger
        from zskt.onnx_runtime import N_TRACE_SAMPLES, run_onnx

        groups, file = tagger.preprocess.groups, folder / "teacher.onnx"
        x = random_inputs(groups, N_TRACE_SAMPLES)
        exported = self._for_inference()
        if all(group.layout == "BCP" for group in groups):
            exported = FilledVectors(exported, groups)
        try:
            written = export_tagger(exported.eval(), tagger, folder, "ONNX, exported from the publisher's parameters")
            answer = run_onnx(file, [group.name for group in groups], x)
            with torch.no_grad():
                arguments = [arrange(t, group.layout) for t, group in zip(x, groups, strict=True)]
                same = torch.allclose(answer, raw_outputs(exported, arguments), atol=EXPORT_TOLERANCE)
        except Exception:  # the exporter and onnxruntime raise whatever an operator leads to
            same = False
        if same:
            return written
        file.unlink(missing_ok=True)
        return None

    def _for_inference(self) -> nn.Module:
        """Return the network in the form that can be exported, where its code has one."""
        if self.architecture is None:
            return self.module
        options = json.loads(self.architecture.options) | {"for_inference": True}
        try:
            architecture = replace(self.architecture, options=json.dumps(options))
            return _network(self.path, self.preprocess, self.path, architecture)
        except UserError:  # its code knows no other form
            return self.module


def open_file(
    path: Path, preprocess: Preprocess, preprocess_file: Path, architecture: Architecture | None
) -> ParameterFile:
    """Open a file of parameters as the network that they belong to.

    Args:
        path: the parameters.
        preprocess: the inputs and outputs.
        preprocess_file: the file of ``preprocess``, for messages.
        architecture: what the user named; a ParticleNet of weaver needs none.

    Raises:
        UserError: if the file is damaged, of another architecture, or does not say which it is of.
    """
    network = _network(path, preprocess, preprocess_file, architecture)
    return ParameterFile(path, network, preprocess, architecture)


def open_plain(path: Path, architecture: Architecture) -> ParameterFile:
    """Open a file of parameters as a network of one input, images or vectors.

    Raises:
        UserError: if the file is damaged, holds the network itself, or is of another architecture.
    """
    if not sniff(path):
        raise UserError(f"--architecture {architecture.name}: {path} holds no parameters alone; leave the flag out")
    architecture.require_unchanged()
    state = _of_32_bits(path)
    network = build_plain(architecture.name, json.loads(architecture.options), state)
    load_state(network, state, path)
    network.origin = f"parameters of {architecture.name}"
    network.eval().requires_grad_(False)
    return ParameterFile(path, network, Preprocess((InputGroup("x", ()),), ()), architecture)


def _of_32_bits(path: Path) -> dict[str, Tensor]:
    return {name: value.float() if value.is_floating_point() else value for name, value in parameters(path).items()}


def _network(path: Path, preprocess: Preprocess, preprocess_file: Path, architecture: Architecture | None) -> nn.Module:
    state = _of_32_bits(path)
    if architecture is not None:
        architecture.require_unchanged()
        network = build_network(architecture.name, json.loads(architecture.options), preprocess, state)
        load_state(network, state, path)
        network.origin = f"parameters of {architecture.name}"
        network.eval()
        return network.requires_grad_(False)
    particlenet = weaver_particlenet_of(plain_names(state))
    if particlenet is None:
        raise UserError(f"{path}: is {_remedy(state)}")
    order = [input_of(name, preprocess.groups) for name in arguments_of(particlenet)]
    if None in order:
        missing = arguments_of(particlenet)[order.index(None)]
        raise UserError(
            f"{path}: takes {missing}, which is none of the inputs of {preprocess_file}; "
            "give the two files that belong together"
        )
    return Called(particlenet, [i for i in order if i is not None])


def parameters(path: Path) -> dict[str, Tensor]:
    """Return the parameters of a file, also of a checkpoint with more in it.

    Raises:
        UserError: if the file is damaged, or holds objects beside them that only code could make.
    """
    if path.suffix == ".safetensors" or kind_of_file(path) != "checkpoint":
        return read_state_dict(path)
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling raises whatever the file leads to
        raise UserError(
            f"{path}: is a checkpoint of a training that holds more than numbers, and to read that is to run code; "
            "where it was trained, save its parameters alone: torch.save(network.state_dict(), 'state.pt')"
        ) from error
    state = state_in(held)
    return read_state_dict(path) if state is None else state


def cards_with(state: Mapping[str, Tensor]) -> list[str]:
    """Return the names of our teachers whose architecture has these parameters, by name and shape."""
    from teachers.images import IMAGES
    from teachers.jetclass import JETCLASS

    shapes = {name: tuple(value.shape) for name, value in plain_names(state).items()}
    return [
        name
        for name, card in (JETCLASS | IMAGES).items()
        if isinstance(card, ParameterCard)
        and {n: tuple(v.shape) for n, v in plain_names(card.build().state_dict()).items()} == shapes
    ]


def _remedy(state: Mapping[str, Tensor]) -> str:
    """Say what a file of parameters needs, as narrowly as they tell."""
    known = cards_with(state)
    if known:
        return f"parameters alone, without their network; say whose they are: --teacher {' or '.join(known)}"
    for mark, name in MARKS.items():
        if any(key == mark or key.endswith(f".{mark}") for key in state):
            unknown = ", and its neighbours: --architecture-options '{\"conv_params\": [[16, [64, 64, 64]], ...]}'"
            return (
                f"parameters alone, without their network, as weaver's {name} has them; say so: "
                f"--architecture weaver.nn.model.{name}{unknown if name == 'ParticleNet' else ''}"
            )
    return (
        "parameters alone, without their network; give the code that builds it: --architecture network.py, "
        "or package.module:Class"
    )
