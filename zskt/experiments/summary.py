"""The small table that a user reads at the end of a run, and how figures are written everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zskt.domains import unit


def written(value: float | int | None) -> str:
    """A figure in a table: counts with spaces, fractions with four digits, a dash for none."""
    if value is None:
        return "–"
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:.4f}"


def summary(result: dict[str, Any], where: Path) -> str:
    """What the networks of a ``result.json`` reached, side by side."""
    data = result["data"]
    kind = unit(data)
    rows: list[tuple[str, ...]] = [
        ("", "network", "parameters", "accuracy", "AUC", "agreement", "KL (nats)", f"ms per {kind}")
    ]
    for role in ("teacher", "student"):
        entry = result[role]
        cells = [entry.get(key) for key in ("parameters", "accuracy", "auc", "agreement", "kl", f"ms_per_{kind}")]
        if any(value is not None for value in cells):  # not a network that only gave its name
            rows.append((role, str(entry["name"]), *(written(value) for value in cells)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    values = [
        f"{name}: correlation with the teacher's {written(v['correlation'])}, "
        f"median difference {written(v['median_difference'])}"
        for name, v in result["student"].get("values", {}).items()
    ]
    return "\n".join([f"\non {data[f'{kind}s']} {kind}s of {data['name']}:", *lines, *values, f"run: {where}"])
