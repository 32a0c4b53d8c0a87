"""Published files -> frozen networks: fetched and verified, or from a path."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from teachers.card import Card
from zskt.errors import UserError
from zskt.files import fetch, sha256
from zskt.jets.features import JetInputs, require_features
from zskt.networks.particlenet import ParticleNet


class Published(Protocol):
    """A card, as far as it says where its file is: see `teachers.card.Card`."""

    @property
    def url(self) -> str | None: ...

    @property
    def sha256(self) -> str | None: ...

    @property
    def local_file(self) -> Path | None: ...

    @property
    def bundled_file(self) -> Path | None: ...

    @property
    def training_preset(self) -> str | None: ...


class Whole(Published, Protocol):
    """A card of a file that holds the network, not its parameters alone."""

    def load(self, file: Path, /) -> nn.Module: ...


KEPT = Path(__file__).parent.parent / "runs" / "reference"
"""Where the project keeps the teachers that nobody publishes."""


def load_teacher(name: str, card: Card | Whole, path: Path | None = None) -> nn.Module:
    """The teacher of a card, frozen, in evaluation mode, fast.

    Args:
        path: a file to take instead of the publisher's; it may hold other weights of the same architecture.

    Raises:
        UserError: if the file cannot be had, is damaged, or belongs to another network.
    """
    file = locate(name, card, path)
    return _from_parameters(name, card, file) if isinstance(card, Card) else card.load(file)


def _from_parameters(name: str, card: Card, file: Path) -> nn.Module:
    network = card.build()
    state = _without_prefix(_read(file), card.prefix)
    if isinstance(network, ParticleNet) and isinstance(card.inputs, JetInputs):
        require_features(state, "bn_fts.weight", card.inputs, f"{file} as {name}")
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = " ".join(str(error).split())[:160]
        raise UserError(f"{file}: does not hold the network of {name} ({first}); give the file that does") from error
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise UserError(f"{file}: the network of {name} has parameters that are not finite; fetch the file again")
    return network.folded() if isinstance(network, ParticleNet) else network.eval().requires_grad_(False)


def locate(name: str, card: Published, path: Path | None) -> Path:
    """The teacher's file: the given path, what ships, or the publisher's, fetched once and verified.

    Raises:
        UserError: if there is no such file, no network, or the file's SHA-256 is not the card's.
    """
    if path is not None:
        if not path.is_file():
            raise UserError(f"--teacher-path {path}: no such file; give the file of {name}, or leave the flag out")
        return path
    if card.bundled_file is not None:
        if not card.bundled_file.is_file():
            raise UserError(
                f"{card.bundled_file}: the teacher that ships with zskt is missing; clone the repository anew"
            )
        if sha256(card.bundled_file) != card.sha256:
            raise UserError(
                f"{card.bundled_file}: is not the teacher that ships with zskt; restore it, or give --teacher-path"
            )
        return card.bundled_file
    if card.training_preset is not None:
        return _trained(name, card.training_preset)
    if card.local_file is not None:
        if not card.local_file.is_file():
            raise UserError(f"{card.local_file}: no such file; say where the file of {name} is now: --teacher-path")
        return card.local_file
    if card.url is None:
        raise UserError(f"{name}: it came from a file; give that as --teacher-path")
    if card.sha256 is None:
        raise UserError(
            f"{name}: no verified SHA-256 is recorded; download {card.url} yourself and give it as --teacher-path"
        )
    return _fetch(name, card)


def _trained(name: str, preset: str) -> Path:
    """Where ``--mode teacher`` leaves a network: the user's own run, else the one that is kept with the project."""
    runs = [folder / f"teacher-{preset}-seed0" for folder in (Path("runs"), KEPT)]
    files = [run / "student.safetensors" for run in runs]
    for file in files:
        if file.is_file():
            return file
    raise UserError(
        f"{name}: nobody publishes it; train it with --mode teacher --preset {preset} ({files[0]}), "
        "or give a file as --teacher-path"
    )


def _fetch(name: str, card: Published) -> Path:
    assert card.url is not None and card.sha256 is not None
    return fetch(name, card.url, card.sha256, "--teacher-path")


def _read(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling raises whatever the broken bytes lead to
        kind = "safetensors" if file.suffix == ".safetensors" else "PyTorch state_dict"
        raise UserError(f"{file}: not a readable {kind} file; fetch it again") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"{file}: holds no state_dict of tensors; give the published file of parameters")
    return state


def _without_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items()}
