"""The README's small table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from zskt.experiments.catalog import Catalog
from zskt.experiments.recipe import recipe_of_config
from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.headline import headline
from zskt.results.records import Record, read_records

from .conftest import REFERENCE, result


def run_of(catalog: Catalog, agreement: float, **entries: Any) -> Record:
    """A run of the preset of JetClass on 100 jets."""
    recipe = recipe_of_config(catalog.presets["jetclass-kin"], catalog)
    basic: dict[str, Any] = {
        "preset": recipe.preset,
        "generator": recipe.generator,
        "data": ScoredSamples(name="100.root", sha256=None, count=100, unit="jet"),
        "teacher": NetworkScores(name=recipe.teacher),
        "student": NetworkScores(name=recipe.student, agreement=agreement),
    }
    return Record(folder=Path("a"), result=result(**basic | entries))


def test_a_row_compares_students_without_and_from_data(catalog: Catalog) -> None:
    export = {"latency": [{"threads": 1, "batch": 1, "teacher_ms": 3.0, "student_ms": 0.1}]}
    on_fewer = ScoredSamples(name="5.root", sha256=None, count=5, unit="jet")
    records = [
        replace(run_of(catalog, 0.8), export=export),
        replace(run_of(catalog, 0.1, data=on_fewer), export=export),
        replace(run_of(catalog, 0.2, generator="noise"), export=export),
        run_of(catalog, 0.9, mode="kd", generator=None),
    ]
    (line,) = headline(records, catalog).splitlines()[2:]
    assert line.split(" | ")[1:] == ["pfn", "0.8000 (n = 1)", "–", "0.9000 (n = 1)", "30", "100 jets |"]


def test_of_several_lengths_the_presets_own_is_shown(catalog: Catalog) -> None:
    own = recipe_of_config(catalog.presets["jetclass-kin"], catalog).length
    for lengths in ((5, own, 2 * own), (2 * own, own, 5)):
        records = [run_of(catalog, 0.7 if length == own else 0.8, iterations=length) for length in lengths]
        (line,) = headline(records, catalog).splitlines()[2:]
        assert "| 0.7000 (n = 1) | 0.8000 (2 ×, n = 1) |" in line


def test_a_longer_row_of_three_seeds_counts_more_than_the_longest_of_one(catalog: Catalog) -> None:
    own = recipe_of_config(catalog.presets["jetclass-kin"], catalog).length
    lengths = [(times, seed) for times, seeds in ((1, 3), (2, 3), (9, 1)) for seed in range(seeds)]
    records = [run_of(catalog, times / 10, iterations=times * own, seed=seed) for times, seed in lengths]
    (line,) = headline(records, catalog).splitlines()[2:]
    assert "| 0.1000 ± 0.0000 (n = 3) | 0.2000 ± 0.0000 (2 ×, n = 3) |" in line


def test_where_no_run_is_longer_the_best_other_preset_of_the_pair_is_shown(catalog: Catalog) -> None:
    def run(preset: str, agreement: float) -> Record:
        recipe = recipe_of_config(catalog.presets[preset], catalog)
        return run_of(
            catalog, agreement, preset=preset, method=recipe.method, generator=recipe.generator,
            iterations=recipe.length, teacher=NetworkScores(name=recipe.teacher),
            student=NetworkScores(name=recipe.student, agreement=agreement),
        )  # fmt: skip

    pair = "cifar10-resnet20-to-resnet8"
    records = [
        run(f"{pair}{end}", agreement) for end, agreement in (("", 0.5), ("-fast", 0.6), ("-deepinversion", 0.7))
    ]
    (line,) = headline(records, catalog).splitlines()[2:]
    assert "| 0.7000 (deepinversion, n = 1) |" in line
    (line,) = headline([run(pair, 0.5), run(f"{pair}-fast", 0.4)], catalog).splitlines()[2:]
    assert line.count("| – |") >= 1 and "fast" not in line


def test_the_reference_runs_fill_six_rows(catalog: Catalog) -> None:
    lines = headline(read_records(REFERENCE), catalog).splitlines()[2:]
    assert len(lines) == 6 and "0.7297 ± 0.0010 (n = 3)" in lines[5] and not any("JPEG" in line for line in lines)
    assert lines[3].endswith(
        "| pfn | 0.7177 ± 0.0038 (n = 3) | 0.7387 (3 ×, n = 1) | 0.7719 ± 0.0035 (n = 3) | 274 | 10 000 jets |"
    )
