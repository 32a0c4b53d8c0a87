"""Learning curves of a method."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zskt.experiments.recipe import recipe_of_result
from zskt.experiments.result import NetworkScores
from zskt.results.learning_curves import learning_picture, recipe_labels
from zskt.results.records import Record

from .conftest import result


def recorded(folder: Path, teacher: str, values: list[float], **entries: object) -> Record:
    """A run whose evaluations had these values, one every five iterations."""
    folder.mkdir()
    lines = [json.dumps({"step": 5 * (i + 1), "test/agreement": value}) for i, value in enumerate(values)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return Record(folder=folder, result=result(teacher=NetworkScores(name=teacher), **entries))


def test_a_panel_a_teacher_and_a_line_a_recipe(tmp_path: Path) -> None:
    runs = [
        recorded(tmp_path / "a", "t", [0.1, 0.2, 0.5]),
        recorded(tmp_path / "b", "t", [0.3, 0.4, 0.7], seed=1),
        recorded(tmp_path / "c", "t", [0.1, 0.1, 0.1], generator="noise"),
        recorded(tmp_path / "d", "u", [0.2, 0.3, 0.4]),
        recorded(tmp_path / "e", "v", [0.2, 0.3, 0.4], method="kd"),
        recorded(tmp_path / "f", "w", [0.2, 0.3]),
        recorded(tmp_path / "g", "x", [0.2, 0.3, 0.4], changes={"batch_size": 3}),
    ]
    figure = learning_picture("zskt", runs)
    assert figure is not None
    panels = {axes.get_title(): [line.get_label() for line in axes.lines] for axes in figure.axes if axes.axison}
    assert panels == {"t": ["mlp, 2 seeds", "noise, 1 seed"], "u": ["mlp, 1 seed"]}
    x, y = figure.axes[0].lines[0].get_data()
    assert list(x) == pytest.approx([1 / 3, 2 / 3, 1]) and list(y) == pytest.approx([0.2, 0.3, 0.6])


def test_nothing_to_draw(tmp_path: Path) -> None:
    assert learning_picture("zskt", []) is None
    assert learning_picture("zskt", [recorded(tmp_path / "a", "t", [0.1, 0.2])]) is None


def test_labels_say_no_more_than_tells_recipes_apart() -> None:
    recipes = [
        recipe_of_result(result(iterations=n, generator=g)) for n, g in ((10, "mlp"), (20, "mlp"), (10, "noise"))
    ]
    assert list(recipe_labels(recipes).values()) == ["mlp, 10", "mlp, 20", "noise"]
