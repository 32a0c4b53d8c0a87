"""Tables of a report on one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zskt.experiments.summary import figure, value_line, written
from zskt.markdown import NO_VALUE, integer
from zskt.plots.intervals import LIMIT_LEVEL

Table = dict[str, Any]
"""What the page's template shows: "title", "head", "rows", "note"."""


def networks_table(scores: Mapping[str, Any]) -> Table:
    """Return the table of both networks' figures."""
    keys = ("parameters", "accuracy", "auc", "ece", "agreement", "kl", "ms_per_sample")
    rows = [
        [role, scores[role]["name"], *(written(figure(scores[role], key)) for key in keys)]
        for role in ("teacher", "student")
    ]
    time = f"ms per {scores['data']['unit']}"
    head = ["", "network", "parameters", "accuracy", "AUC", "ECE", "agreement", "KL (nats)", time]
    note = "; ".join(value_line(name, figures) for name, figures in scores["student"].get("values", {}).items())
    return {"title": "Networks", "head": head, "rows": rows, "note": note}


def classes_table(figures: Mapping[str, Any], unit: str) -> Table | None:
    """Return AUC against the rest and accuracy of each class; None without labels, where a teacher is always right."""
    if figures["truth"] != "labels" or not figures.get("classes"):
        return None
    rows = []
    for name, f in figures["classes"].items():
        auc, accuracy = f["auc"], f["accuracy"]
        cells = [written(auc[role]) for role in ("teacher", "student")]
        for role in ("teacher", "student"):
            low, high = f["interval"][role]
            known = accuracy[role] is not None
            cells.append(f"{written(accuracy[role])} [{written(low)}, {written(high)}]" if known else NO_VALUE)
        rows.append([name, integer(f["count"]), *cells, _ratio(accuracy)])
    head = ["class", f"{unit}s", "AUC, teacher", "AUC, student", "accuracy, teacher", "accuracy, student",
            "student / teacher"]  # fmt: skip
    note = (
        f"AUC is of the class against all others; accuracy is the share of the class's {unit}s that have it as top "
        "class, with its Clopper-Pearson interval of 68 %."
    )
    return {"title": "Class by class", "head": head, "rows": rows, "note": note}


def _ratio(values: Mapping[str, float | None]) -> str:
    teacher, student = values["teacher"], values["student"]
    return written(student / teacher) if teacher and student is not None else NO_VALUE


def rejection_tables(figures: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the table of background rejections, if there are signals."""
    if not figures.get("signals"):
        return
    efficiencies = sorted({e for f in figures["signals"].values() for e in f["rejection"]["teacher"]}, key=float)
    rows = []
    # Against its own classes a teacher is perfect: nothing to read there.
    roles = ("teacher", "student") if figures["truth"] == "labels" else ("student",)
    for name, f in figures["signals"].items():
        for role in roles:
            cells = [_rejection(f["rejection"][role].get(e)) for e in efficiencies]
            signal = name if role == roles[0] else ""
            rows.append([signal, role, written(f["auc"][role]), *cells, written(f["sculpting"][role])])
    note = (
        f"Against {', '.join(figures['background'])}, on {integer(figures['jets'])} jets; the truth is "
        f"{figures['truth']}. Errors are binomial; > is a limit ({100 * LIMIT_LEVEL:.0f} %), where fewer than 10 "
        "background jets pass. Sculpting is the Jensen-Shannon divergence of the background's mass before and after "
        "the cut at 50 %."
    )
    needed = max(
        (f["needed"][role][e] for f in figures["signals"].values() for role in roles for e in f["needed"][role]
         if f["rejection"][role][e][1] is None), default=0,
    )  # fmt: skip
    note += f" For a value in each cell about {integer(needed)} background jets would do." if needed else ""
    yield {
        "title": "Rejection at fixed efficiency",
        "head": [
            "signal",
            "",
            "AUC",
            *(f"1/ε_B at {100 * float(e):g} %" for e in efficiencies),
            "mass sculpting (bits)",
        ],
        "rows": rows,
        "note": note,
    }


def _rejection(value: list[float | None] | tuple[float, float | None] | None) -> str:
    """Write a rejection with its error; a lower limit has none."""
    if value is None or value[0] is None:
        return NO_VALUE
    return f"> {value[0]:.1f}" if value[1] is None else f"{value[0]:.1f} ± {value[1]:.1f}"
