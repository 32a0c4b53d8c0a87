"""Recipes of mode ``few-shot``: from a preset of distillation to learning from labelled samples."""

from __future__ import annotations

from typing import Any

from zskt.contracts import Card
from zskt.experiments.config import RunConfig
from zskt.methods.supervised import Supervised

OF_DOMAIN: dict[str, dict[str, Any]] = {
    "images": {
        "optimizer": "sgd",
        "student_lr": 0.1,
        "weight_decay": 5e-4,
        "temperature": 4.0,
        "attention_weight": 1000.0,
        "epochs": 100,
        "student_steps": 100,
        "augment": "shift-mirror",
    },
    "jets": {"student_lr": 2e-3, "epochs": 100, "student_steps": 40},
}
"""KD+AT as Micaelli and Storkey have it, 10 000 steps; for jets without attention."""
_LENET: dict[str, Any] = {"student_lr": 0.03, "epochs": 40, "student_steps": 50}
OF_DATASET: dict[str | None, dict[str, Any]] = {
    "svhn": {"augment": "shift"},
    "mnist": _LENET | {"augment": "shift"},
    "fashion-mnist": _LENET,
}
"""No digit is a mirror image of itself; LeNet-5, which normalises nothing, diverges at 0.1."""
ALL_SAMPLES: dict[str | None, dict[str, Any]] = {
    "cifar10": {"epochs": 200, "student_steps": 391},
    "cifar100": {"epochs": 200, "student_steps": 391},
    "svhn": {"epochs": 200, "student_steps": 572},
    "mnist": {"epochs": 20, "student_steps": 469},
    "fashion-mnist": {"epochs": 20, "student_steps": 469},
}
"""From all images: epochs, and batches of 128 in one."""
_FINE_TUNED_LENET = {"student_lr": 1e-3, "attention_weight": 0.0}
FINE_TUNING: dict[str | None, dict[str, Any]] = {"mnist": _FINE_TUNED_LENET, "fashion-mnist": _FINE_TUNED_LENET}
"""Where the student has learned already: a tenth of the rate, unless something better was found. On MNIST the
attention maps of a few images cost more than they teach; that is taken over for FashionMNIST."""


def few_shot(preset: RunConfig, card: Card, init_from_run: str = "scratch", samples_per_class: int = 0) -> RunConfig:
    """Return the recipe of mode few-shot for the teacher and the student of another recipe.

    Args:
        card: the teacher's, whose domain and data set decide.
        init_from_run: the recipe of the run whose student is where this one begins.
        samples_per_class: M; 0 takes all samples.
    """
    settings = OF_DOMAIN.get(card.domain, OF_DOMAIN["jets"]) | OF_DATASET.get(card.dataset, {})
    if not samples_per_class:
        settings = settings | ALL_SAMPLES.get(card.dataset, {})
    if init_from_run != "scratch":
        settings = settings | {"student_lr": 0.1 * settings["student_lr"]} | FINE_TUNING.get(card.dataset, {})
    return RunConfig(
        preset=preset.preset,
        mode="few-shot",
        teacher=preset.teacher,
        student=preset.student,
        method="supervised",
        settings=Supervised.Config(init_from_run=init_from_run, samples_per_class=samples_per_class, **settings),
        evaluate_every=0,
    )
