"""Tables of ratios and targets, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.machine import in_words
from benchmarks.runner import Outcome


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write columns as wide as their longest entry."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def report(outcomes: Sequence[Outcome]) -> str:
    """Write all that was measured: the machine, ratios with their quartiles, targets, and what did not run."""
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    ratios = [
        [outcome.name, name, f"{r['median']:.3g}", f"{r['quartiles'][0]:.3g} to {r['quartiles'][1]:.3g}"]
        for outcome in done
        for name, r in outcome.report["ratios"].items()
    ]
    targets = [
        [outcome.name, name, t["wanted"], f"{t['reached']:.3g}", "met" if t["met"] else "missed"]
        for outcome in done
        for name, t in outcome.report["targets"].items()
    ]
    parts = [in_words(done[0].report["machine"])] if done else []
    if ratios:
        parts.append(table(["benchmark", "ratio", "median", "quartiles"], ratios))
    if targets:
        parts.append(table(["benchmark", "target", "wanted", "reached", ""], targets))
    parts += [f"{outcome.name}: {outcome.state}: {outcome.why}" for outcome in outcomes if outcome.state != "done"]
    return "\n\n".join(parts)
