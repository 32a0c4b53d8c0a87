"""Whom to ask about: the teacher answers those samples of a stream of which the student is least certain (TKD)."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from zskt.api import distill, evaluate
from zskt.experiments.catalog import Catalog
from zskt.frames.moving_digits import INPUTS
from zskt.systems.moving import network, sequences
from zskt.systems.system import Figures, System

TEACHER = "moving-digits-gru"
N_STREAM, N_TEST = 12_000, 2000
SHARES = (1.0, 0.5, 0.25)
BATCH, STEPS = 64, 400
QUERIES = {"a stream of data": (1600, 3200), "a prior, no data": (1600,)}
"""Where samples come from -> how many of them the teacher answers."""
ROW = "{source}, {queries} queries, share asked {share}: agreement"


def asking(seed: int, catalog: Catalog) -> Figures:
    """Distil with as many student steps, from fewer queries of all samples or of the uncertain ones: agreements."""
    teacher = catalog.teachers[TEACHER].load()
    stream, _ = sequences("train", N_STREAM, seed)
    test, labels = sequences("test", N_TEST, seed)

    def draw(count: int, rng: torch.Generator) -> Tensor:
        return stream[torch.randint(len(stream), (count,), generator=rng)]

    sources: dict[str, Any] = {
        "a stream of data": draw,
        "a prior, no data": catalog.generators["motion-prior"].build(INPUTS),
    }
    fit = partial(
        distill, teacher, method="zskt", batch_size=BATCH, step_growth=1.0, generator_every=0, replay_fraction=0.9,
        student_lr=5e-3, seed=seed, progress=False,
    )  # fmt: skip
    figures: Figures = {}
    for source, budgets in QUERIES.items():
        for queries in budgets:
            length = queries // BATCH
            for share in SHARES:
                run = fit(network(), generator=sources[source], iterations=length, student_steps=STEPS // length,
                          ask_share=share)  # fmt: skip
                row = ROW.format(source=source, queries=queries, share=share)
                figures[row] = evaluate(run.student, teacher, (test, labels))["agreement"]
    return figures


ASKING = System(
    title="Asking where the student is uncertain, moving digits",
    source="Farhadi and Yang, WACV 2020 (TKD), whose videos (YouTube-Objects, Hollywood scenes) are not repeated",
    published={
        ROW.format(source=source, queries=queries, share=share): ""
        for source, budgets in QUERIES.items()
        for queries in budgets
        for share in SHARES
    },
    run=asking,
    takes_catalog=True,
    seeds=3,
    remark="Theirs asks about key frames of a stream, and reports frames a second. Here `ask_share` draws more samples "
    "than the teacher is asked about, and keeps those of which the student's answer has the largest entropy. Each run "
    f"has {STEPS} student steps; the share of 1 is a random choice. The teacher ships with zskt.",
)
