"""Mode ``tables``: Markdown tables of recorded results, one for each preset, teacher and test sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from zskt.errors import listed
from zskt.experiments.catalog import Catalog
from zskt.markdown import integer, mean_and_deviation, table
from zskt.results import ablation, paper_tables
from zskt.results.missing import MissingRuns
from zskt.results.records import Record, any_of_images, one_record_per_run, read_records
from zskt.results.rows import Row, group

HEAD = ("learned from", "teacher queries", "student steps", "agreement", "accuracy", "AUC", "KL (nats)", "seeds")
NO_TABLES = "none of the runs here has a table"
FEW = 5
"""Names of runs in a line."""
LATENCY_HEAD = ("teacher", "student", "threads", "batch", "teacher, ms", "student, ms", "ratio")


def all_tables(folder: Path, catalog: Catalog) -> str:
    """Return every table of a folder of runs; of runs on images the paper's, too, with commands of what is missing.

    Runs that are in none, as nobody judged them, are named at the end.

    Raises:
        UserError: if there is no run, or a result cannot be read.
    """
    records, missing = read_records(folder), MissingRuns()
    parts = [*preset_tables(preset_rows(records, catalog)), latency_table(records), toy_line(records)]
    if any_of_images(records):
        parts += [
            *paper_tables.tables(records, missing, catalog),
            ablation.ablation_table(records, missing, catalog),
            missing.footnotes(),
        ]
    parts.append(unjudged_line(records))
    return "\n\n".join(part for part in parts if part) or NO_TABLES


def unjudged_line(records: list[Record]) -> str:
    """Return which runs are in no table, as nobody judged their students, and what does; empty if there are none."""
    judged = {r.folder for r in records if r.result.data is not None and r.result.data.missing is None}
    found = {r.folder for r in records if r.result.data is not None} - judged
    names = listed(sorted(folder.name for folder in found), FEW)
    return f"in no table, as nobody judged them: {names}; --mode evaluate --run RUN --data PATH does" if found else ""


def preset_rows(records: list[Record], catalog: Catalog) -> list[Row]:
    """Return the rows of the presets' tables, jets first, in the order in which tables have them.

    Few-shot runs, ablations and students that were made smaller have tables of their own.
    """
    ablations = ablation.recipes(catalog)
    usual = [record for record in records if record.result.compression is None]
    rows = [row for row in group(usual) if not row.recipe.samples_per_class and row.recipe not in ablations]
    generators = list(catalog.generators)

    def rank(row: Row) -> tuple[int, int, str, int, int]:
        """Generators in rising order of what they know, then data; a recipe before its variants."""
        name = row.recipe.generator
        position = generators.index(name) if name in generators else len(generators)
        return position, len(row.label), row.label, row.runs[0].teacher_queries, row.runs[0].steps

    return sorted(rows, key=lambda row: (row.data.unit == "image", row.subject, rank(row)))


def preset_tables(rows: Iterable[Row]) -> list[str]:
    """Return a table with a headline for each preset, teacher, student and test sample."""
    subjects: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        subjects.setdefault(row.subject, []).append(row)
    return [_preset_table(members) for members in subjects.values()]


def _preset_table(rows: Sequence[Row]) -> str:
    recipe, data, teacher = rows[0].recipe, rows[0].data, rows[0].runs[0].teacher
    headline = f"**{recipe.preset}**: teacher {rows[0].teacher}, student {recipe.student}, "
    headline += f"{data.count} {data.unit}s of {data.name}"
    if teacher.accuracy is not None and teacher.auc is not None:
        headline += f" (teacher: accuracy {teacher.accuracy:.4f}, AUC {teacher.auc:.4f})"
    lines = []
    for row in rows:
        costs = (integer(row.runs[0].teacher_queries), integer(row.runs[0].steps))
        figures = (row.cell(name) for name in ("agreement", "accuracy", "auc", "kl"))
        lines.append([row.label, *costs, *figures, str(len(row.runs))])
    return f"{headline}\n\n{table(HEAD, lines)}"


def latency_table(records: list[Record]) -> str:
    """Return times of teacher and exported student in onnxruntime; empty if no run was exported."""
    rows = []
    for record in one_record_per_run(records):
        names = [record.result.teacher.name, record.result.student.name]
        for times in (record.export or {}).get("latency") or ():
            ratio = times["teacher_ms"] / times["student_ms"]  # older files hold the median ratio of the rounds
            setting = [str(times["threads"]), str(times["batch"])]
            rows.append([*names, *setting, f"{times['teacher_ms']:.3f}", f"{times['student_ms']:.4f}", f"{ratio:.0f}"])
    headline = (
        "**onnxruntime**: milliseconds per jet with as many entries as the network takes, medians of alternating rounds"
    )
    return f"{headline}\n\n{table(LATENCY_HEAD, rows)}" if rows else ""


def toy_line(records: list[Record]) -> str:
    """Return a sentence on the toy problem in the plane; empty if it was not run."""
    runs = [record.result for record in records if record.result.mode == "toy"]
    accuracies = [run.teacher.accuracy for run in runs if run.teacher.accuracy is not None]
    agreements = [run.student.agreement for run in runs if run.student.agreement is not None]
    if not runs:
        return ""
    return (
        f"**toy**: teacher right on {mean_and_deviation(accuracies)} of the points, "
        f"student agrees with it on {mean_and_deviation(agreements)} of the square, n = {len(runs)}"
    )
