"""Pictures of recorded results."""

from __future__ import annotations

from zskt.experiments.catalog import Catalog
from zskt.experiments.result import ScoredSamples
from zskt.results.compare.recorded import read_comparisons, uncompared
from zskt.results.figures import pictures, transition_picture
from zskt.results.records import read_records

from .conftest import REFERENCE, record


def test_pictures_are_those_that_the_records_allow(catalog: Catalog) -> None:
    assert pictures([record()], catalog) == {}
    of_images = record(data=ScoredSamples(name="MNIST", sha256=None, count=10, unit="image"))
    assert set(pictures([of_images], catalog)) == {"pairs", "few-shot"}  # published figures are there anyway


def test_the_reference_runs_allow_all(catalog: Catalog) -> None:
    figures = pictures(uncompared(read_records(REFERENCE), read_comparisons(REFERENCE)), catalog)
    assert list(figures) == ["pairs", "few-shot", "transition", "learning", "pseudo-images"]
    labels = [str(line.get_label()) for line in figures["learning"].axes[0].lines]
    pair = "cifar10-resnet20-to-resnet8"
    assert f"{pair}: data (kd), 3 seeds" in labels and len(labels) == 5
    assert len(set(labels)) == len(labels)  # one preset at two lengths
    assert len(figures["learning"].axes[0].collections) == len(labels)  # a band each
    titles = [axes.get_title() for axes in figures["pseudo-images"].axes]
    assert titles == ["cutouts-prior", "scenes-prior", "strokes-prior", "things-prior"]
    heights = [bar.get_height() for bar in figures["pairs"].axes[0].patches]
    assert 98.67 in [round(height, 2) for height in heights]
    assert min(heights) > 0 and not figures["pairs"].axes[0].texts


def test_transition_curves_have_a_panel_for_each_run_and_direction() -> None:
    curves = {"stepped": [0.1, 0.9], "watching": [0.1, 0.5], "mte": 0.25}
    figure = transition_picture([{"run": name, "on_student": curves, "on_teacher": curves} for name in ("a", "b")])
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title() == "a\nstepping on the student, MTE 0.250"
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[0.1, 0.9], [0.1, 0.5]]
