"""The run folder: what was asked, where, with what versions, what was measured on the way, and the result.

Holds ``config.json``, ``environment.json``, ``metrics.jsonl``, what loggers write, ``checkpoint.pt``,
``student.safetensors`` and ``result.json``.
"""

from __future__ import annotations

import contextlib
import json
import math
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zskt.checkpoint import TrainState
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.loggers import DEFAULT, open_loggers
from zskt.experiments.loggers.logger import Logger, Projection, RunDescription
from zskt.parallel.ranks import world
from zskt.storage.files import read_json, write_json
from zskt.storage.run_files import (
    ASKED,
    CHECKPOINT,
    CONFIG,
    ENVIRONMENT,
    INPUTS,
    LOCK,
    LOCK_OWNER,
    METRICS,
    RESULT,
    STUDENT,
    require_new,
)
from zskt.storage.whole_files import naming, replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PACKAGES = ("torch", "numpy", "scipy", "uproot", "awkward", "scikit-learn", "safetensors", "tensorboard")


def environment(device: torch.device) -> dict[str, Any]:
    """Return versions, machine, revision and command line."""
    return {
        "command": shlex.join(["python", *sys.argv]),
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
        loggers: who looks on, by name; None for whom the run began with, or `DEFAULT`.

    Raises:
        UserError: if the folder cannot be made or holds a run already.
    """

    def __init__(self, path: Path, *, resume: bool = False, loggers: Sequence[str] | None = None) -> None:
        self.path, self.writes = path, world().leader
        self.logger_names = tuple(loggers or (_recorded_loggers(path) if resume else ()) or DEFAULT)
        self.description = RunDescription()
        self._loggers: list[Logger] | None = None
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
        self,
        config: RunConfig,
        device: torch.device,
        files: dict[str, Any],
        inputs: dict[str, Any] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        """Record what a run is asked to do, before anything is computed.

        Args:
            files: the files that it is made of.
            inputs: what the user has said of the inputs of a teacher from a file.
            asked: what the user asked for, by name, where the run has something else.
        """
        if not self.writes:
            return
        if inputs is not None:
            write_json(self.path / INPUTS, inputs)
        write_json(self.path / ENVIRONMENT, environment(device) | {"loggers": list(self.logger_names)})
        exchanged = {ASKED: dict(asked)} if asked else {}
        write_json(
            self.path / CONFIG, config.to_dict() | {"files": files} | exchanged
        )  # last: who reads it needs the others

    @contextmanager
    def taken_back(self, state: TrainState) -> Iterator[None]:
        """Empty the folder again if a user's mistake ends the run before its first iteration.

        The command that has none may then have the same folder. What ends a run otherwise leaves all there is.
        """
        try:
            yield
        except UserError as error:
            if type(error) is UserError and not isinstance(error.__cause__, OSError) and not state.step and self.writes:
                self.flush()
                for path in self.path.iterdir():
                    if path.name not in (LOCK, LOCK_OWNER):
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
            raise

    def rewind(self, step: int) -> None:
        """Forget metrics later than ``step``: a resumed run writes them again."""
        if not self.writes:
            return
        path = self.path / METRICS
        if path.exists():
            lines = [line for line in path.read_text().splitlines() if _step(line) <= step]
            with replacing(path) as temporary:
                temporary.write_text("".join(f"{line}\n" for line in lines))
        self._loggers = open_loggers(self.logger_names, self.path, step)

    @property
    def loggers(self) -> list[Logger]:
        """Who looks on; nobody beside a rank that does not write."""
        if self._loggers is None:
            self._loggers = open_loggers(self.logger_names, self.path) if self.writes else []
        return self._loggers

    def show(self, description: RunDescription, *, begins: bool) -> None:
        """Tell loggers what the run is asked to do.

        Args:
            begins: whether it is at its beginning; one that goes on has told them before.
        """
        self.description = description
        for logger in self.loggers if begins else ():
            logger.begin(description)

    def log(self, step: int, values: Mapping[str, float | None], beside: Mapping[str, float] | None = None) -> None:
        """Add a line to ``metrics.jsonl``, and tell loggers.

        Args:
            beside: numbers for loggers alone.
        """
        if not self.writes:
            return
        numbers = {name: value for name, value in values.items() if value is not None}
        path = self.path / METRICS
        with naming(path), path.open("a") as file:
            file.write(json.dumps({"step": step, **numbers}) + "\n")
        shown = {self.description.named(name): value for name, value in {**numbers, **(beside or {})}.items()}
        for logger in self.loggers:
            logger.scalars(step, shown)

    def figure(self, title: str, figure: Figure, step: int) -> None:
        """Show loggers a picture."""
        for logger in self.loggers:
            logger.figure(title, figure, step)

    def projection(self, title: str, projection: Projection, step: int) -> None:
        """Show loggers points for a projector."""
        for logger in self.loggers:
            logger.projection(title, projection, step)

    def flush(self) -> None:
        """Write what loggers know, before a checkpoint from which the run may go on."""
        for logger in self.loggers:
            logger.flush()

    def save_student(self, student: nn.Module) -> None:
        if self.writes:
            save_network(student, self.path / STUDENT)

    def finish(self, result: dict[str, Any], step: int = 0) -> None:
        """Write ``result.json`` last: a folder that has it is complete."""
        for logger in self._loggers or ():
            logger.finish(result, step)
        if self.writes:
            write_json(self.path / RESULT, result)


def _recorded_loggers(folder: Path) -> tuple[str, ...]:
    """Return who looked on when a run began; nobody in particular where another version began it."""
    path = folder / ENVIRONMENT
    names = read_json(path).get("loggers", ()) if path.is_file() else ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


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
