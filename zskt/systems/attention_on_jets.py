"""What the attention match of the paper is worth on jets: four weights, two choices of layers, no data."""

from __future__ import annotations

from typing import Any

from zskt.api import evaluate
from zskt.experiments.catalog import Catalog
from zskt.jets.sample import SAMPLE
from zskt.systems.jets_response import PRESET, TEACHER, jet_student
from zskt.systems.system import Figures, System

ITERATIONS = 100
"""Half of the preset's, each of 15 steps."""
WEIGHTS = (1, 30, 300, 2500)
"""Beta of equation 1. The authors' 250 is 2 500 here: their KL is divided by the number of classes, ten."""
LAYERS = {"last": "last layer", "first": "first layer"}
WITHOUT = "without"
ROWS = (WITHOUT, *(f"{words}, weight {weight}" for words in LAYERS.values() for weight in WEIGHTS))
FIGURES = {"agreement": "agreement", "accuracy": "accuracy", "kl": "KL (nats)"}


def attention_on_jets(seed: int, catalog: Catalog) -> Figures:
    """Distil the teacher that ships once without the match, and once with each weight on each choice of layers."""
    card = catalog.teachers[TEACHER]
    teacher = card.load()
    sample = card.inputs.read(SAMPLE, card.classes)
    loader = (*card.inputs(sample.samples), sample.labels)
    recipe = catalog.presets[PRESET].settings.to_dict() | {"iterations": ITERATIONS}
    figures: Figures = {}

    def note(row: str, layers: str, match: dict[str, Any]) -> None:
        student = jet_student(catalog, card, teacher, seed, "zskt", recipe | match, attention_layers=layers)
        scores = evaluate(student, teacher, loader)
        figures.update({f"{row}: {words}": scores[name] for name, words in FIGURES.items()})

    note(WITHOUT, "last", {})
    for layers, words in LAYERS.items():
        for weight in WEIGHTS:
            note(f"{words}, weight {weight}", layers, {"attention_weight": float(weight)})
    return figures


ATTENTION_ON_JETS = System(
    title="Attention match on jets, without data",
    source="This project; the match is of Zagoruyko and Komodakis, arXiv:1612.03928, and a part of the student's loss "
    "of Micaelli and Storkey, arXiv:1905.09768, equation 1. Their ablation finds about two points on images",
    published={f"{row}: {words}": "" for row in ROWS for words in FIGURES.values()},
    run=attention_on_jets,
    takes_catalog=True,
    seeds=3,
    by_default=False,
    remark=f"Teacher `zskt-particlenet`, student and recipe of preset `jets-embedded` for {ITERATIONS} iterations, "
    "half of its length; the row without is that recipe. A map is the squared activation of a layer, over the "
    "particles of a jet. Figures are on the 2 000 jets of the sample that ships.",
)
