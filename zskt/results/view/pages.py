"""Pages of the viewer, of templates that escape every name."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zskt.markdown import NO_VALUE, integer
from zskt.results.view.shown_runs import COSTS, FIGURES, PAGES, WORDS, ShownRun
from zskt.terminal import printable

__all__ = ["PAGES", "comparison", "jets", "listing", "refusal", "single"]

LOWER_IS_BETTER = ("kl", "ms_per_sample", "parameters", *COSTS)
PICTURES = (".png", ".svg", ".gif")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["written"] = written
    environment.filters["quoted"] = lambda name: quote(os.fsencode(name))
    return environment


def written(value: float | None) -> str:
    """Write a figure: counts with spaces, fractions with four digits, longer times with one, a dash for none."""
    if value is None:
        return NO_VALUE
    return integer(value) if isinstance(value, int) else f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


def _render(name: str, **values: Any) -> str:
    return _templates().get_template(name).render(**values)


def listing(root: Path, runs: dict[str, ShownRun]) -> str:
    """Return the list of all runs."""
    columns = FIGURES | COSTS
    return _render("list.html.j2", root=printable(str(root)), runs=list(runs.values()), words=WORDS, columns=columns)


def single(run: ShownRun, files: Sequence[tuple[str, str]]) -> str:
    """Return the page of a run.

    Args:
        files: names and addresses of what its folder has to look at.
    """
    shown = [(printable(name), place) for name, place in files]
    pictures = [pair for pair in shown if Path(pair[0]).suffix in PICTURES]
    others = [pair for pair in shown if pair not in pictures]
    return _render(
        "run.html.j2",
        run=run,
        path=printable(shlex.quote(str(run.path))),
        words=WORDS,
        figures=FIGURES,
        costs=COSTS,
        pictures=pictures,
        files=others,
        has_report=any(name == "report.html" for name, _ in others),
        curves=_curves([run]),
    )


def comparison(runs: Sequence[ShownRun]) -> str:
    """Return the page that sets runs side by side."""
    rows = [(name, head, [run.figures.get(name) for run in runs]) for name, head in (FIGURES | COSTS).items()]
    rows = [row for row in rows if any(value is not None for value in row[2])]
    words = [(word, [run.words.get(word, NO_VALUE) for run in runs]) for word in WORDS]
    return _render(
        "compare.html.j2",
        runs=runs,
        words=[(word, values, len(set(values)) > 1) for word, values in words],
        rows=[(head, values, _best(name, values)) for name, head, values in rows],
        curves=_curves(runs),
    )


def _best(name: str, values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:
        return None
    return min(known) if name in LOWER_IS_BETTER else max(known)


def _curves(runs: Sequence[ShownRun]) -> str:
    """Return the address of the curves of runs."""
    return "/curves.json?" + urlencode([("run", os.fsencode(run.name)) for run in runs])


def jets(run: ShownRun) -> str:
    """Return the page of a run's pseudo-jets."""
    return _render("jets.html.j2", run=run)


def refusal(title: str, why: str) -> str:
    """Return the page that says why there is none."""
    return _render("refusal.html.j2", title=title, why=printable(why))
