"""The figures of an explanation: what parts of a teacher's answers shapes and pairs tell, feature by feature.

Shapes: N samples, F features, G points of a grid, K classes, O outputs.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zskt.experiments.finished import FinishedRun
from zskt.experiments.result import Result
from zskt.networks.additive import Additive
from zskt.results.explain.asked import PRIOR, Answers, additive_of, view_of_student
from zskt.results.explain.scores import divergence_of_nothing, explained, mean_ordering_of_scores
from zskt.results.explain.shapes import contributions, curves, pair_contributions, readable
from zskt.results.records import Record
from zskt.results.told_apart import Asked, asked_of, named_apart

N_GRID = 60
"""Points of a curve, evenly between the quantiles of the prior's samples that follow."""
EDGES = (0.005, 0.995)


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seeds alone."""

    label: str
    """What it is called on the page."""
    runs: list[int]
    """Positions among all runs."""


def groups_of(runs: Sequence[FinishedRun]) -> list[Group]:
    """Sort runs into groups, those that can be read first; of a seed that is there twice the first run counts."""
    found: dict[Asked, dict[int, int]] = {}
    names: dict[Asked, str] = {}
    for i, run in enumerate(runs):
        asked = asked_of(Record(folder=run.folder, result=Result.from_dict(run.result, run.folder)))
        found.setdefault(asked, {}).setdefault(run.config.seed, i)
        mode = "" if run.config.mode == "zero-shot" else f" ({run.config.mode})"
        names[asked] = f"{run.student_name} of {run.config.view or 'all inputs'}{mode}"
    labels = named_apart(list(names.values()), list(found))
    groups = [Group(label, list(seeds.values())) for label, seeds in zip(labels, found.values(), strict=True)]
    return sorted(groups, key=lambda g: (_rank(additive_of(runs[g.runs[0]].student)), g.runs))


def _rank(network: Additive | None) -> int:
    return 2 if network is None else int(network.surfaces is not None)


def mean_and_spread(rows: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Return mean and standard deviation over seeds of each score; no deviation of one seed, None of what is not."""
    scores: dict[str, dict[str, float | None]] = {}
    for name in rows[0]:
        values = [row[name] for row in rows if math.isfinite(row[name])]
        mean = statistics.fmean(values) if values else None
        scores[name] = {"mean": mean, "std": statistics.stdev(values) if len(values) > 1 else None}
    return scores


@dataclass(frozen=True)
class Shapes:
    """The shapes of one group of runs, in units that are read."""

    group: Group
    names: tuple[str, ...]
    labels: tuple[str, ...]
    grid: Tensor
    """(G, F), values of the features in their own units."""
    values: Tensor
    """(seeds, G, F, O)"""
    samples: dict[str, Tensor]
    """(N, F) of each set of samples, in their own units."""


def shapes_of(runs: Sequence[FinishedRun], group: Group, answers: Mapping[str, Answers], classes: int) -> Shapes:
    """Read the shapes of a group, centred over the prior's samples."""
    first = group.runs[0]
    view = view_of_student(runs[first].student)
    inputs = runs[first].card.inputs if view is None else view.inputs
    axes = getattr(None if view is None else view.transform, "axes", None) or [(n, 0.0, 1.0) for n in inputs.names]
    centre, spread = torch.tensor([[axis[i] for axis in axes] for i in (1, 2)], dtype=torch.float64)
    seen = {name: _features(a, first) for name, a in answers.items()}
    low, high = torch.quantile(seen[PRIOR], torch.tensor(EDGES, dtype=torch.float64), dim=0)
    grid = low + torch.linspace(0, 1, N_GRID, dtype=torch.float64).unsqueeze(1) * (high - low)
    values = []
    for i in group.runs:
        network = additive_of(runs[i].student)
        assert network is not None
        values.append(curves(readable(network, _features(answers[PRIOR], i), classes), grid))
    samples = {name: centre + spread * x for name, x in seen.items()}
    labels = tuple(str(axis[0]) for axis in axes)
    return Shapes(group, tuple(inputs.names), labels, centre + spread * grid, torch.stack(values), samples)


def _features(answers: Answers, run: int) -> Tensor:
    features = answers.features[run]
    assert features is not None
    return features.double()


def score_group(
    runs: Sequence[FinishedRun], group: Group, answers: Answers, classes: int
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return the scores of a group's students, and of the shapes alone where there are pairs beside them."""
    rows = [explained(answers.teacher, answers.students[i]) for i in group.runs]
    scores = {"all": mean_and_spread(rows)}
    networks = [additive_of(runs[i].student) for i in group.runs]
    if networks[0] is not None and networks[0].surfaces is not None and answers.teacher.dim() == 2:
        alone = []
        for i, network in zip(group.runs, networks, strict=True):
            assert network is not None
            x = _features(answers, i)
            form = readable(network, x, classes)
            logits = (form.bias + contributions(form, x).sum(1))[:, : answers.teacher.shape[1]]
            alone.append(explained(answers.teacher, logits))
        scores["shapes alone"] = mean_and_spread(alone)
    return scores


def score_features(
    runs: Sequence[FinishedRun], group: Group, answers: Answers, classes: int, names: Sequence[str]
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return of each feature the "strength" of its shape, the root of its mean square over samples and classes in nats,
    and its "ado", how often the shape alone orders samples as the teacher does; both over seeds.
    """
    count = answers.teacher.shape[1]
    found: list[list[dict[str, float]]] = [[] for _ in names]
    for i in group.runs:
        network = additive_of(runs[i].student)
        assert network is not None
        x = _features(answers, i)
        parts = contributions(readable(network, x, classes), x)[:, :, :count]
        for rows, part in zip(found, parts.unbind(1), strict=True):
            ado = mean_ordering_of_scores(answers.teacher, part)
            rows.append({"strength": float(part.square().mean().sqrt()), "ado": ado})
    return {name: mean_and_spread(rows) for name, rows in zip(names, found, strict=True)}


def score_pairs(
    runs: Sequence[FinishedRun], group: Group, answers: Answers, classes: int, names: Sequence[str]
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return the "strength" of each pair's purified function, the strongest first; none where there are no pairs."""
    found: dict[str, list[dict[str, float]]] = {}
    for i in group.runs:
        network = additive_of(runs[i].student)
        assert network is not None
        x = _features(answers, i)
        parts = pair_contributions(readable(network, x, classes), x)[:, :, : answers.teacher.shape[1]]
        for (a, b), part in zip(network.pairs, parts.unbind(1), strict=True):
            row = {"strength": float(part.square().mean().sqrt())}
            found.setdefault(f"{names[a]} × {names[b]}", []).append(row)
    scored = {name: mean_and_spread(rows) for name, rows in found.items()}
    return dict(sorted(scored.items(), key=lambda item: -(item[1]["strength"]["mean"] or 0)))


def figures_of(runs: Sequence[FinishedRun], answers: Mapping[str, Answers], classes: int) -> dict[str, Any]:
    """Return all figures of an explanation, as JSON holds them: by set of samples, by group."""
    groups = groups_of(runs)
    figures: dict[str, Any] = {}
    for name, asked in answers.items():
        entry: dict[str, Any] = {
            "samples": asked.name, "count": len(asked.teacher), "nothing": divergence_of_nothing(asked.teacher),
            "groups": {},
        }  # fmt: skip
        for group in groups:
            scores: dict[str, Any] = {"seeds": len(group.runs), **score_group(runs, group, asked, classes)}
            if asked.features[group.runs[0]] is not None:
                names = feature_names(runs[group.runs[0]])
                scores["features"] = score_features(runs, group, asked, classes, names)
                scores["pairs"] = score_pairs(runs, group, asked, classes, names)
            entry["groups"][group.label] = scores
        figures[name] = entry
    return figures


def feature_names(run: FinishedRun) -> tuple[str, ...]:
    """Name what the additive network of a run is called with."""
    view = view_of_student(run.student)
    names: tuple[str, ...] = tuple((run.card.inputs if view is None else view.inputs).names)
    return names
