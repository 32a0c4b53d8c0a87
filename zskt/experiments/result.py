"""Schema of ``result.json``: what a run was asked, what it cost, and how teacher and student score on test samples.

``evaluate-*.json`` has the same layout, on other test samples. Older layouts are read through one table of aliases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.experiments.aliases import RESULT_ALIASES, SETTING_ALIASES, rename
from zskt.storage.documents import checked
from zskt.storage.files import read_json

SCHEMA = 2
"""Version of the layout. Results before it carry no number."""
METHODS = {
    "zero-shot": "zskt",
    "compress": "zskt",
    "kd": "kd",
    "few-shot": "supervised",
    "teacher": "supervised",
    "toy": "zskt",
}
"""Mode -> method, of results that do not name their method."""
DATA_FREE = ("zero-shot", "compress")
"""Modes in which pseudo-samples of a generator teach, and nothing else."""
BY_LABEL = "labels"
"""Word for figures of independent labels, each label of each sample counted by itself."""
UNITS = {"jets": "jet", "images": "image"}
"""Key under which an older result counts its samples -> what a sample is called."""
SUPERVISED_ENTRIES = ("samples_per_class", "kd_fraction", "attention_weight", "init_from_run")
"""Entries that only few-shot results have."""


@dataclass(frozen=True, kw_only=True)
class ScoredSamples:
    """The samples that teacher and student were scored on."""

    name: str
    """Name of the file or of the split."""
    sha256: str | None
    """Hash of the file. None where a library keeps and verifies it."""
    count: int
    unit: str
    """What a sample is called: "jet" or "image"."""
    labelled: int | None = None
    """Number of samples that carry the label of a class, where not all do."""
    counted: str | None = None
    """"labels" where accuracy and agreement are shares of decisions on independent labels; left out where they are
    shares of samples."""
    missing: str | None = None
    """Why there were no samples, and nothing was scored. Only in results without figures."""

    def to_dict(self) -> dict[str, Any]:
        """Return the entries of ``result.json``: what is not so for most samples is left out where it is not so."""
        optional = ("labelled", "counted", "missing")
        return {name: value for name, value in asdict(self).items() if name not in optional or value is not None}


@dataclass(frozen=True, kw_only=True)
class NetworkScores:
    """Figures of merit of one network. None is a figure that these samples, or this pair, cannot give."""

    name: str
    parameters: int | None = None
    accuracy: float | None = None
    auc: float | None = None
    """Macro average of the one-against-rest areas under the ROC curve."""
    ece: float | None = None
    """Expected calibration error."""
    ms_per_sample: float | None = None
    agreement: float | None = None
    """Share of samples on which the student has the teacher's top class."""
    kl: float | None = None
    """KL(teacher || student), nats per sample."""
    values: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """Regressed values by name: correlation with the teacher's, and median of the absolute difference; of one with a
    width the RMS difference in units of the teacher's width, and the median of the width's relative error, too."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a finished run leaves: one ``result.json``."""

    preset: str
    mode: str
    method: str
    generator: str | None = None
    """None in modes that learn from data."""
    seed: int
    iterations: int | None = None
    epochs: int | None = None
    """Takes the place of ``iterations`` in supervised modes."""
    batch_size: int | None = None
    """None in mode toy."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings in which the run differs from its preset."""
    steps: int = 0
    """Steps of the student's optimizer."""
    teacher_queries: int = 0
    """Samples that the teacher was asked about by the method."""
    teacher_access: str | None = None
    """What the method saw of the teacher, where the run said so: "probabilities" or "top-class"."""
    queries: int | None = None
    """Budget of teacher queries; None where there was none."""
    ended_after: int | None = None
    """Iterations after which the budget was spent, where these are fewer than ``iterations``."""
    answers: int | None = None
    """Answers in shards that mode kd learned from; None where the teacher was asked in the run."""
    seconds: float | None = None
    training_seconds: float | None = None
    """Time in the method itself, without evaluations, pictures and checkpoints: of each iteration wall-clock or
    processor time, whichever is shorter; on a GPU wall-clock time."""
    processor_seconds: float | None = None
    """Processor time in the method itself, of all threads."""
    peak_memory: float | None = None
    """Most memory that the process held, MiB: on a GPU the GPU's."""
    data: ScoredSamples | None = None
    """None in mode toy, which scores on a grid in the plane."""
    teacher: NetworkScores
    student: NetworkScores
    samples_per_class: int | None = None
    """Labelled training samples per class. 0: all. Only in few-shot results, like the three that follow."""
    kd_fraction: float | None = None
    attention_weight: float | None = None
    init_from_run: str | None = None
    compression: dict[str, int | float | None] | None = None
    """What mode compress made of the student of another run; `zskt.experiments.compress` says which entries."""
    agreements: list[float] | None = None
    """Agreement during the run, in mode toy."""

    @property
    def length(self) -> int:
        """Iterations, or epochs in supervised modes."""
        length = self.iterations if self.epochs is None else self.epochs
        assert length is not None
        return length

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: Path | str) -> Result:
        """Read any layout.

        Raises:
            UserError: if it is of a newer version, or an entry is missing or unknown; ``where`` is named.
        """
        if checked(values.get("schema", SCHEMA), int, f"{where}, schema") > SCHEMA:
            raise UserError(f"{where}: written by a newer zskt (schema {values['schema']}); use that version")
        upgraded = upgrade(values)
        del upgraded["schema"]
        if "iterations" not in upgraded and "epochs" not in upgraded:
            raise UserError(f"{where}: has no entry 'iterations'; it is not a result of zskt, remove it")
        toy = upgraded.get("mode") == "toy"
        for role in ("teacher", "student"):
            upgraded[role] = ({"name": role} if toy else {}) | _table(upgraded, role, where)
            _require_entries(NetworkScores, upgraded[role], where, role)
        if not toy:
            _require_entries(ScoredSamples, _table(upgraded, "data", where), where, "data")
        _require_entries(cls, upgraded, where, "")
        return checked(upgraded, cls, where)

    @classmethod
    def read(cls, path: Path) -> Result:
        """Read a ``result.json`` or ``evaluate-*.json``; raises `UserError` as `from_dict`, or if it cannot be read."""
        return cls.from_dict(read_json(path), path)

    def to_dict(self) -> dict[str, Any]:
        """Return the layout of today, without what this mode does not have."""
        values = {"schema": SCHEMA} | asdict(self)
        unused = ["epochs" if self.epochs is None else "iterations", "agreements"]
        unused += SUPERVISED_ENTRIES if self.mode != "few-shot" else ()
        costs = ("seconds", "training_seconds", "processor_seconds", "peak_memory")
        for name in (
            "batch_size",
            "data",
            *costs,
            "answers",
            "teacher_access",
            "queries",
            "ended_after",
            "compression",
            *unused,
        ):
            if values[name] is None:
                del values[name]
        if self.data is not None:
            values["data"] = self.data.to_dict()
        for name in ("agreement", "kl", "values"):
            del values["teacher"][name]
        if not values["student"]["values"]:
            del values["student"]["values"]
        return values


def _table(values: Mapping[str, Any], name: str, where: Path | str) -> dict[str, Any]:
    table = values.get(name, {})
    if not isinstance(table, Mapping):
        raise UserError(f"{where}: {name} is no table; it is not a result of zskt, remove it")
    return dict(table)


def _require_entries(cls: type[Any], values: Mapping[str, Any], where: Path | str, part: str) -> None:
    """Raise `UserError` if an entry of a dataclass is missing or unknown."""
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    wrong = sorted(set(values) - {f.name for f in fields(cls)}), sorted(required - set(values))
    for names, what in zip(wrong, ("an unknown entry", "no entry"), strict=True):
        if names:
            name = f"{part}.{names[0]}" if part else names[0]
            raise UserError(f"{where}: has {what} '{name}'; it is not a result of this version of zskt, remove it")


def upgrade(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result of any version, whole or in part, in today's layout. Today's layout stays as it is."""
    values = rename(result, SETTING_ALIASES | RESULT_ALIASES)
    mode = values.get("mode")
    if mode == "teacher" and "iterations" in values:
        values = rename(values, {"iterations": "epochs"})
    if values.get("generator") == "none" or (mode is not None and mode not in DATA_FREE and "generator" in values):
        values["generator"] = None
    if isinstance(mode, str) and mode in METHODS:
        values.setdefault("method", METHODS[mode])
    if isinstance(values.get("changes"), Mapping):
        values["changes"] = rename(values["changes"], SETTING_ALIASES)
    if isinstance(values.get("data"), Mapping):
        units = [unit for key, unit in UNITS.items() if key in values["data"]]
        values["data"] = rename(values["data"], RESULT_ALIASES) | ({"unit": units[0]} if units else {})
    for role in ("teacher", "student"):
        if role in values and isinstance(values[role], Mapping):
            values[role] = rename(values[role], RESULT_ALIASES)
    return {"schema": SCHEMA} | values
