"""A deep and thin student with tied gates beside a wide and shallow one (Lu, Guo and Renals, arXiv:1608.00892)."""

from __future__ import annotations

from typing import Any

import torch

from zskt.experiments.catalog import Catalog
from zskt.metrics import compare, predict
from zskt.networks.students import count_parameters
from zskt.systems.jets_response import TEACHER, halves, jet_student
from zskt.systems.system import Figures, System

STUDENTS = ("pfn", "pfn-highway")
ARMS: dict[str, dict[str, Any]] = {
    "KL": {},
    "KL and attention": {"attention_weight": 100.0},
    "KL and hints": {"hint_weight": 1.0},
}
"""What a student learns from beside its teacher's probabilities."""


def highway(seed: int, catalog: Catalog) -> Figures:
    """Distil the teacher that ships into both students, without data: agreement and KL on the sample's jets."""
    card = catalog.teachers[TEACHER]
    teacher, (_, test), cpu = card.load(), halves(card), torch.device("cpu")
    answers = predict(teacher, test, card.inputs, cpu)
    figures: Figures = {}
    for name in STUDENTS:
        for arm, settings in ARMS.items():
            student = jet_student(catalog, card, teacher, seed, "zskt", settings, student=name)
            figures[f"{name}: parameters"] = count_parameters(student)
            scores = compare(answers, predict(student, test, card.inputs, cpu), card.values, card.gaussians)
            figures[f"{name}, {arm}: agreement"] = float(scores["agreement"] or 0.0)
            figures[f"{name}, {arm}: KL, nats"] = float(scores["kl"] or 0.0)
    return {name: figures[name] for name in HIGHWAY.published}


HIGHWAY = System(
    title="Highway networks on jets, no data",
    source="Lu, Guo and Renals, arXiv:1608.00892, whose students of speech cannot be repeated here: AMI and Kaldi",
    published={f"{name}: parameters": "" for name in STUDENTS}
    | {f"{name}, {arm}: {figure}": "" for name in STUDENTS for arm in ARMS for figure in ("agreement", "KL, nats")},
    run=highway,
    takes_catalog=True,
    seeds=3,
    remark="Zero-shot distillation of the teacher that ships, 300 steps of 128 jets, an eighth of preset "
    "`jets-embedded`, judged on 1 000 jets of the sample. Attention and hints are those of the teacher's last block; "
    "hints pass a learned 1 x 1 regressor, as no width is the teacher's. The weights, 100 and 1, were not tuned.",
)
