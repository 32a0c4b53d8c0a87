"""The page of a comparison: HTML that needs no other file, and the same figures as JSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zskt.experiments.config import RunConfig
from zskt.experiments.finished import read_config
from zskt.markdown import integer
from zskt.methods import METHODS
from zskt.plots.kept_files import Keeper
from zskt.plots.plot import Plot
from zskt.results.compare.curves import curve_plots
from zskt.results.compare.group import FIGURES, Group
from zskt.results.compare.table import (
    AHEAD_NOTE,
    RUN_COLUMNS,
    as_json,
    figures_of,
    head_and_rows,
    ranked,
    split_costs,
    verdict_rows,
    verdicts_of,
)
from zskt.results.compare.verdict import RULE
from zskt.results.html_page import linked, page_template
from zskt.storage.files import read_json, write_json, write_text
from zskt.storage.run_files import CONFIG

PAGE, DATA, TABLE, FILES = "comparison.html", "comparison.json", "comparison.csv", "comparison"
"""Files of a comparison's folder, and the folder of its plots and tables."""
CURVES_NOTE = (
    "Lines are means over seeds, bands ± one standard deviation. The curves are read on the same test samples as the "
    "final figures, during the runs, and choose nothing: each run goes on to its last step, and the student of that "
    "step is what the table shows. Evaluations are not in the time. Networks that learned from data are grey; where "
    "the teacher was asked about all samples before the first step they are a level against queries, and a level "
    "everywhere where they were judged when they were finished. Shares are on a logit axis where the best is near 1."
)


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What a comparison was asked, beside its runs."""

    command: str = ""
    budget: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `zskt.cluster.compare.budget.Budget`; empty where runs were compared as they were found."""
    failures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Label -> "reason" and "refused"."""
    notes: Sequence[str] = ()
    experiment_label: str = ""
    """On every plot, as "CMS Simulation"; empty for none."""


def write_comparison(out: Path, groups: Sequence[Group], circumstances: Circumstances,
                     pseudo_samples: Sequence[dict[str, str]] = ()) -> Path:  # fmt: skip
    """Write ``comparison.html``, ``.json`` and ``.csv`` into a folder, anew.

    Args:
        groups: at least one.
        pseudo_samples: pictures, each with "title", "png" and "note".

    Returns:
        the page.
    """
    out.mkdir(parents=True, exist_ok=True)
    found = verdicts_of(groups)
    figures = {
        "budget": dict(circumstances.budget),
        "command": circumstances.command,
        "rule": RULE,
        "entrants": as_json(groups),
        "verdicts": {
            figure: [
                {"best": v.best, "other": v.other, "difference": v.difference, "p": v.p, "verdict": v.words}
                for v in several
            ]
            for figure, several in found.items()
        },
        "failures": {name: dict(failure) for name, failure in circumstances.failures.items()},
    }
    write_json(out / DATA, figures)
    _write_csv(out / TABLE, groups)
    keeper = Keeper(out / FILES, circumstances.experiment_label)
    page = page_template().render(
        title=_title(groups),
        summary=_summary(groups, circumstances.budget),
        paragraphs=[*sentences(groups), *circumstances.notes],
        tables=linked(_tables(groups), keeper),
        appendix=list(_appendix(groups, circumstances.failures)),
        plots=keeper.keep(_curves(groups)),
        pictures=pseudo_samples,
        command=circumstances.command,
        versions=_versions(groups[0].records[0].folder),
        recipe=json.dumps({g.label: _settings(g.records[0].folder) for g in groups}, indent=2),
    )
    write_text(out / PAGE, page)
    return out / PAGE


def _title(groups: Sequence[Group]) -> str:
    return f"Methods compared: {groups[0].results[0].teacher.name} to {', '.join(_students(groups))}"


def _students(groups: Sequence[Group]) -> list[str]:
    """Return the names of the students, each once."""
    return list(dict.fromkeys(result.student.name for group in groups for result in group.results))


def limits_in_words(budget: Mapping[str, Any], of: str = "") -> list[str]:
    """Say what each run of a comparison might spend, a limit each; none is no limit.

    Args:
        of: words behind the minutes.
    """
    minutes, queries = budget.get("minutes"), budget.get("queries")
    limits = [f"{minutes:g} minute{'' if minutes == 1 else 's'}{of}"] if minutes else []
    return limits + ([f"{integer(queries)} teacher queries"] if queries else [])


def _summary(groups: Sequence[Group], budget: Mapping[str, Any]) -> str:
    """Say what was equal, and what each figure is."""
    result = groups[0].results[0]
    data = result.data
    assert data is not None
    limits = limits_in_words(budget, " of time in the method")
    equal = (
        f"Each run had {' and '.join(limits)}, and as many iterations as fill that."
        if limits
        else ("Each run is as long as its recipe says: read figures beside their costs.")
    )
    scored = (
        f"nothing was scored ({data.missing})"
        if data.missing
        else f"scored once, after its last step, on {integer(data.count)} {data.unit}s of {data.name}"
    )
    presets = list(dict.fromkeys(each.preset for group in groups for each in group.results))
    students = _students(groups)
    began = (
        "All students are of one architecture; runs of one seed begin with the same weights, unless the table of "
        "settings says otherwise."
        if len(students) == 1
        else f"Students are of {len(students)} architectures: {', '.join(students)}."
    )
    return (
        f"Preset{'' if len(presets) == 1 else 's'} {', '.join(presets)}. {equal} {began} Each is {scored}. Figures "
        "are mean ± standard deviation over seeds. Minutes are of the method alone: wall-clock or processor time, "
        "whichever is shorter."
    )


def sentences(groups: Sequence[Group]) -> list[str]:
    """Say in prose who is ahead in agreement, or in the first figure there is."""
    found = verdicts_of(groups)
    figures = figures_of(groups)
    if not figures or figures[0] not in found:
        return []
    several = found[figures[0]]
    first = [several[0].best, *(verdict.other for verdict in several if verdict.words == "equal")]
    said = [f"In {figures[0]}, {first[0]} is first." if len(first) == 1 else
            f"In {figures[0]}, {', '.join(first[:-1])} and {first[-1]} are first, and equal."]  # fmt: skip
    for words, text in (("ahead beyond the spread", "It is ahead beyond the spread of"),
                        ("not beyond the spread", "It is not ahead beyond the spread of"),
                        ("no spread", "One seed has no spread, so nothing can be said of its lead over")):  # fmt: skip
        names = [verdict.other for verdict in several if verdict.words == words]
        said += [f"{text} {', '.join(names)}."] if names else []
    return [" ".join(said)]


def _tables(groups: Sequence[Group]) -> Iterator[dict[str, Any]]:
    """Yield what stands above the curves."""
    for title, (head, rows) in zip(("Figures", "Costs"), split_costs(*head_and_rows(groups)), strict=True):
        yield {"title": title, "head": head, "rows": rows}
    if verdicts_of(groups):
        head, rows = verdict_rows(groups)
        yield {"title": "Who is ahead", "head": head, "rows": rows, "note": AHEAD_NOTE + RULE}


def _appendix(groups: Sequence[Group], failures: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what stands below the pictures."""
    if failures:
        rows = [[name, "cannot play" if f["refused"] else "failed", f["reason"]] for name, f in failures.items()]
        yield {"title": "Without a result", "head": ["", "", "reason"], "rows": rows, "prose": True}
    yield {
        "title": "Settings",
        "head": ["", "iterations", "student begins with", "settings other than the method's own defaults"],
        "rows": [[g.label, *_differences(g)] for g in ranked(groups)],
        "note": "A method's defaults are those of its paper; the whole configurations are at the end of the page.",
        "prose": True,
    }


def _settings(run: Path) -> dict[str, Any]:
    """Return a run's configuration without what differs by seed."""
    config = _config(run)
    return {} if config is None else {k: v for k, v in config.to_dict().items() if k != "seed"}


def _config(run: Path) -> RunConfig | None:
    return read_config(run)[0] if (run / CONFIG).is_file() else None


def _differences(group: Group) -> list[str]:
    """Say how long an entrant ran, what its student began with, and which defaults of its method were changed."""
    config = _config(group.records[0].folder)
    length = integer(group.results[0].length)
    if config is None:
        return [length, "", "recorded in the index of the runs"]
    settings, defaults = config.settings.to_dict(), METHODS[config.method].Config().to_dict()
    changed = [f"{k} = {v}" for k, v in settings.items() if k != "iterations" and v != defaults[k]]
    begins = "the teacher's layers" if settings.get("init_from_teacher") else "its seed's weights"
    return [length, begins, ", ".join(changed) or "none"]


def _curves(groups: Sequence[Group]) -> list[Plot]:
    teacher = groups[0].results[0].teacher
    own = {"accuracy": teacher.accuracy, "auc": teacher.auc}
    first, *others = curve_plots(ranked(groups), figures_of(groups), own) or [Plot("")]
    return [plot for plot in (replace(first, note=CURVES_NOTE), *others) if plot]


def _versions(run: Path) -> str:
    path = run / "environment.json"
    if not path.is_file():
        return ""
    environment = read_json(path)
    packages = ", ".join(f"{name} {version}" for name, version in environment.get("packages", {}).items())
    machine = f"{environment.get('device')}, {environment.get('threads')} threads"
    return f"Machine: {machine}; revision {environment.get('revision')}, {packages}"


def _write_csv(path: Path, groups: Sequence[Group]) -> None:
    """Write a line for each run."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["entrant", "seed", *FIGURES, *RUN_COLUMNS])
        for group in ranked(groups):
            for result in group.results:
                scores = [getattr(result.student, figure) for figure in FIGURES]
                writer.writerow([group.label, result.seed, *scores, *(getattr(result, c) for c in RUN_COLUMNS)])
