"""Cards of teachers whose architecture is ours and whose file holds its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from teachers.files import network_file, read_state_dict, require_user_file
from zskt.contracts import Inputs
from zskt.errors import UserError
from zskt.gaussian import GaussianHead
from zskt.jets.features import JetInputs, require_features
from zskt.networks.particlenet import ParticleNet


@dataclass(frozen=True, kw_only=True)
class ParameterCard:
    """The card of an architecture and a file of parameters: see `zskt.contracts.Card`."""

    name: str
    summary: str
    """What the network is, in a line."""
    source: str
    """Publication or repository."""
    licence: str
    architecture: Callable[[], nn.Module]
    """Build the network, untrained."""
    inputs: Inputs
    classes: tuple[str, ...]
    url: str | None = None
    """Where the publisher keeps the file; None if it ships with this project, or is trained by the user."""
    sha256: str | None = None
    """SHA-256 of the file; None if nobody here has seen it, and then only a path given by the user is accepted."""
    prefix: str = ""
    """What the parameters' names in the file begin with beyond ours."""
    bundled_file: Path | None = None
    """The file, where it ships with this project."""
    local_file: Path | None = None
    """The user's file, which may hold other weights of the same architecture."""
    dataset: str | None = None
    """Name of the published data set that the network is evaluated on; None where samples are given as files."""
    training_preset: str | None = None
    """Preset of ``--mode teacher`` that trains the network, where no file is published."""
    default_preset: str | None = None
    """Preset of its distillation, where none is named after it."""
    caveats: str = ""
    """What a user should know before trusting it."""
    values: tuple[str, ...] = ()
    """Names of what the network regresses beside its classes."""
    bernoulli: bool = False
    """Whether its classes are independent labels, and not one choice."""
    gaussians: tuple[GaussianHead, ...] = ()
    """Which of its values are mean and width of one."""

    @property
    def domain(self) -> str:
        """Name of the domain of its samples: "jets", "images", "frames"."""
        return self.inputs.domain

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its classes and values, in the order of its outputs."""
        return (*self.classes, *self.values)

    def files(self) -> dict[str, Path]:
        """Return the file of parameters, as "teacher"; fetch and verify it if it is published.

        Raises:
            UserError: if it cannot be had, or is not the recorded one.
        """
        return {"teacher": network_file(self)}

    def load(self) -> nn.Module:
        """Load the network: frozen, in evaluation mode, normalisations folded where that is faster.

        Raises:
            UserError: if the file cannot be had, is damaged, or holds another network.
        """
        path, network = network_file(self), self.build()
        state = read_state_dict(path, self.prefix)
        if isinstance(network, ParticleNet) and isinstance(self.inputs, JetInputs):
            require_features(state, "bn_fts.weight", self.inputs, f"{path} as {self.name}")
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            first = " ".join(str(error).split())[:160]
            raise UserError(
                f"{path}: does not hold the network of {self.name} ({first}); give the file that does"
            ) from error
        if not all(bool(torch.isfinite(value).all()) for value in state.values()):
            raise UserError(
                f"{path}: the network of {self.name} has parameters that are not finite; fetch the file again"
            )
        return network.folded() if isinstance(network, ParticleNet) else network.eval().requires_grad_(False)

    def build(self) -> nn.Module:
        """Build the network, untrained."""
        return self.architecture()

    def parameters(self) -> int:
        """Count the parameters as published: folding normalisations away changes their number."""
        return sum(p.numel() for p in self.build().parameters())

    def describe(self) -> str:
        """Return nothing: the architecture fixes what each input variable is."""
        return ""

    def record(self) -> dict[str, Any] | None:
        """Return None: a run folder needs no record of inputs that the card has."""
        return None

    def with_record(self, record: Mapping[str, Any], where: Path) -> Self:
        """Return the same card: no record says more than it."""
        del record, where
        return self

    def with_files(self, network: Path | None = None, preprocess: Path | None = None) -> Self:
        """Return the card of the same teacher with the user's file of parameters; None leaves it as it is.

        Raises:
            UserError: if there is no such file, or ``preprocess`` is given: the card says how the network is fed.
        """
        if preprocess is not None:
            raise UserError(
                f"--preprocess {preprocess}: {self.name} is fed as its card says; leave one of the two flags out"
            )
        return self if network is None else replace(self, local_file=require_user_file(self.name, network))

    def with_layouts(self, layouts: Sequence[tuple[str, str]]) -> Self:
        """Raise `UserError`: the card says how the network is fed."""
        raise UserError(f"--layout {'='.join(layouts[0])}: {self.name} is fed as its card says; leave the flag out")

    def with_selection(self, **changes: float) -> Self:
        """Return the card of the same teacher for other jets.

        Args:
            changes: fields of `zskt.jets.jets.JetSelection`: ``radius``, ``pt_low``, ``pt_high`` (GeV).

        Raises:
            UserError: if the teacher takes no jets, or pseudo-jets cannot be so.
        """
        if not changes:
            return self
        if not isinstance(self.inputs, JetInputs):
            raise UserError(f"{next(iter(changes))} is of jets, but the teacher {self.name} takes {self.domain}")
        return replace(self, inputs=replace(self.inputs, selection=self.inputs.selection.changed(**changes)))

    def as_onnx(self, network: nn.Module, folder: Path) -> tuple[Path, str] | None:
        """Return None: nobody publishes these networks as ONNX; `zskt.export` exports those that it knows."""
        del network, folder
        return None
