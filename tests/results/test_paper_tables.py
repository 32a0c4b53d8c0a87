"""The paper's tables, ours beside the published figures."""

from __future__ import annotations

import pytest

from zskt.cli.options import read_run
from zskt.cli.parser import parse
from zskt.experiments.catalog import Catalog
from zskt.experiments.recipe import Recipe, recipe_of_config
from zskt.results.missing import MissingRuns
from zskt.results.paper_tables import (
    few_shot_experiment,
    pairs_table,
    teacher_experiment,
    transition_table,
    zero_shot_experiment,
)
from zskt.results.published import PAIRS
from zskt.results.records import read_records

from .conftest import REFERENCE, record

MNIST = next(pair for pair in PAIRS if pair.data == "mnist")


def recipe_of_command(command: str, catalog: Catalog) -> Recipe:
    return recipe_of_config(read_run(parse(command.split()), catalog)[0], catalog)


@pytest.mark.parametrize("method", ["labels alone", "KD", "KD+AT"])
@pytest.mark.parametrize("m", [0, 25])
def test_commands_of_few_shot_points_make_their_runs(method: str, m: int, catalog: Catalog) -> None:
    experiment = few_shot_experiment(method, m, MNIST, catalog)
    assert recipe_of_command(experiment.command, catalog) == experiment.recipe


def test_commands_of_teachers_and_zero_shot_make_their_runs(catalog: Catalog) -> None:
    for experiment in (teacher_experiment(MNIST, catalog), zero_shot_experiment(f"{MNIST.preset}-paper", catalog)):
        assert recipe_of_command(experiment.command, catalog) == experiment.recipe


def test_without_runs_the_published_figures_stand_alone(catalog: Catalog) -> None:
    missing = MissingRuns()
    table = pairs_table([record()], missing, catalog)
    assert "| CIFAR10, wrn-16-2 → wrn-16-1 | 93.97 ± 0.11 / not run [1] |" in table
    assert missing.commands[0] == "--mode teacher --preset cifar10-wrn-16-2"
    assert transition_table([record()], missing, catalog).count("not run") == 9


def test_recorded_runs_stand_in_their_cells(catalog: Catalog) -> None:
    table = pairs_table(read_records(REFERENCE), MissingRuns(), catalog)
    line = next(line for line in table.splitlines() if line.startswith("| MNIST, lenet5 → lenet5-half"))
    assert line.count("(n = 3)") == 6 and "99.19 (n = 1)" in line and "98.67 ± 0.16 (n = 3)" in line
