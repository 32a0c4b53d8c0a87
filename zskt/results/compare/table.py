"""The table of a comparison: mean ± standard deviation of each entrant, and what it cost."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from zskt.markdown import NO_VALUE, in_minutes, integer, mean_and_deviation
from zskt.results.compare.group import COSTS, FIGURES, LOWER_IS_BETTER, Group
from zskt.results.compare.verdict import Verdict, verdicts

TITLES = {"agreement": "agreement", "accuracy": "accuracy", "auc": "AUC", "kl": "KL (nats)"}
REFERENCE = "learned from data"


def figures_of(groups: Sequence[Group]) -> list[str]:
    """Return the figures of merit that any entrant has."""
    return [figure for figure in FIGURES if any(group.values(figure) for group in groups)]


def ranked(groups: Sequence[Group]) -> list[Group]:
    """Return the entrants by agreement, or what else there is, the best first; those that learned from data last."""
    figures = figures_of(groups)
    main = figures[0] if figures else "kl"

    def rank(group: Group) -> tuple[bool, float]:
        values = group.values(main)
        sign = 1.0 if main in LOWER_IS_BETTER else -1.0
        return group.is_reference, sign * statistics.fmean(values) if values else float("inf")

    return sorted(groups, key=rank)


def head_and_rows(groups: Sequence[Group]) -> tuple[list[str], list[list[str]]]:
    """Return the table as words, the teacher's own figures last."""
    figures, groups = figures_of(groups), ranked(groups)
    reference = next((group.values("agreement") for group in groups if group.is_reference), [])
    head = ["", "generator", *(TITLES[figure] for figure in figures)]
    head += ["of kd's agreement"] if reference else []
    head += ["seeds", "teacher queries", "student steps", "minutes", "memory, MiB"]
    rows = []
    for group in groups:
        cells = [_cell(group.values(figure)) for figure in figures]
        if reference:
            own = group.values("agreement")
            cells.append(f"{statistics.fmean(own) / statistics.fmean(reference):.3f}" if own else NO_VALUE)
        generator = REFERENCE if group.is_reference else group.results[0].generator or "none"
        rows.append([group.label, generator, *cells, str(len(group.results)), *_costs(group)])
    teacher = groups[0].results[0].teacher
    own_figures = [_cell([value] if (value := getattr(teacher, f, None)) is not None else []) for f in figures]
    blanks = [""] * (len(head) - 2 - len(figures))
    return head, [*rows, [f"teacher {teacher.name}", "", *own_figures, *blanks]]


def _cell(values: Sequence[float]) -> str:
    return mean_and_deviation(values) if values else NO_VALUE


def _costs(group: Group) -> list[str]:
    """Write queries, steps, minutes and memory; minutes of runs that did not count their own are wall-clock."""
    queries, steps, memory = (group.mean(name) for name in ("teacher_queries", "steps", "peak_memory"))
    own, wall = group.mean("training_seconds"), group.mean("seconds")
    minutes = in_minutes(own) if own is not None else NO_VALUE if wall is None else f"{in_minutes(wall)} (wall clock)"
    counts = [NO_VALUE if count is None else integer(round(count)) for count in (queries, steps)]
    return [*counts, minutes, NO_VALUE if memory is None else integer(round(memory))]


def verdicts_of(groups: Sequence[Group]) -> dict[str, list[Verdict]]:
    """Compare the best data-free entrant of each figure with the others."""
    free = [group for group in groups if not group.is_reference]
    found = {
        figure: verdicts({g.label: g.values(figure) for g in free}, lower_is_better=figure in LOWER_IS_BETTER)
        for figure in figures_of(free)
    }
    return {figure: several for figure, several in found.items() if several}


AHEAD_NOTE = "Mean minus the best one's, and p; * is behind the best beyond the spread. "


def verdict_rows(groups: Sequence[Group]) -> tuple[list[str], list[list[str]]]:
    """Return the table of who is ahead, as words: a row a data-free entrant, a column a figure."""
    found = verdicts_of(groups)
    rows = []
    for group in ranked(groups):
        if not group.is_reference:
            rows.append([group.label, *(_standing(group.label, several) for several in found.values())])
    return ["", *(TITLES[figure] for figure in found)], rows


def _standing(label: str, several: Sequence[Verdict]) -> str:
    """Say how an entrant stands beside the best one in a figure."""
    if label == several[0].best:
        return "best"
    verdict = next((verdict for verdict in several if verdict.other == label), None)
    if verdict is None:
        return NO_VALUE
    if verdict.words == "equal":
        return "equal"
    chance = "no spread" if verdict.p is None else f"p = {verdict.p:.2g}"
    return f"{0.0 - verdict.difference:+.4f}, {chance}{' *' if verdict.beyond_spread else ''}"


def split_costs(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield the table of `head_and_rows` as two: figures, then what they cost."""
    costs = [head.index("generator"), *range(head.index("teacher queries"), len(head))]
    figures = [i for i in range(len(head)) if i not in costs]
    yield [head[i] for i in figures], [[row[i] for i in figures] for row in rows]
    yield [head[0], *(head[i] for i in costs)], [[row[0], *(row[i] for i in costs)] for row in rows[:-1]]


def as_json(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return all figures and curves, as JSON holds them."""
    return [
        {
            "entrant": group.label,
            "reference": group.is_reference,
            "method": group.results[0].method,
            "generator": group.results[0].generator,
            "runs": [_run(record.folder.name, record.result) for record in group.records],
            "curves": {
                figure: {
                    name.replace(" ", "_"): [[p.x, p.mean, p.deviation] for p in group.curve(figure, cost)]
                    for cost, name in COSTS.items()
                }
                for figure in figures_of([group])
            },
        }
        for group in ranked(groups)
    ]


RUN_COLUMNS = ("iterations", "teacher_queries", "steps", "training_seconds", "processor_seconds", "seconds",
               "peak_memory")  # fmt: skip


def _run(name: str, result: Any) -> dict[str, Any]:
    values = {"run": name, "seed": result.seed} | {column: getattr(result, column) for column in RUN_COLUMNS}
    return values | {figure: getattr(result.student, figure) for figure in FIGURES}
