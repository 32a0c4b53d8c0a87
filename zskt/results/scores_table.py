"""One table of several results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from zskt.experiments.result import BY_LABEL
from zskt.experiments.summary import COUNTED_BY_LABEL, figure, written
from zskt.results.printed_table import PrintedTable

FIGURES = ("parameters", "accuracy", "auc", "ece", "agreement", "kl", "ms_per_sample")
TITLES = {"auc": "AUC", "ece": "ECE", "kl": "KL (nats)", "ms_per_sample": "ms per sample"}
"""What figures are called where their names are no words."""


@dataclass(frozen=True)
class ScoredRun:
    """Figures of one network, on one set of samples."""

    run: str
    network: str
    data: str
    figures: dict[str, float | int | None]

    def to_dict(self) -> dict[str, Any]:
        """Return a row of the table."""
        return {"run": self.run, "network": self.network, "data": self.data, **self.figures}


Files = Mapping[str, Mapping[str, str | None]]
"""What a run recorded of its files: role -> "path" and "sha256"."""


@dataclass(frozen=True)
class _Named:
    """Something that files of one name may be several of: a teacher, or samples."""

    name: str
    sha256: str | None
    path: str | None = field(compare=False)


def scored_runs(results: Sequence[tuple[str, dict[str, Any]]], files: Sequence[Files] = ()) -> list[ScoredRun]:
    """Return a row for each student, and one for each teacher and set of samples, above its students.

    Args:
        results: name of the run, and its figures in the layout of ``result.json``.
        files: of each run what it recorded, which tells teachers of one name apart, and samples.
    """
    several = files or [{}] * len(results)
    networks = [_teacher(result, own) for (_, result), own in zip(results, several, strict=True)]
    samples = [_samples(result, own) for (_, result), own in zip(results, several, strict=True)]
    teachers: dict[tuple[_Named, _Named], list[ScoredRun]] = {}
    for (run, result), network, data in zip(results, networks, samples, strict=True):
        label, where = _label(network, networks), _label(data, samples)
        own = ScoredRun("teacher", label, where, {name: result["teacher"].get(name) for name in FIGURES})
        rows = teachers.setdefault((network, data), [own])
        rows.append(
            ScoredRun(run, str(result["student"]["name"]), where, {n: result["student"].get(n) for n in FIGURES})
        )
    return [row for rows in teachers.values() for row in rows]


def _teacher(result: Mapping[str, Any], files: Files) -> _Named:
    roles = ["teacher", *(role for role in files if role.startswith("teacher."))]
    hashes = [files.get(role, {}).get("sha256") or "" for role in roles]
    return _Named(str(result["teacher"]["name"]), "".join(hashes) or None, files.get("teacher", {}).get("path"))


def _samples(result: Mapping[str, Any], files: Files) -> _Named:
    data = result["data"]
    return _Named(str(data["name"]), data.get("sha256"), files.get("data", {}).get("path"))


def _label(one: _Named, among: Sequence[_Named]) -> str:
    """Return a name; of several files of that name with where this one lies, or with the start of its hash."""
    alike = {other: other.path for other in reversed(among) if other.name == one.name}
    if len(alike) == 1:
        return one.name
    places = [Path(path).parts for path in alike.values() if path]
    if len(set(places)) < len(alike):
        return f"{one.name} ({(one.sha256 or 'no hash')[:8]})"
    shared = next(i for i, parts in enumerate(zip_longest(*places)) if len(set(parts)) > 1)
    return f"{one.name} ({'/'.join(Path(alike[one] or '').parts[shared:]) or alike[one]})"


def scores_table(results: Sequence[tuple[str, dict[str, Any]]], files: Sequence[Files] = ()) -> PrintedTable:
    """Return the table of several results, as `scored_runs` takes them."""
    rows = scored_runs(results, files)
    head = ["run", "network", "samples", *(TITLES.get(name, name) for name in FIGURES)]
    by_label = any(result["data"].get("counted") == BY_LABEL for _, result in results)
    cells = [[r.run, r.network, r.data, *(written(figure(r.figures, name)) for name in FIGURES)] for r in rows]
    return PrintedTable(head, cells, 3, [row.to_dict() for row in rows], [COUNTED_BY_LABEL] if by_label else [])
