"""Frames without data: a recurrent teacher of moving digits, distilled from generators, beside what data give."""

from __future__ import annotations

from torch import nn

from zskt.api import distill, evaluate
from zskt.experiments.catalog import Catalog
from zskt.frames.moving_digits import INPUTS
from zskt.frames.student_views import Until
from zskt.systems.moving import network, sequences
from zskt.systems.system import Figures, System, behind

TEACHER, PRESET = "moving-digits-gru", "moving-digits"
ITERATIONS, N_TRAIN, N_TEST = 50, 6000, 2000
GENERATORS = ("motion", "motion-prior", "frames", "noise-frames")
HALF = 4
SEEN = {8: GENERATORS, HALF: ("motion-prior",)}
"""Frames that the student sees -> generators."""


def without_data(seed: int, catalog: Catalog) -> Figures:
    """Distil the teacher that ships with each generator, and with the sequences that it learned from."""
    teacher = catalog.teachers[TEACHER].load()
    settings = catalog.presets[PRESET].settings.to_dict() | {"iterations": ITERATIONS}
    x, _ = sequences("train", N_TRAIN, seed)
    test, labels = sequences("test", N_TEST, seed)
    figures: Figures = {}

    def note(row: str, student: nn.Module) -> None:
        scores = evaluate(student, teacher, (test, labels))
        figures[f"{row}: agreement"] = scores["agreement"]
        figures[f"{row}: accuracy"] = scores["accuracy"]

    for seen, generators in SEEN.items():
        for name in generators:
            student = distill(
                teacher, behind(Until(seen), network()), generator=catalog.generators[name].build(INPUTS),
                method="zskt", seed=seed, progress=False, **settings,
            ).student  # fmt: skip
            note(f"{seen} frames, {name}", student)
        student = distill(
            teacher, behind(Until(seen), network()), data=x, method="kd", iterations=ITERATIONS,
            student_steps=settings["student_steps"], batch_size=settings["batch_size"],
            student_lr=settings["student_lr"], seed=seed, progress=False,
        ).student  # fmt: skip
        note(f"{seen} frames, data (kd)", student)
    return figures


WITHOUT_DATA = System(
    title="Moving digits without data",
    source="This project",
    published={
        f"{seen} frames, {name}: {figure}": ""
        for seen, generators in SEEN.items()
        for name in (*generators, "data (kd)")
        for figure in ("agreement", "accuracy")
    },
    run=without_data,
    takes_catalog=True,
    seeds=3,
    remark="The teacher that ships with zskt, the settings of preset `moving-digits`, in "
    f"{ITERATIONS} iterations. `motion` draws strokes that move evenly and bounce, as the digits do: that is "
    "knowledge, and the rows of `frames`, a free network, and of noise say what it is worth.",
)
