"""Published figures beside the runs of ours that would answer them."""

from __future__ import annotations

import pytest

from zskt.experiments.catalog import Catalog
from zskt.results.published_methods import published_figures
from zskt.results.published_table import experiment_of


@pytest.mark.parametrize(
    ("label", "changes", "ending"),
    [
        ("Fast-2", {"synthesis_steps": 2, "generator_lr": 5e-3, "latent_lr": 1.5e-2}, "--set latent_lr=0.015"),
        ("Fast-5", {"synthesis_steps": 5, "generator_lr": 3e-3}, "--set generator_lr=0.003"),
        ("Fast-10", {}, "--method fast"),
    ],
)
def test_variants_of_a_method_are_runs_of_their_own(
    catalog: Catalog, label: str, changes: dict[str, float], ending: str
) -> None:
    figure = next(f for f in published_figures() if f.label == label and f.preset == "cifar10-wrn-40-2-to-wrn-16-1")
    experiment = experiment_of(figure, catalog)
    assert experiment is not None and dict(experiment.recipe.changes) == changes
    assert experiment.command.endswith(ending)
