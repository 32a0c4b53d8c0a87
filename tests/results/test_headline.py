"""The README's small table."""

from __future__ import annotations

from pathlib import Path

from zskt.experiments.catalog import Catalog
from zskt.experiments.recipe import recipe_of_config
from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.headline import headline
from zskt.results.records import Record, read_records

from .conftest import REFERENCE, result


def test_a_row_compares_students_without_and_from_data(catalog: Catalog) -> None:
    recipe = recipe_of_config(catalog.presets["jetclass-kin"], catalog)
    export = {"latency": [{"threads": 1, "batch": 1, "teacher_ms": 3.0, "student_ms": 0.1}]}
    records = []
    for mode, generator, count, agreement in (
        ("zero-shot", recipe.generator, 100, 0.8),
        ("zero-shot", recipe.generator, 5, 0.1),  # on fewer jets
        ("zero-shot", "noise", 100, 0.2),
        ("kd", None, 100, 0.9),
    ):
        run = result(
            preset=recipe.preset,
            mode=mode,
            generator=generator,
            data=ScoredSamples(name=f"{count}.root", sha256=None, count=count, unit="jet"),
            teacher=NetworkScores(name=recipe.teacher),
            student=NetworkScores(name=recipe.student, agreement=agreement),
        )
        records.append(Record(folder=Path("a"), result=run, export=export if mode == "zero-shot" else None))
    (line,) = headline(records, catalog).splitlines()[2:]
    assert line.split(" | ")[1:] == ["pfn", "0.8000 (n = 1)", "–", "0.9000 (n = 1)", "30", "100 jets |"]


def test_of_several_lengths_the_presets_own_is_shown(catalog: Catalog) -> None:
    recipe = recipe_of_config(catalog.presets["jetclass-kin"], catalog)
    own = catalog.presets["jetclass-kin"].settings.iterations
    for lengths in ((5, own, 2 * own), (2 * own, own, 5)):
        records = [
            Record(
                folder=Path("a"),
                result=result(
                    preset=recipe.preset,
                    generator=recipe.generator,
                    iterations=length,
                    teacher_queries=length,
                    steps=length,
                    data=ScoredSamples(name="100.root", sha256=None, count=100, unit="jet"),
                    teacher=NetworkScores(name=recipe.teacher),
                    student=NetworkScores(name=recipe.student, agreement=0.7 if length == own else 0.8),
                ),
                export=None,
            )
            for length in lengths
        ]
        (line,) = headline(records, catalog).splitlines()[2:]
        assert "| 0.7000 (n = 1) | 0.8000 (2 ×, n = 1) |" in line


def test_a_longer_row_of_three_seeds_counts_more_than_the_longest_of_one(catalog: Catalog) -> None:
    recipe = recipe_of_config(catalog.presets["jetclass-kin"], catalog)
    records = [
        Record(
            folder=Path("a"),
            result=result(
                preset=recipe.preset,
                generator=recipe.generator,
                iterations=times * recipe.length,
                seed=seed,
                data=ScoredSamples(name="100.root", sha256=None, count=100, unit="jet"),
                teacher=NetworkScores(name=recipe.teacher),
                student=NetworkScores(name=recipe.student, agreement=times / 10),
            ),
        )
        for times, seeds in ((1, 3), (2, 3), (9, 1))
        for seed in range(seeds)
    ]
    (line,) = headline(records, catalog).splitlines()[2:]
    assert "| 0.1000 ± 0.0000 (n = 3) | 0.2000 ± 0.0000 (2 ×, n = 3) |" in line


def test_the_reference_runs_fill_six_rows(catalog: Catalog) -> None:
    lines = headline(read_records(REFERENCE), catalog).splitlines()[2:]
    assert len(lines) == 6 and "0.7297 ± 0.0010 (n = 3)" in lines[5] and not any("JPEG" in line for line in lines)
    assert lines[3].endswith("| pfn | 0.7177 ± 0.0038 (n = 3) | 0.7387 (3 ×, n = 1) | 0.7719 ± 0.0035 (n = 3) | 276 | 10 000 jets |")
