"""Jacobian matching with few samples (Srinivas and Fleuret, arXiv:1803.00443, section 6)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from zskt.networks.lenet_vgg import LeNet5
from zskt.systems.digits import digits, some_of_each
from zskt.systems.system import Figures, System, error, learned

COUNTS = (1, 5, 10, 50)
STEPS, BATCH = 500, 64
ARMS: dict[str, dict[str, Any]] = {
    "labels": {"kd_fraction": 0.0},
    "labels and KL": {"kd_fraction": 0.5, "temperature": 4.0},
    "labels, KL and Jacobian": {"kd_fraction": 0.5, "temperature": 4.0, "terms": {"jacobian": 1.0}},
    "labels, KL and attention": {"kd_fraction": 0.5, "temperature": 4.0, "attention_weight": 1000.0},
    "labels, KL, attention and Jacobian": {
        "kd_fraction": 0.5, "temperature": 4.0, "attention_weight": 1000.0, "terms": {"jacobian": 1.0},
    },
}  # fmt: skip
"""What a student learns from."""
EXAMPLES = "{count} a class: {arm}"


def few_samples(seed: int, place: Path | None) -> Figures:
    """Distil LeNet-5 into its half from 1 to 50 images a digit: accuracies on the test images."""
    train, test = digits(place, "train"), digits(place, "test")
    teacher = learned(_lenet(1.0), *train, epochs=2, seed=seed, batch_size=128)
    figures = {"teacher, all images": 1 - error(teacher, *test)}
    for count in COUNTS:
        few = some_of_each(train, count, seed)
        fit = partial(learned, x=few.x, labels=few.labels, epochs=1, student_steps=STEPS, batch_size=BATCH, seed=seed)
        for arm, settings in ARMS.items():
            student = fit(_lenet(0.5), teacher=teacher if settings["kd_fraction"] else None, **settings)
            figures[EXAMPLES.format(count=count, arm=arm)] = 1 - error(student, *test)
    return figures


def _lenet(width: float) -> nn.Module:
    return LeNet5(10, 1, width, 28)


FEW_SAMPLES = System(
    title="Jacobian matching with few samples, MNIST",
    source="Srinivas and Fleuret, arXiv:1803.00443, section 6.1, which has CIFAR-100 and VGG",
    published={"teacher, all images": ""}
    | {EXAMPLES.format(count=count, arm=arm): "" for count in COUNTS for arm in ARMS},
    run=few_samples,
    seeds=3,
    remark="Their claim is of an order: the fewer the samples, the more the Jacobian adds to activations, and nothing "
    "with all of them. The weights were not tuned.",
)
