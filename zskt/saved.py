"""Runs of the Python interface on disk: a folder with the student, its settings and its metrics.

Holds ``config.json``, ``environment.json``, ``metrics.jsonl``, ``result.json``, ``student.safetensors``, and
``student.pt2``, the student as an exported program, where `torch.export` can export it: it is read without its code.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zskt.errors import UserError
from zskt.experiments.result import SCHEMA, upgrade
from zskt.experiments.run_folder import environment, save_network
from zskt.methods import METHODS
from zskt.settings import Settings
from zskt.storage.exported_archive import load_program
from zskt.storage.files import read_json, write_json
from zskt.storage.metric_lines import read_lines
from zskt.storage.run_files import CONFIG, METRICS, RESULT, STUDENT

if TYPE_CHECKING:
    from zskt.api import Run
    from zskt.experiments.catalog import Catalog

PROGRAM = "student.pt2"
PAIR_SETTINGS = ("precision", "attention_layers")
"""Fields of a run that say how both networks were asked."""


class Program(nn.Module):
    """An exported student: always in evaluation mode.

    Args:
        exported: the program.
        heads: what its outputs are, the attributes of `zskt.forward.split_heads`.
    """

    def __init__(self, exported: torch.export.ExportedProgram, heads: Mapping[str, int] = MappingProxyType({})) -> None:
        super().__init__()
        self.exported, self.program = exported, exported.module()
        self.bernoulli, self.regressions = bool(heads.get("bernoulli", 0)), heads.get("regressions", 0)

    def forward(self, *x: torch.Tensor) -> torch.Tensor:
        """Call the program, -> logits (B, K)."""
        logits: torch.Tensor = self.program(*x)
        return logits

    def train(self, mode: bool = True) -> Program:
        """Do nothing: an exported program has no other mode."""
        return self


def save_run(run: Run, folder: Path) -> Path:
    """Write a run into a new folder.

    Raises:
        UserError: if the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: is not an empty folder; name another")
    folder.mkdir(parents=True, exist_ok=True)
    values = run.settings.to_dict() if isinstance(run.settings, Settings) else dict(run.settings)
    settings: dict[str, Any] = {"method": run.method, "settings": values, "seed": run.seed}
    settings |= {name: getattr(run, name) for name in PAIR_SETTINGS}
    heads = {name: int(getattr(run.student, name, 0)) for name in ("bernoulli", "regressions")}
    settings |= {"heads": heads} if any(heads.values()) else {}
    write_json(folder / CONFIG, {"preset": None, "mode": "api", **settings})
    place = next((p.device for p in run.student.parameters()), torch.device("cpu"))
    write_json(folder / "environment.json", environment(place))
    lines = (json.dumps({"step": i, **metrics}) for i, metrics in enumerate(run.metrics, 1))
    (folder / METRICS).write_text("".join(f"{line}\n" for line in lines))
    student = copy.deepcopy(run.student).cpu().eval()  # the user's stays where it is
    save_network(student, folder / STUDENT)
    _export(student, run.example, folder / PROGRAM)
    names = ("steps", "teacher_queries", "seconds", "evaluation")
    result = {"schema": SCHEMA, "mode": "api", **settings} | {name: getattr(run, name) for name in names}
    write_json(folder / RESULT, result)
    return folder


def _export(student: nn.Module, example: tuple[torch.Tensor, ...], path: Path) -> None:
    """Write the student as an exported program for any batch size; one that cannot be exported is left out."""
    if isinstance(student, Program):  # of a run that was read
        torch.export.save(student.exported, path)
        return
    if not example:
        return
    try:
        batch = torch.export.Dim("batch", min=1, max=2**20)
        dynamic = tuple({0: batch} for _ in example)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(
                student, example, dynamic_shapes=(dynamic,) if _takes_any(student) else dynamic
            )
            torch.export.save(program, path)
    except Exception as error:  # the exporter raises whatever it meets in a network
        first = " ".join(str(error).split())[:120]
        path.unlink(missing_ok=True)
        warnings.warn(
            f"{path.name} left out, the student cannot be exported ({first}); load_run needs student=", stacklevel=4
        )


def _takes_any(network: nn.Module) -> bool:
    """Tell whether a network's forward pass takes ``*x``."""
    return bool(network.forward.__code__.co_flags & 0x04) if hasattr(network.forward, "__code__") else False


def read_run(folder: Path, student: nn.Module | None, catalog: Callable[[], Catalog]) -> Run:
    """Read a run; see `zskt.load_run`. The catalogue is asked for the student of a run of the command line."""
    from zskt.api import Run

    recorded, result = read_json(folder / CONFIG), upgrade(read_json(folder / RESULT))
    network, settings, method, seed = _student(folder, recorded, student, catalog)
    lines = read_lines(folder / METRICS)
    evaluation = result.get("evaluation", result.get("student", {}))
    return Run(
        network,
        method,
        settings,
        seed,
        **{name: recorded[name] for name in PAIR_SETTINGS if name in recorded},
        metrics=[{k: v for k, v in line.items() if k != "step"} for line in lines],
        evaluation=evaluation,
        teacher_queries=result.get("teacher_queries", 0),
        steps=result.get("steps", 0),
        seconds=result.get("seconds", 0.0),
    )


def _student(
    folder: Path, recorded: dict[str, Any], student: nn.Module | None, catalog: Callable[[], Catalog]
) -> tuple[nn.Module, Any, str, int]:
    """Load the student, and the settings, the method's name and the seed of its run."""
    if recorded.get("mode") != "api":
        from zskt.experiments.build import load_student
        from zskt.experiments.finished import read_config

        config, _ = read_config(folder)
        if student is not None:
            return _load(folder, student), config.settings, config.method, config.seed
        network = load_student(folder, config, catalog().with_run(folder))
        return network, config.settings, config.method, config.seed
    name, values = str(recorded.get("method")), recorded.get("settings", {})
    settings = METHODS[name].Config.from_dict(values) if name in METHODS else values  # else a method of the user's
    return _load(folder, student, recorded.get("heads", {})), settings, name, int(recorded.get("seed", 0))


def _load(folder: Path, student: nn.Module | None, heads: Mapping[str, int] = MappingProxyType({})) -> nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = folder / STUDENT
    if student is not None:
        try:
            student.load_state_dict(load(path.read_bytes()))
        except (SafetensorError, RuntimeError, OSError) as error:
            first = " ".join(str(error).split())[:160]
            raise UserError(
                f"{path}: does not fit the student that was given ({first}); give its architecture"
            ) from error
        return student.eval()
    if not (folder / PROGRAM).is_file():
        raise UserError(f"{folder}: its student was not exported; give student=, a network of the same architecture")
    return Program(load_program(folder / PROGRAM), heads)
