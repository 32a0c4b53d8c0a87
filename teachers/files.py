"""Files of teachers: find them, fetch and verify published ones, and read the parameters that they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load
from torch import Tensor, nn

from teachers.keras_file import is_saved_model
from zskt.contracts import Card
from zskt.errors import UserError
from zskt.storage.downloads import fetch
from zskt.storage.files import sha256
from zskt.storage.run_files import STUDENT

STATE_KEYS = (
    "state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "parameters", "ema_state_dict",
    "model_ema", "ema_model", "ema",
)  # fmt: skip
"""Keys under which training scripts keep a network's parameters; averages last, which may be of few steps."""
AVERAGED = "n_averaged"
"""Buffer of PyTorch's averages of networks, which is no parameter, nor has their prefix."""
FEW_KEYS = 6
"""Keys of a file that an error has."""


class NetworkSource(Protocol):
    """The fields of a card that say where the file of its network is."""

    @property
    def name(self) -> str: ...

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


def is_network(path: Path) -> bool:
    """Return whether there is a file, or the folder of a SavedModel of TensorFlow."""
    return path.is_file() or is_saved_model(path)


def no_file(path: Path) -> str:
    """Say what a path is, where the file of a network should be and is not."""
    return "is a folder" if path.is_dir() else "no such file"


def require_user_file(name: str, path: Path) -> Path:
    """Return the path of the user's file of a network, if there is a file.

    Raises:
        UserError: if there is none.
    """
    if not is_network(path):
        raise UserError(f"--teacher-path {path}: {no_file(path)}; give the file of {name}, or leave the flag out")
    return path


def network_file(card: NetworkSource) -> Path:
    """Return the file of a card's network: the user's, the bundled, the trained, or the publisher's.

    A published file is fetched once, and verified.

    Raises:
        UserError: if there is no such file, no internet connection, or the file's SHA-256 is not the card's.
    """
    if card.local_file is not None:
        if not is_network(card.local_file):
            raise UserError(
                f"{card.local_file}: no such file; say where the file of {card.name} is now: --teacher-path"
            )
        return card.local_file
    if card.bundled_file is not None:
        return _bundled_file(card.bundled_file, card.sha256)
    if card.training_preset is not None:
        return _trained_file(card.name, card.training_preset)
    if card.url is None:
        raise UserError(f"{card.name}: it came from a file; give that as --teacher-path")
    if card.sha256 is None:
        raise UserError(
            f"{card.name}: no verified SHA-256 is recorded; download {card.url} yourself and give it as --teacher-path"
        )
    return fetch(card.name, card.url, f"sha256:{card.sha256}", "give it as --teacher-path")


def _bundled_file(path: Path, expected_sha256: str | None) -> Path:
    if not path.is_file():
        raise UserError(f"{path}: the teacher that ships with zskt is missing; clone the repository anew")
    if sha256(path) != expected_sha256:
        raise UserError(f"{path}: is not the teacher that ships with zskt; restore it, or give --teacher-path")
    return path


def _trained_file(name: str, preset: str) -> Path:
    """Return the network that ``--mode teacher`` left in the working directory."""
    path = Path("runs") / f"teacher-{preset}-seed0" / STUDENT
    if not path.is_file():
        raise UserError(
            f"{name}: nobody publishes it; train it with --mode teacher --preset {preset} ({path}), "
            "or give a file as --teacher-path"
        )
    return path


def read_state_dict(path: Path, prefix: str = "") -> dict[str, Tensor]:
    """Read named parameters from safetensors or a PyTorch checkpoint.

    Args:
        path: the file; a checkpoint may hold the parameters under one of `STATE_KEYS`.
        prefix: what the names in the file begin with beyond ours.

    Raises:
        UserError: if the file is damaged or holds something else.
    """
    is_safetensors = path.suffix == ".safetensors"
    try:
        with path.open("rb") as file:  # opened here: libraries take no name that is not UTF-8
            state: Any = (
                load(file.read()) if is_safetensors else torch.load(file, map_location="cpu", weights_only=True)
            )
    except Exception as error:  # unpickling raises whatever the broken bytes lead to
        kind = "safetensors" if is_safetensors else "PyTorch state_dict"
        raise UserError(f"{path}: not a readable {kind} file; fetch it again") from error
    held, state = state, state_in(state)
    if state is None:
        found = f", but {', '.join(map(str, list(held)[:FEW_KEYS]))}" if isinstance(held, dict) else ""
        raise UserError(
            f"{path}: holds no state_dict of tensors{found}; give the file of parameters: "
            "torch.save(network.state_dict(), 'state.pt')"
        )
    if is_safetensors:  # in the order of names: read from bytes they come in any
        state = dict(sorted(state.items()))
    return {key.removeprefix(prefix): value for key, value in state.items()}


def state_in(held: Any) -> dict[str, Tensor] | None:
    """Return the parameters in what a file holds, with their names: all of it, or under the first of `STATE_KEYS`.

    Returns:
        None if there are none.
    """
    if not isinstance(held, dict):
        return None
    if all(isinstance(value, Tensor) for value in held.values()):
        return {str(key): value for key, value in held.items() if key != AVERAGED}
    for key in STATE_KEYS:
        inner = held.get(key)
        if not isinstance(inner, dict):
            continue
        tensors = {str(k): v for k, v in inner.items() if isinstance(v, Tensor) and k != AVERAGED}
        if tensors:
            return tensors
    return None


def load_teacher(name: str, card: Card, path: Path | None = None) -> nn.Module:
    """Load a card's network. Deprecated: call ``card.with_files(path).load()``."""
    del name
    return card.with_files(path).load()
