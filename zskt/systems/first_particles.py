"""A recurrent student that reads the particles of a jet by momentum: what it answers after the first n; no data.

The jets' row of action anticipation (Tran et al., arXiv:1904.04868): particles stand for frames.
"""

from __future__ import annotations

from torch import nn

from zskt.api import distill, evaluate
from zskt.experiments.catalog import Catalog
from zskt.jets.sample import SAMPLE
from zskt.jets.student_views import VIEWS
from zskt.systems.system import Figures, System
from zskt.viewed import Viewed, make_view

TEACHER, PRESET, STUDENT = "zskt-particlenet", "jets-embedded", "gru"
ITERATIONS = 100
COUNTS = (5, 10, 20)
"""Particles that a student sees, instead of all."""
OWN = "learned from the first {count} particles"
WHOLE = "learned from all particles, asked after the first {count}"
ALL = "all particles"


def first_particles(seed: int, catalog: Catalog) -> Figures:
    """Distil the teacher that ships into a `gru` for each number of particles, with pseudo-jets alone."""
    card = catalog.teachers[TEACHER]
    teacher = card.load()
    settings = catalog.presets[PRESET].settings.to_dict() | {"iterations": ITERATIONS}
    sample = card.inputs.read(SAMPLE, card.classes)
    loader = (*card.inputs(sample.samples), sample.labels)

    def learned(count: int | None) -> nn.Module:
        view = None if count is None else make_view(f"leading:{count}", card.inputs, VIEWS)
        inputs = card.inputs if view is None else view.inputs
        network: nn.Module = catalog.students[STUDENT].build(inputs, len(card.classes))
        return distill(
            teacher, network if view is None else Viewed(view, network), method="zskt", seed=seed, progress=False,
            generator=catalog.generators["shower"].build(card.inputs), **settings,
        ).student  # fmt: skip

    figures: Figures = {}

    def note(row: str, student: nn.Module) -> None:
        scores = evaluate(student, teacher, loader)
        figures[f"{row}: agreement"] = scores["agreement"]
        figures[f"{row}: accuracy"] = scores["accuracy"]

    for count in COUNTS:
        note(OWN.format(count=count), learned(count))
    whole = learned(None)
    for count in COUNTS:
        note(WHOLE.format(count=count), Viewed(make_view(f"leading:{count}", card.inputs, VIEWS), whole).eval())
    note(ALL, whole)
    return figures


FIRST_PARTICLES = System(
    title="Anticipation on jets: the first n particles, no data",
    source="This project; the idea is of Tran et al., arXiv:1904.04868, where a student sees the first frames of a "
    "video",
    published={
        f"{row}: {figure}": ""
        for row in (*(OWN.format(count=c) for c in COUNTS), *(WHOLE.format(count=c) for c in COUNTS), ALL)
        for figure in ("agreement", "accuracy")
    },
    run=first_particles,
    takes_catalog=True,
    seeds=3,
    remark="The teacher that ships with zskt sees all particles, and is right on 0.717 of the sample's jets; students "
    f"are `gru` of preset `jets-embedded` for {ITERATIONS} iterations, half of its length, without a jet from data. "
    "Figures are on the 2 000 jets of the sample that ships.",
)
