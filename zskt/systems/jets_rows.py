"""Rows of jets beside three systems of images: a class that was never seen, whom to ask about, true labels.

The teacher is the tagger that ships, the student a `pfn` of a tenth of the preset's steps, as in `jets_response`.
Shapes: N jets, K classes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from zskt.api import distill
from zskt.contracts import Card
from zskt.dataset import Labelled
from zskt.experiments.catalog import Catalog
from zskt.metrics import predict
from zskt.systems.discriminated import SHARE, WEIGHT
from zskt.systems.jets_response import TEACHER, halves, jet_student
from zskt.systems.system import Figures, System

OMITTED = "Tbqq"
"""The class that a transfer set lacks: hadronic tops."""
MOST_BIAS, BIAS_STEP = 6.0, 0.1


def without_tops(seed: int, catalog: Catalog) -> Figures:
    """Distil from jets without tops, and raise the bias of tops on the jets to learn from; shares of the other jets."""
    card = catalog.teachers[TEACHER]
    teacher, k = card.load(), card.classes.index(OMITTED)
    learned, test = halves(card)
    figures: Figures = {"teacher: tops that are found": _found(_logits(teacher, test, card), test.labels, k)}
    for name, data in (("all jets", learned), ("no tops", learned[learned.labels != k])):
        student = jet_student(catalog, card, teacher, seed, "kd", {}, data)
        z = _logits(student, test, card)
        figures[f"{name}: accuracy"] = _accuracy(z, test.labels)
        figures[f"{name}: tops that are found"] = _found(z, test.labels, k)
    held = _logits(student, learned, card)
    steps = torch.arange(0, MOST_BIAS, BIAS_STEP).tolist()
    bias = max(steps, key=lambda b: _accuracy(_raised(held, k, b), learned.labels))
    z = _raised(z, k, bias)
    figures["no tops, bias raised: accuracy"] = _accuracy(z, test.labels)
    figures["no tops, bias raised: tops that are found"] = _found(z, test.labels, k)
    figures["bias raised by"] = bias
    return figures


def _raised(logits: Tensor, k: int, bias: float) -> Tensor:
    return logits + bias * torch.nn.functional.one_hot(torch.tensor(k), logits.shape[1])


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(1) == labels).double().mean())


def _found(logits: Tensor, labels: Tensor, k: int) -> float:
    """Return the share of the jets of a class whose top class it is."""
    return _accuracy(logits[labels == k], labels[labels == k])


def _logits(network: nn.Module, jets: Labelled, card: Card) -> Tensor:
    """Return the answers to all jets, (N, K)."""
    return predict(network, jets, card.inputs, torch.device("cpu")).logits


JETS_WITHOUT_TOPS = System(
    title="A class that the student never saw, jets without hadronic tops",
    source="Hinton, Vinyals and Dean, arXiv:1503.02531, section 3, on digits; jets are this project's",
    published=dict.fromkeys(
        ("teacher: tops that are found",
         *(f"{name}: {figure}" for name in ("all jets", "no tops", "no tops, bias raised")
           for figure in ("accuracy", "tops that are found")),
         "bias raised by"), ""),
    run=without_tops,
    takes_catalog=True,
    seeds=3,
    remark="The teacher that ships, `pfn` students of 300 steps. They learn from its answers to 1 000 jets of the "
    "sample that ships, or to those of them that are no hadronic tops, and are judged on the other 1 000. The bias is "
    "chosen on the jets to learn from, tops among them, by their labels.",
)  # fmt: skip

BATCH, STEPS = 64, 300
SHARES = (1.0, 0.5, 0.25)
QUERIES = (1600, 3200)
ROW = "{queries} queries, share asked {share}: agreement"


def asking(seed: int, catalog: Catalog) -> Figures:
    """Distil with as many student steps from queries about all pseudo-jets, or about the uncertain ones: agreements."""
    card = catalog.teachers[TEACHER]
    teacher = card.load()
    _, test = halves(card)
    answers = _logits(teacher, test, card).argmax(1)
    figures: Figures = {}
    for queries in QUERIES:
        length = queries // BATCH
        for share in SHARES:
            settings = {
                "batch_size": BATCH, "iterations": length, "student_steps": STEPS // length, "generator_every": 0,
                "ask_share": share,
            }  # fmt: skip
            student = jet_student(catalog, card, teacher, seed, "zskt", settings, generator="shower-prior")
            figures[ROW.format(queries=queries, share=share)] = _accuracy(_logits(student, test, card), answers)
    return figures


JETS_ASKING = System(
    title="Asking where the student is uncertain, jets, no data",
    source="Farhadi and Yang, WACV 2020 (TKD), on videos; jets are this project's",
    published={ROW.format(queries=queries, share=share): "" for queries in QUERIES for share in SHARES},
    run=asking,
    takes_catalog=True,
    seeds=3,
    remark=f"The teacher that ships, `pfn` students of {STEPS} steps, pseudo-jets of `shower-prior`; judged on 1 000 "
    "jets of the sample that ships. `ask_share` draws more jets than the teacher is asked about, and keeps those of "
    "which the student's answer has the largest entropy. The share of 1 is a random choice.",
)

LABELLED = 500
ALONE = "student alone"
ARMS: dict[str, dict[str, Any]] = {
    "student, KD": {"kd_fraction": SHARE},
    "student, KD and discriminator": {"kd_fraction": SHARE, "terms": {"discriminator": WEIGHT}},
    "student, labels and discriminator": {"terms": {"discriminator": WEIGHT}},
}


def true_labels(seed: int, catalog: Catalog) -> Figures:
    """Train a student on few labelled jets, beside the teacher and a discriminator or not: accuracies."""
    card = catalog.teachers[TEACHER]
    teacher = card.load()
    learned, test = halves(card)
    few = learned[torch.randperm(len(learned), generator=torch.Generator().manual_seed(seed))[:LABELLED]]
    figures: Figures = {"teacher": _accuracy(_logits(teacher, test, card), test.labels)}
    for arm, settings in ({ALONE: {"kd_fraction": 0.0}} | ARMS).items():
        torch.manual_seed(seed)
        student: nn.Module = catalog.students["pfn"].build(card.inputs, len(card.classes))
        student = distill(
            None if arm == ALONE else teacher, student, data=(*card.inputs(few.samples), few.labels),
            method="supervised", epochs=1, student_steps=STEPS, batch_size=BATCH, seed=seed, progress=False,
            **{"kd_fraction": 0.0} | settings,
        ).student.eval()  # fmt: skip
        figures[arm] = _accuracy(_logits(student, test, card), test.labels)
    return figures


JETS_LABELS = System(
    title=f"KDGAN's discriminator, {LABELLED} labelled jets",
    source="Wang, Zhang, Sun and Qi, NeurIPS 2018, on images; jets are this project's",
    published=dict.fromkeys(("teacher", ALONE, *ARMS), ""),
    run=true_labels,
    takes_catalog=True,
    seeds=5,
    remark=f"The teacher that ships, which learned from other jets; `pfn` students of {STEPS} steps on {LABELLED} jets "
    "of the sample that ships, 50 of each class on average, judged on the other 1 000. The weights are those of the "
    "row of images, and were not tuned.",
)
