"""Mode ``explain``: a page on what a teacher looks at, from runs whose students are additive, and others beside them.

It writes ``explain.html``, ``explain.json`` with all its figures, and ``curves.csv`` with every curve.
"""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.experiments.build import choose_device
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import Evaluators, FinishedRun, open_run
from zskt.markdown import integer
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.results.explain.asked import DATA, PRIOR, Answers, additive_of, ask
from zskt.results.explain.explanation import Shapes, figures_of, groups_of, shapes_of
from zskt.results.explain.pictures import shapes_figure
from zskt.results.html_page import page_template, png
from zskt.storage.files import write_json, write_text
from zskt.terminal import note

CAVEAT = (
    "an explanation on the prior's samples: shapes and shares say how the teacher answers pseudo-samples that nobody "
    "measured, and a feature that is strong there may be weak elsewhere"
)
DIGITS = 5
N_PAIRS = 8
"""Pairs that the page lists."""


def explain_runs(
    folders: Sequence[Path],
    catalog: Catalog,
    *,
    data: Path | None = None,
    teacher_path: Path | None = None,
    device: str = "auto",
    out: Path | None = None,
) -> tuple[Path, list[str]]:
    """Write an explanation of the teacher that some finished runs share into a folder.

    Args:
        folders: run folders; the seeds of a student become one curve with a band.
        data: samples on which it is repeated; without it, those that the runs were evaluated on.
        out: by default the folder "explain" of the first run.

    Returns:
        the page, and its main figures, a line each.

    Raises:
        UserError: if no student is additive, or the runs are of several teachers.
    """
    runs = _open(folders, catalog, data, teacher_path, device)
    first = runs[0]
    classes = first.card.classes
    if not classes:
        raise UserError(f"{folders[0]}: its teacher has no classes, whose logits could be explained")
    centred = 0 if any(isinstance(m, BernoulliHead) for m in first.student.modules()) else len(classes)
    answers = ask(runs)
    figures = figures_of(runs, answers, centred)
    groups = groups_of(runs)
    counted = {i for group in groups for i in group.runs}
    for run in (run for i, run in enumerate(runs) if i not in counted):
        note(f"zskt: {run.folder}: repeats a seed of another run, which counts once")
    readable = [group for group in groups if additive_of(runs[group.runs[0]].student) is not None]
    shapes = [shapes_of(runs, group, answers, centred) for group in readable]
    folder = out or folders[0] / "explain"
    folder.mkdir(parents=True, exist_ok=True)
    summary = {"teacher": first.config.teacher, "caveat": CAVEAT, "runs": [run.folder.name for run in runs]}
    write_json(folder / "explain.json", {**summary, "sets": _rounded(figures)})
    write_text(folder / "curves.csv", _csv(shapes, classes))
    write_text(folder / "explain.html", _page(runs, shapes, figures, answers, _command(folders, data, teacher_path)))
    return folder / "explain.html", _lines(figures)


def _open(
    folders: Sequence[Path], catalog: Catalog, data: Path | None, teacher_path: Path | None, device: str
) -> list[FinishedRun]:
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UserError("--run: names a run twice; name each once")
    evaluators: Evaluators = {}
    runs = [
        open_run(
            folder, catalog, data=data, teacher_path=teacher_path, device=choose_device(device),
            evaluators=evaluators, requires_teacher=True,
        )
        for folder in folders
    ]  # fmt: skip
    if len(evaluators) > 1 or runs[0].config.mode == "teacher":
        raise UserError("--run: runs of several teachers, or samples; explain one teacher at a time")
    if all(additive_of(run.student) is None for run in runs):
        raise UserError(
            f"{folders[0]}: no student here is additive; distil one: --student additive, on jets --view observables"
        )
    return runs


def _rounded(value: Any) -> Any:
    """Round all numbers of a nest of dictionaries."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    return {name: _rounded(entry) for name, entry in value.items()} if isinstance(value, Mapping) else value


def _csv(shapes: Sequence[Shapes], classes: Sequence[str]) -> str:
    """Write every curve: a line a point."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["student", "feature", "class", "value", "mean", "low", "high", "seeds"])
    for group in shapes:
        for f, name in enumerate(group.names):
            for k, label in enumerate(classes):
                seeds = group.values[:, :, f, k]
                columns = zip(group.grid[:, f], seeds.mean(0), seeds.amin(0), seeds.amax(0), strict=True)
                for numbers in columns:
                    cells = [f"{float(number):.{DIGITS}g}" for number in numbers]
                    table.writerow([group.group.label, name, label, *cells, len(seeds)])
    return text.getvalue()


def _written(score: Mapping[str, float | None], digits: int = 3, scale: float = 1.0) -> str:
    mean, std = score["mean"], score["std"]
    if mean is None:
        return "–"
    return f"{scale * mean:.{digits}f}" + ("" if std is None else f" ± {scale * std:.{digits}f}")


def shares(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return which shares of all that there is to explain shapes and pairs explain, and which is left, of some samples.

    Each is that of the first group of runs which has it; without pairs nothing is said of them.
    """
    groups: Mapping[str, Any] = figures["groups"]
    readable = {label: group for label, group in groups.items() if "features" in group}
    mains = [g["all"] for g in readable.values() if not g["pairs"]]
    both = [g["all"] for g in readable.values() if g["pairs"]]
    alone = [g["shapes alone"] for g in readable.values() if "shapes alone" in g]
    main = (mains or alone or both)[0]["explained"]["mean"]
    found = {"main effects": main}
    if both:
        found["pairs"] = both[0]["explained"]["mean"] - main
    return found | {"unexplained": 1 - sum(found.values())}


def _lines(figures: Mapping[str, Any]) -> list[str]:
    lines = []
    for name in figures:
        parts = ", ".join(f"{part} {share:.1%}" for part, share in shares(figures[name]).items())
        lines.append(
            f"{figures[name]['samples']}: of {figures[name]['nothing']:.3f} nats, {parts}{_worse(figures[name])}"
        )
    return [*lines, f"mind: {CAVEAT}"]


def _worse(figures: Mapping[str, Any]) -> str:
    """Say what a negative share means."""
    return "; below 0: a student worse than the teacher's mean answer" if min(shares(figures).values()) < 0 else ""


def _tables(figures: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tables of the page."""
    for asked in figures.values():
        rows = []
        for label, group in asked["groups"].items():
            for part in ("all", "shapes alone"):
                if part in group:
                    name = label if part == "all" else f"{label}, {part}"
                    scores = group[part]
                    cells = [_written(scores["explained"], 1, 100) + " %"]
                    cells += [_written(scores[key]) for key in ("kl", "agreement", "ado")]
                    rows.append([name, str(group["seeds"]), *cells])
        yield {
            "title": f"What is explained, on {integer(asked['count'])} samples of {asked['samples']}",
            "head": ["student", "seeds", "explained", "KL (nats)", "agreement", "ADO"],
            "rows": rows,
            "note": f"All there is to explain are {asked['nothing']:.3f} nats, the KL from the teacher to its mean "
            "answer. ADO, average decision ordering: pairs of a sample of a class and one of none that student and "
            "teacher order alike (arXiv:2010.11998), the mean over classes, which the teacher's own decision tells. "
            "± is the spread over seeds.",
        }
    yield from _feature_tables(figures)


def _feature_tables(figures: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    first = next(iter(figures.values()))
    for label, group in first["groups"].items():
        if "features" not in group:
            continue
        sets = [asked["groups"][label] for asked in figures.values()]
        names = [asked["samples"] for asked in figures.values()]
        head = ["feature", *(f"{what}, {name}" for name in names for what in ("strength", "ADO"))]
        rows = [
            [name, *(_written(entry["features"][name][key]) for entry in sets for key in ("strength", "ado"))]
            for name in _order(group)
        ]
        note = "Strength: root mean square of a shape over samples and classes, in logits. ADO of the shape alone."
        yield {"title": f"Features: {label}", "head": head, "rows": rows, "note": note}
        pairs = list(group["pairs"])[:N_PAIRS]
        if pairs:
            rows = [[name, *(_written(entry["pairs"][name]["strength"]) for entry in sets)] for name in pairs]
            head = ["pair", *(f"strength, {name}" for name in names)]
            yield {"title": f"Pairs: {label}", "head": head, "rows": rows, "note": "The strongest, purified."}


def _order(group: Mapping[str, Any]) -> list[str]:
    """Return the features, the strongest first."""
    features: Mapping[str, Any] = group["features"]
    return sorted(features, key=lambda name: -features[name]["strength"]["mean"])


def _command(folders: Sequence[Path], data: Path | None, teacher_path: Path | None) -> str:
    """Return the command that makes the same page again."""
    words = ["python", "train.py", "--mode", "explain", "--run", *map(str, folders)]
    for flag, path in (("--data", data), ("--teacher-path", teacher_path)):
        words += [] if path is None else [flag, str(path)]
    return shlex.join(words)


def _page(
    runs: Sequence[FinishedRun],
    shapes: Sequence[Shapes],
    figures: Mapping[str, Any],
    answers: Mapping[str, Answers],
    command: str,
) -> str:
    card = runs[0].card
    names = {name: asked.name for name, asked in answers.items()}
    pictures = []
    for group in shapes:
        order = _order(figures[PRIOR]["groups"][group.group.label])
        count = len(group.values)
        band = f"bands from the lowest to the highest of {count} seeds" if count > 1 else "one seed, so no band"
        note = f"The strongest feature first; {band}; below, how samples are spread."
        title = f"Shapes: {group.group.label}"
        pictures.append({"title": title, "png": png(shapes_figure(group, card.classes, names, order)), "note": note})
    paragraphs = [f"Mind: this is {CAVEAT}."]
    if DATA in figures:
        paragraphs += [f"The scores are repeated on {figures[DATA]['samples']}, which no run here learned from."]
    page: str = page_template().render(
        title=f"What {runs[0].config.teacher} looks at",
        summary=f"{'; '.join(_lines(figures)[:-1])}. A student that is a sum of functions, of one feature each, "
        "learned from the teacher's answers; where it agrees with the teacher, its functions say how. "
        f"Teacher: {card.source}.",
        paragraphs=paragraphs,
        tables=list(_tables(figures)),
        pictures=pictures,
        inputs=card.describe(),
        command=command,
        versions="",
        recipe=json.dumps(runs[0].config.to_dict(), indent=2, default=str),
    )
    return page
