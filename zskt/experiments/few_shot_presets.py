"""Recipes of mode ``few-shot``: from the pair of a game to learning from labelled samples."""

from __future__ import annotations

from typing import Any

from teachers import TEACHERS
from zskt.experiments.config import NO_GENERATOR, Config

FEW_SHOT: dict[str, dict[str, Any]] = {
    "images": {
        "optimizer": "sgd",
        "student_lr": 0.1,
        "weight_decay": 5e-4,
        "temperature": 4.0,
        "beta": 1000.0,
        "pseudo_batches": 100,
        "student_steps": 100,
        "augment": "shift-mirror",
    },
    "jets": {"student_lr": 2e-3, "pseudo_batches": 100, "student_steps": 40},
}
"""Of a domain, mode few-shot: KD+AT as Micaelli and Storkey have it, 10 000 steps; for jets without attention."""
_LENET: dict[str, Any] = {"student_lr": 0.03, "pseudo_batches": 40, "student_steps": 50}
OF_DATA: dict[str | None, dict[str, Any]] = {
    "svhn": {"augment": "shift"},
    "mnist": _LENET | {"augment": "shift"},
    "fashion-mnist": _LENET,
}
"""No digit is a mirror image of itself; LeNet-5, which normalises nothing, diverges at 0.1."""
WHOLE: dict[str | None, dict[str, Any]] = {
    "cifar10": {"pseudo_batches": 200, "student_steps": 391},
    "cifar100": {"pseudo_batches": 200, "student_steps": 391},
    "svhn": {"pseudo_batches": 200, "student_steps": 572},
    "mnist": {"pseudo_batches": 20, "student_steps": 469},
    "fashion-mnist": {"pseudo_batches": 20, "student_steps": 469},
}
"""From all images: epochs, and batches of 128 in one."""
_TUNED_LENET = {"student_lr": 1e-3, "beta": 0.0}
FINE_TUNING: dict[str | None, dict[str, Any]] = {"mnist": _TUNED_LENET, "fashion-mnist": _TUNED_LENET}
"""Where the student has learned already: a tenth of the rate, unless something better was found. On MNIST the
attention maps of a few images cost more than they teach; that is taken over for FashionMNIST."""


def few_shot(pair: Config, start: str = "scratch", images_per_class: int = 0) -> Config:
    """The recipe of mode few-shot for the teacher and the student of another recipe."""
    domain, data = TEACHERS[pair.teacher].domain, TEACHERS[pair.teacher].dataset
    settings = FEW_SHOT[domain] | OF_DATA.get(data, {})
    if not images_per_class:
        settings = settings | WHOLE.get(data, {})
    if start != "scratch":
        settings = settings | {"student_lr": 0.1 * settings["student_lr"]} | FINE_TUNING.get(data, {})
    return Config(
        preset=pair.preset,
        mode="few-shot",
        teacher=pair.teacher,
        student=pair.student,
        generator=NO_GENERATOR,
        evaluate_every=0,
        start=start,
        images_per_class=images_per_class,
    ).with_(**settings)
