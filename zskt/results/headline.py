"""The small table of the README: what a student reaches without data, beside one that learned from data."""

from __future__ import annotations

from collections.abc import Iterable

from zskt.experiments.catalog import Catalog
from zskt.markdown import NO_VALUE, integer, table
from zskt.results.records import Record, one_record_per_run
from zskt.results.rows import Row, is_jpeg_copy
from zskt.results.tables import preset_rows

HEADLINE_TEACHERS = {
    "jetclass-particlenet-kin": "ParticleNet of JetClass, kinematics only",
    "cms-hlt-particlenet-ak4": "CMS trigger, AK4",
    "cms-particlenet-ak4": "CMS ParticleNet, AK4",
    "cms-particlenet-ak8-md": "CMS ParticleNet, AK8",
    "mnist-lenet5": "LeNet-5, MNIST",
    "cifar10-resnet20": "ResNet-20, CIFAR-10",
}
"""Teacher -> what the table calls it, in the order of its rows."""
HEAD = (
    *("teacher", "student", "agreement without data", "further, without data", "agreement of KD from data"),
    *("times faster", "test data"),
)
SEEDS = 3
"""Seeds from which on a row counts more than a longer one of fewer."""


def headline(records: list[Record], catalog: Catalog) -> str:
    """Return a table with a row per teacher of `HEADLINE_TEACHERS` that was distilled without data.

    Agreement is the mean ± standard deviation over n seeds. What goes further is the longest run of the same recipe,
    and says how many times as many iterations it has; where there is none, another preset of the pair that agrees more,
    by the name of its method. Latencies are of one sample at a time in onnxruntime on one thread, where a student
    was exported.
    """
    rows = preset_rows(records, catalog)
    lines = []
    for teacher, title in HEADLINE_TEACHERS.items():
        row = _largest(
            (row for row in rows if row.recipe.teacher == teacher and _is_preset_without_data(row, catalog)), catalog
        )
        if row is None:
            continue
        kd = _largest((other for other in rows if other.subject == row.subject and _is_kd(other)), catalog)
        copy = " (JPEG copy)" if is_jpeg_copy(row.data) else ""
        lines.append(
            [
                title,
                row.recipe.student,
                _agreement(row),
                _further(rows, row, catalog),
                NO_VALUE if kd is None else _agreement(kd),
                _speedup(records, row),
                f"{integer(row.data.count)} {row.data.unit}s{copy}",
            ]
        )
    return table(HEAD, lines)


def _is_preset_without_data(row: Row, catalog: Catalog) -> bool:
    """Tell whether a row is a preset's own recipe in mode zero-shot, with nothing changed."""
    recipe = row.recipe
    own_generator = recipe.preset in catalog.presets and catalog.presets[recipe.preset].generator == recipe.generator
    return recipe.mode == "zero-shot" and own_generator and not recipe.changes


def _is_kd(row: Row) -> bool:
    """Tell whether a row is plain KD from all data there are."""
    recipe = row.recipe
    if recipe.mode == "few-shot":
        return bool(recipe.kd_fraction) and not recipe.attention_weight and recipe.init_from_run == "scratch"
    return recipe.mode == "kd" and not recipe.changes


def _largest(rows: Iterable[Row], catalog: Catalog) -> Row | None:
    """Return the row on undamaged samples, of these the one with most test samples, then with most seeds.

    Of several, it is the one of the preset's own length: shorter and longer runs are recorded for other tables.
    """

    def order(row: Row) -> tuple[bool, int, int, bool]:
        preset = catalog.presets.get(row.recipe.preset)
        own = preset is not None and row.runs[0].iterations == getattr(preset.settings, "iterations", None)
        return not is_jpeg_copy(row.data), row.data.count, len(row.runs), own

    return max(rows, key=order, default=None)


def _further(rows: list[Row], shown: Row, catalog: Catalog) -> str:
    """Write what goes further than the row that is shown, on the same samples."""
    if (longest := _longest([row for row in rows if row.subject == shown.subject], shown, catalog)) is not None:
        return _agreement(longest, f"{longest.recipe.length / shown.recipe.length:g} ×, ")
    others = [
        row
        for row in rows
        if row.subject[1:] == shown.subject[1:]
        and _is_preset_without_data(row, catalog)
        and row.recipe.preset != shown.recipe.preset
        and row.mean("agreement") > shown.mean("agreement")
    ]
    best = max(others, key=lambda row: row.mean("agreement"), default=None)
    return NO_VALUE if best is None else _agreement(best, f"{best.recipe.method}, ")


def _longest(rows: Iterable[Row], shown: Row, catalog: Catalog) -> Row | None:
    """Return the row of the longest run of the recipe that is shown; None if none is longer.

    Args:
        rows: on the samples of ``shown``.
    """
    longer = [
        row
        for row in rows
        if _is_preset_without_data(row, catalog)
        and (row.recipe.preset, row.recipe.method) == (shown.recipe.preset, shown.recipe.method)
        and row.recipe.length > shown.recipe.length
    ]
    return max(longer, key=lambda row: (len(row.runs) >= SEEDS, row.recipe.length), default=None)


def _agreement(row: Row, remark: str = "") -> str:
    return f"{row.cell('agreement')} ({remark}n = {len(row.runs)})"


def _speedup(records: list[Record], row: Row) -> str:
    """Write the ratio of the latencies of teacher and student, one sample at a time on one thread."""
    for record in one_record_per_run(records):
        for times in (record.export or {}).get("latency") or ():
            if record.recipe == row.recipe and (times["threads"], times["batch"]) == (1, 1):
                return f"{times['teacher_ms'] / times['student_ms']:.0f}"
    return NO_VALUE
