"""What was measured of a method, for its page in ``docs/methods``: published figures beside ours, cost, a curve.

A page holds two comments, ``<!-- measured: NAME -->`` and ``<!-- end -->``; what stands between them is made anew by
``python docs/generate.py`` from recorded runs, and the picture by ``--mode tables --out docs/results``.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from zskt.experiments.catalog import Catalog
from zskt.markdown import NO_VALUE, in_minutes, integer, table
from zskt.results.compare.group import Group
from zskt.results.compare.markdown import budget_words
from zskt.results.compare.recorded import RecordedComparison, read_comparisons
from zskt.results.compare.table import TITLES, ranked
from zskt.results.learning_curves import picture_name
from zskt.results.missing import MissingRuns
from zskt.results.paper_tables import accuracy_cell
from zskt.results.published_methods import published_figures
from zskt.results.published_table import experiment_of, sources
from zskt.results.records import Record, read_records
from zskt.results.rows import Row
from zskt.results.tables import preset_rows

FIGURES = ("agreement", "accuracy", "auc", "kl")


def measured(method: str, reference: Path, catalog: Catalog, pictures: Path | None = None) -> str:
    """Return the section of a method's page that says what was measured, in Markdown.

    Args:
        method: our name of it; names of methods that are not there yet give what was published.
        reference: folder of recorded runs.
        pictures: folder of pages and pictures, beside the method's page as ``../results``.
    """
    records, comparisons = read_records(reference), read_comparisons(reference)
    parts = [_published(method, records, catalog), _compared(method, records, comparisons)]
    if not parts[1]:
        parts.append(_recorded(method, records, catalog))
    if pictures is not None and (pictures / picture_name(method)).is_file():
        parts.append(f"![Learning curves of {method}](../results/{picture_name(method)})")
    text = "\n\n".join(part for part in parts if part)
    return text or "Nobody has recorded a run yet."


def _published(method: str, records: list[Record], catalog: Catalog) -> str:
    """Return published figures beside ours; empty where nothing was published on pairs of ours."""
    figures, missing = [f for f in published_figures() if f.method == method], MissingRuns()
    rows = []
    for figure in figures:
        experiment = experiment_of(figure, catalog)
        ours = NO_VALUE if experiment is None else accuracy_cell(records, experiment, missing)
        rows.append([f"`{figure.preset}`", figure.label, figure.accuracy, ours])
    if not rows:
        return ""
    head = ("pair", "", "published, %", "ours, %")
    notes = f"Published figures were read in:\n\n{sources(figures)}"
    parts = ["**Published beside ours**", table(head, rows), notes, missing.folded()]
    return "\n\n".join(part for part in parts if part)


def _compared(method: str, records: list[Record], comparisons: Mapping[str, RecordedComparison]) -> str:
    """Return the method's rows in recorded comparisons, with its place among those without data."""
    rows = []
    for name, comparison in comparisons.items():
        groups = ranked(comparison.groups(records))
        free = [group for group in groups if not group.is_reference]
        for group in groups:
            if group.results[0].method == method:
                place = f"{free.index(group) + 1} of {len(free)}" if group in free else "reference"
                link = f"[{name}](../results/{name}.md), {budget_words(comparison)}"
                rows.append([link, group.label, place, *_figures(group)])
        failures = {n: f for n, f in comparison.failures.items() if n.partition("@")[0].partition(",")[0] == method}
        rows += [[f"[{name}](../results/{name}.md)", n, f["reason"], *[NO_VALUE] * 8] for n, f in failures.items()]
    head = ("comparison", "", "place", *(TITLES[figure] for figure in FIGURES), "queries", "steps", "minutes", "seeds")
    return f"**Compared with others at equal cost**\n\n{table(head, rows)}" if rows else ""


def _figures(group: Group) -> list[str]:
    row = Row(group.records[0].recipe, group.results[0].data, group.results)  # type: ignore[arg-type]
    costs = [group.mean(name) for name in ("teacher_queries", "steps")]
    minutes = group.mean("training_seconds")
    return [
        *(row.cell(figure) for figure in FIGURES),
        *(NO_VALUE if cost is None else integer(round(cost)) for cost in costs),
        NO_VALUE if minutes is None else in_minutes(minutes),
        str(len(group.results)),
    ]


def _recorded(method: str, records: list[Record], catalog: Catalog) -> str:
    """Return the recorded runs of a method, where no comparison has it."""
    rows = [row for row in preset_rows(records, catalog) if row.recipe.method == method]
    lines = [
        [
            f"`{row.recipe.preset}`: {row.recipe.teacher}",
            row.data.name,
            row.label,
            *(row.cell(figure) for figure in ("agreement", "accuracy", "kl")),
            integer(row.runs[0].teacher_queries),
            integer(row.runs[0].steps),
            _minutes(row),
            str(len(row.runs)),
        ]
        for row in rows
    ]
    costs = ("queries", "steps", "minutes", "seeds")
    head = ("preset and teacher", "test samples", "learned from", "agreement", "accuracy", "KL (nats)", *costs)
    return f"**Recorded runs**\n\n{table(head, lines)}" if lines else ""


def _minutes(row: Row) -> str:
    seconds = [run.seconds for run in row.runs if run.seconds is not None]
    return in_minutes(statistics.fmean(seconds)) if seconds else NO_VALUE
