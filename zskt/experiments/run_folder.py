"""The run folder: what was asked, where, with what versions, what was measured on the way, and the result.

Holds ``config.json``, ``environment.json``, ``metrics.jsonl``, TensorBoard's events, ``checkpoint.pt``,
``student.safetensors`` and ``result.json``.
"""

from __future__ import annotations

import contextlib
import json
import math
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.event_writer import EVENTS, close_writer, open_writer
from zskt.files import write_json
from zskt.parallel.ranks import world
from zskt.run_files import CHECKPOINT, CONFIG, ENVIRONMENT, INPUTS, RESULT, require_new
from zskt.whole_files import naming, replacing

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

PACKAGES = ("torch", "numpy", "scipy", "uproot", "awkward", "scikit-learn", "safetensors", "tensorboard")


def environment(device: torch.device) -> dict[str, Any]:
    """Return versions, machine, revision and command line."""
    return {
        "command": " ".join(["python", *sys.argv]),
        "revision": _revision(),
        "python": platform.python_version(),
        "packages": _versions(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "cpu",
        "threads": torch.get_num_threads(),
        "processes": world().size,
    }


def _versions() -> dict[str, str]:
    """Return the versions of the packages that are installed: images do without those of jets."""
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _revision() -> str | None:
    """Return the revision of the checkout that this file lies in; None of an installed package."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        git = subprocess.run(
            ["git", "--no-optional-locks", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True
        )
    except OSError:  # no git on this machine
        return None
    return git.stdout.strip() or None


class RunFolder:
    """The folder of one run; of several ranks the first one writes.

    Args:
        path: made if it is not there.
        resume: go on in a folder that has a run; otherwise one that has is an error.

    Raises:
        UserError: if the folder cannot be made or holds a run already.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path, self.writes = path, world().leader
        self._writer: SummaryWriter | None = None
        if not self.writes:
            return
        if not resume:
            require_new(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--out {path}: cannot make the folder ({error.strerror}); name another") from error

    @property
    def checkpoint(self) -> Path:
        return self.path / CHECKPOINT

    def begin(
        self, config: RunConfig, device: torch.device, files: dict[str, Any], inputs: dict[str, Any] | None = None
    ) -> None:
        """Record what a run is asked to do, before anything is computed.

        Args:
            files: the files that it is made of.
            inputs: what the user has said of the inputs of a teacher from a file.
        """
        if not self.writes:
            return
        if inputs is not None:
            write_json(self.path / INPUTS, inputs)
        write_json(self.path / ENVIRONMENT, environment(device))
        write_json(self.path / CONFIG, config.to_dict() | {"files": files})  # last: who reads it needs the others

    def rewind(self, step: int) -> None:
        """Forget metrics later than ``step``: a resumed run writes them again."""
        if not self.writes:
            return
        path = self.path / "metrics.jsonl"
        if path.exists():
            lines = [line for line in path.read_text().splitlines() if _step(line) <= step]
            with replacing(path) as temporary:
                temporary.write_text("".join(f"{line}\n" for line in lines))
        self._writer = open_writer(self.path, step + 1)

    @property
    def writer(self) -> SummaryWriter:
        if self._writer is None:
            self._writer = open_writer(self.path)
        return self._writer

    def log(self, step: int, values: dict[str, float | None]) -> None:
        """Add a line to ``metrics.jsonl``, and scalars to TensorBoard."""
        if not self.writes:
            return
        numbers = {name: value for name, value in values.items() if value is not None}
        path = self.path / "metrics.jsonl"
        with naming(path), path.open("a") as file:
            file.write(json.dumps({"step": step, **numbers}) + "\n")
        with naming(self.path / EVENTS):
            for name, value in numbers.items():
                self.writer.add_scalar(name, value, step)

    def save_student(self, student: nn.Module) -> None:
        if self.writes:
            save_network(student, self.path / "student.safetensors")

    def finish(self, result: dict[str, Any]) -> None:
        """Write ``result.json`` last: a folder that has it is complete."""
        if self._writer is not None:
            with naming(self.path / EVENTS):
                close_writer(self._writer)
        if self.writes:
            write_json(self.path / RESULT, result)


def _step(line: str) -> float:
    """Return the iteration of a line of metrics; infinite for one that was cut short when the machine stopped."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return math.inf


def save_network(network: nn.Module, path: Path) -> None:
    """Write parameters and buffers as safetensors, atomically."""
    from safetensors.torch import save

    # Its own way to a file makes one that nobody else may read, whatever the umask, and hides why it could not.
    written = save({k: v.detach().cpu().contiguous().clone() for k, v in network.state_dict().items()})
    with replacing(path) as temporary:
        temporary.write_bytes(written)


def free_name(parent: Path, name: str) -> Path:
    """Return ``parent/name``, with a number behind if that exists."""
    candidates = (parent / name, *(parent / f"{name}-{i}" for i in range(2, 10_000)))
    return next(path for path in candidates if not path.exists())
