"""Mode ``report`` of several runs: one page of students of one teacher on the same samples, seeds as ± and bands."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from zskt.class_metrics import class_figures, reliability
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.build import choose_device
from zskt.experiments.catalog import Catalog
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.finished import Evaluators, FinishedRun, open_run
from zskt.experiments.result import Result
from zskt.markdown import NO_VALUE, mean_and_deviation
from zskt.plots.kept_files import Keeper
from zskt.plots.plot import Plot
from zskt.results.compare.curves import curve_plots, style_of
from zskt.results.compare.group import Group, choose_same_data, labels_of, left_out
from zskt.results.compare.table import TITLES, figures_of, head_and_rows, ranked, split_costs
from zskt.results.html_page import linked, page_template
from zskt.results.overlays import calibration_overlay, class_overlay
from zskt.results.paired_bootstrap import LEVEL, Difference, paired_difference, per_sample
from zskt.results.records import Record
from zskt.results.report import FILES, PAGE, provenance, scored_on
from zskt.storage.files import read_json, write_json, write_text
from zskt.storage.run_files import CONFIG
from zskt.terminal import note

DATA = "report.json"
"""Figures of the page."""


@dataclass(frozen=True)
class Students:
    """Runs of one teacher, on the same samples, by recipe."""

    groups: list[Group]
    """The best first, those that learned from data last."""
    logits: dict[str, list[Tensor]]
    """Recipe -> the students' logits, a tensor a seed."""
    evaluator: Evaluator
    teacher: Tensor
    """Logits."""
    scores: dict[str, Any]
    """Figures of the first run."""
    first: FinishedRun


def report_runs(
    runs: Sequence[Path],
    catalog: Catalog,
    data: Path | None = None,
    teacher_path: Path | None = None,
    device: str = "auto",
    out: Path | None = None,
    label: str = "",
) -> Path:
    """Write ``report.html`` on several runs into a folder, its plots and tables into ``report/`` there.

    Args:
        runs: folders of finished runs, of one teacher.
        data, teacher_path, label: as `zskt.results.report.report_run`.
        out: the folder; beside the first run without it.

    Raises:
        UserError: if a run cannot be read, has no teacher, or another one or other samples than the rest.
    """
    names = [run.resolve().name for run in runs]
    out = out or runs[0].resolve().parent / f"report-{names[0]}-and-{len(runs) - 1}-more"
    _require_own(out)
    students = _open(runs, catalog, data, teacher_path, device)
    differences = _differences(students)
    styles = {group.label: style_of(group, students.groups) for group in students.groups}
    out.mkdir(parents=True, exist_ok=True)
    keeper = Keeper(out / FILES, label)
    page = page_template().render(
        title=f"Students of {students.scores['teacher']['name']}",
        summary=_summary(students),
        tables=linked(_tables(students, differences), keeper),
        plots=keeper.keep(_plots(students, styles)),
        more_samples=DOMAINS[students.first.card.domain].more_samples,
        recipe=json.dumps(
            dict(zip(short_names(runs), (read_json(run / CONFIG) for run in runs), strict=True)), indent=2
        ),
        **provenance(runs[0]),
    )
    write_json(out / DATA, _as_json(students, differences))
    write_text(out / PAGE, page)
    return out / PAGE


def _require_own(out: Path) -> None:
    """Raise `UserError` if a folder holds something else than such a report."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / DATA).is_file())):
        raise UserError(f"--out {out}: holds something else than a report; name another, nothing is overwritten")


def _open(
    runs: Sequence[Path], catalog: Catalog, data: Path | None, teacher_path: Path | None, device: str
) -> Students:
    if len({run.resolve() for run in runs}) < len(runs):
        raise UserError("--run: names a run twice; name each once")
    evaluators: Evaluators = {}
    opened = [
        open_run(run, catalog, data=data, teacher_path=teacher_path, device=choose_device(device),
                 evaluators=evaluators, requires_teacher=True)
        for run in runs
    ]  # fmt: skip
    if len(evaluators) > 1:
        other = next(run for run in opened if run.evaluator is not opened[0].evaluator)
        raise UserError(
            f"--run {other.folder}: has another teacher or other samples than {opened[0].folder}; report on runs of one"
        )
    evaluator = opened[0].evaluator
    if evaluator.look() is not None:
        raise UserError(f"--run {runs[0]}: {evaluator.missing}; say where samples are: --data PATH")
    teacher = evaluator.teacher_predictions()
    assert teacher is not None
    if not teacher.logits.shape[1]:
        raise UserError(f"--run {runs[0]}: its teacher has no classes; report on single runs")
    scores = [run.evaluate() for run in opened]
    records = [
        Record(folder=run.folder, result=Result.from_dict(score, run.folder))
        for run, score in zip(opened, scores, strict=True)
    ]
    named = labels_of(records)
    groups = ranked(choose_same_data(named))
    for line in left_out(named, groups):
        note(f"zskt: {line}")
    of_folder = {run.folder: evaluator.predict(run.student).logits for run in opened}
    logits = {group.label: [of_folder[record.folder] for record in group.records] for group in groups}
    return Students(groups, logits, evaluator, teacher.logits, scores[0], opened[0])


def _differences(students: Students) -> dict[str, dict[str, Difference]]:
    """Compare each recipe with the baseline: the one that learned from data, else the best."""
    labels = students.evaluator.data.labels
    figures = {name: per_sample(students.teacher, several, labels) for name, several in students.logits.items()}
    base = _baseline(students)
    return {
        name: {figure: paired_difference(values[figure], figures[base][figure]) for figure in values}
        for name, values in figures.items()
        if name != base
    }


def _baseline(students: Students) -> str:
    references = [group.label for group in students.groups if group.is_reference]
    return (references or [students.groups[0].label])[0]


def _summary(students: Students) -> str:
    card, count = students.first.card, sum(len(group.records) for group in students.groups)
    return (
        f"{count} runs of {len(students.groups)} recipes, all with the teacher {card.name}. "
        f"{scored_on(students.scores['data'])} Figures are mean ± standard deviation over seeds. Teacher: "
        f"{card.source}; licence: {card.licence}."
    )


def _tables(students: Students, differences: Mapping[str, Mapping[str, Difference]]) -> Iterator[dict[str, Any]]:
    groups = students.groups
    for title, (head, rows) in zip(("Figures", "Costs"), split_costs(*head_and_rows(groups)), strict=True):
        yield {"title": title, "head": head, "rows": rows}
    if differences:
        names = list(next(iter(differences.values())))
        rows = [[name, *(_difference(found[figure]) for figure in names)] for name, found in differences.items()]
        note = (
            f"Each recipe minus {_baseline(students)}, on the same samples, means over seeds; in brackets the "
            f"{100 * LEVEL:.0f} % interval of a paired bootstrap over the test samples, which knows nothing of the "
            "spread over seeds. * leaves zero out."
        )
        yield {"title": "Differences", "head": ["", *(TITLES.get(n, n) for n in names)], "rows": rows, "note": note}
    yield from _class_table(students)


def _difference(d: Difference) -> str:
    return f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]{' *' if d.is_beyond_zero else ''}"


def _of_classes(students: Students) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of each class of the teacher and of each recipe, a dictionary a seed; none without labels."""
    labels, card = students.evaluator.data.labels, students.first.card
    rows = labels >= 0
    if not bool(rows.any()) or students.teacher.dim() > 2:
        return {}
    truth = labels[rows].numpy()
    several = {"teacher": [students.teacher], **students.logits}
    return {
        name: [
            class_figures(card.classes, truth, {"student": logits.double().softmax(1)[rows].numpy()})
            for logits in found
        ]
        for name, found in several.items()
    }


def _class_table(students: Students) -> Iterator[dict[str, Any]]:
    figures = _of_classes(students)
    for key, title in (("accuracy", "Accuracy of each class"), ("auc", "AUC of each class against the rest")):
        if figures:
            rows = [
                [name, *(_mean([seed[name][key]["student"] for seed in found]) for found in figures.values())]
                for name in students.first.card.classes
            ]
            yield {"title": title, "head": ["class", *figures], "rows": rows}


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return mean_and_deviation(known) if known else NO_VALUE


def _plots(students: Students, styles: Mapping[str, Mapping[str, Any]]) -> Iterator[Plot]:
    card, evaluator = students.first.card, students.evaluator
    overlay = DOMAINS[card.domain].overlay
    if overlay is not None:
        yield from overlay(card, evaluator.data, students.teacher, students.logits, styles)
    classes = _of_classes(students)
    if classes:
        yield class_overlay(classes, styles)
        labels = evaluator.data.labels
        rows = labels >= 0
        several = {"teacher": [students.teacher], **students.logits}
        curves = {
            name: [reliability(logits.double().softmax(1)[rows].numpy(), labels[rows].numpy()) for logits in found]
            for name, found in several.items()
        }
        yield calibration_overlay(curves, styles)
    teacher = students.groups[0].results[0].teacher
    own = {"accuracy": teacher.accuracy, "auc": teacher.auc}
    yield from curve_plots(students.groups, figures_of(students.groups), own)


def short_names(folders: Sequence[Path]) -> list[str]:
    """Return the fewest last parts of each path that none of the others ends with."""
    whole = [folder.resolve().parts for folder in folders]
    return ["/".join(parts[-_needed(parts, whole) :]) for parts in whole]


def _needed(parts: Sequence[str], whole: Sequence[Sequence[str]]) -> int:
    counts = range(1, len(parts) + 1)
    return next((n for n in counts if sum(other[-n:] == parts[-n:] for other in whole) == 1), len(parts))


def _as_json(students: Students, differences: Mapping[str, Mapping[str, Difference]]) -> dict[str, Any]:
    groups = {}
    folders = [record.folder for group in students.groups for record in group.records]
    names = dict(zip(folders, short_names(folders), strict=True))
    for group in students.groups:
        figures = {name: group.values(name) for name in figures_of([group])}
        groups[group.label] = {
            "runs": [names[record.folder] for record in group.records],
            "figures": figures,
            "means": {name: statistics.fmean(values) for name, values in figures.items()},
            "differences": {
                name: {"value": d.value, "low": d.low, "high": d.high}
                for name, d in differences.get(group.label, {}).items()
            },
        }
    return {"data": students.scores["data"], "teacher": students.scores["teacher"], "baseline": _baseline(students),
            "level": LEVEL, "recipes": groups}  # fmt: skip
