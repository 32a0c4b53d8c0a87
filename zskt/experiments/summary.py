"""The small table that a user reads at the end of a run, and how figures are written everywhere."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zskt.experiments.result import BY_LABEL, upgrade
from zskt.markdown import NO_VALUE, integer
from zskt.terminal import printable

COUNTED_BY_LABEL = "accuracy and agreement: shares of decisions on independent labels, label by label, not of samples"


def written(value: float | int | None) -> str:
    """Write a figure of a table: counts with spaces, fractions with four digits, a dash for none."""
    if value is None:
        return NO_VALUE
    return integer(value) if isinstance(value, int) else f"{value:.4f}"


def figure(entry: Mapping[str, Any], name: str) -> Any:
    """Return a figure of a network, None where there is none: trees have no parameters, which are counted as 0."""
    value = entry.get(name)
    return None if name == "parameters" and value == 0 else value


def value_line(name: str, figures: Mapping[str, float | None]) -> str:
    """Write the figures of a regressed value, and, where it comes with a width, how both are met."""
    line = (
        f"{name}: correlation with the teacher's {written(figures['correlation'])}, "
        f"median difference {written(figures['median_difference'])}"
    )
    if "rms_in_widths" in figures:
        line += (
            f", RMS difference {written(figures['rms_in_widths'])} of the teacher's widths, "
            f"median error of the width {written(figures['width_error'])} of it"
        )
    return line


def summary(result: dict[str, Any], where: Path) -> str:
    """Return the figures of both networks of a ``result.json``, of any version, side by side."""
    result = upgrade(result)
    data = result["data"]
    rows: list[tuple[str, ...]] = [
        ("", "network", "parameters", "accuracy", "AUC", "agreement", "KL (nats)", f"ms per {data['unit']}")
    ]
    for role in ("teacher", "student"):
        entry = result[role]
        cells = [figure(entry, key) for key in ("parameters", "accuracy", "auc", "agreement", "kl", "ms_per_sample")]
        if any(value is not None for value in cells):  # not a network that only gave its name
            rows.append((role, str(entry["name"]), *(written(value) for value in cells)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    values = [value_line(name, figures) for name, figures in result["student"].get("values", {}).items()]
    if data.get("counted") == BY_LABEL:
        values = [COUNTED_BY_LABEL, *values]
    shown = printable(str(where))
    headline = f"on {data['count']} {data['unit']}s of {data['name']}{_of_labels(data)}:"
    if data.get("missing"):
        named = printable(shlex.quote(str(where)))  # to be copied into a shell
        headline = f"nothing was judged ({data['missing']}), later by: --mode evaluate --run {named} --data PATH"
    return "\n".join([f"\n{headline}", *lines, *values, f"run: {shown}"])


def truth_line(result: dict[str, Any]) -> str:
    """Say what the figures of the table are against, and where all words are explained."""
    data = upgrade(result)["data"]
    count = 0 if data.get("missing") else data.get("labelled", data["count"])
    truth = f"the labels of {integer(count)} {data['unit']}s" if count else "labels, of which there are none"
    return f"accuracy and AUC: against {truth}; agreement and KL: against the teacher; explained: --mode list figures"


def _of_labels(data: dict[str, Any]) -> str:
    """Say how many samples carry the label of a class, where not all do."""
    labelled = data.get("labelled")
    if labelled is None:
        return ""
    return f", {labelled} with the label of a class" if labelled else ", none with the label of a class"
