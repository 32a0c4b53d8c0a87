"""The table of ablations."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.cli.options import read_run
from zskt.cli.parser import parse
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.recipe import Recipe, recipe_of_config
from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.ablation import ABLATED_PRESET, ABLATIONS, ablation_table, command, recipe_of, recipes
from zskt.results.missing import MissingRuns
from zskt.results.records import Record
from zskt.results.tables import preset_rows

from .conftest import result


def finished(recipe: Recipe, seed: int) -> Record:
    scores = NetworkScores(name=recipe.student, agreement=0.5 + seed / 100, accuracy=0.5, auc=0.9, kl=1.0)
    run = result(
        preset=recipe.preset,
        generator=recipe.generator,
        iterations=recipe.length,
        batch_size=recipe.batch_size,
        changes=dict(recipe.changes),
        seed=seed,
        data=ScoredSamples(name="mnist test", sha256=None, count=10, unit="image"),
        teacher=NetworkScores(name=recipe.teacher),
        student=scores,
    )
    return Record(folder=Path(), result=run)


def config(name: str, catalog: Catalog) -> RunConfig:
    return read_run(parse(command(ABLATIONS[name]).split()), catalog)[0]


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_row_costs_as_much(name: str, catalog: Catalog) -> None:
    row, full = config(name, catalog), config(next(iter(ABLATIONS)), catalog)

    def steps(config: RunConfig) -> int:
        return int(config.settings.iterations * config.settings.student_steps)

    def queries(config: RunConfig) -> int:
        trained = config.generator != "strokes-prior"
        per_image = 1 + (2 if trained else 1) * (config.settings.perturbation_radius > 0)
        return int(config.settings.iterations * per_image)

    assert steps(row) == pytest.approx(steps(full), rel=2e-3)
    assert queries(row) == pytest.approx(queries(full), rel=2e-3)


def test_rows_find_their_runs_and_the_other_tables_do_not(catalog: Catalog) -> None:
    records = [finished(recipe_of(row, catalog), seed) for row in ABLATIONS.values() for seed in (0, 2)]
    assert not preset_rows(records, catalog)
    full = finished(recipe_of_config(catalog.presets[ABLATED_PRESET], catalog), 0)
    assert full.recipe not in recipes(catalog) and len(preset_rows([full], catalog)) == 1
    missing = MissingRuns()
    lines = ablation_table(records[:2], missing, catalog).splitlines()
    cells = "1 000 | 70 | 0.5100 ± 0.0141 | 0.5000 ± 0.0000 | 1.0000 ± 0.0000 | 2"
    assert lines[4] == f"| the recipe, 300 iterations | {cells} |"
    assert len(missing.commands) == len(ABLATIONS) - 1 and "not run [1]" in lines[5]
    assert missing.commands[0].endswith("--iterations 600 --set student_steps=16 --set perturbation_radius=0.0")


@pytest.mark.parametrize("name", ABLATIONS)
def test_the_commands_make_the_runs(name: str, catalog: Catalog) -> None:
    assert recipe_of_config(config(name, catalog), catalog) == recipe_of(ABLATIONS[name], catalog)
