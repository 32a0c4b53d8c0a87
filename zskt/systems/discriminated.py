"""KDGAN with fifty labelled images (Wang, Zhang, Sun and Qi, NeurIPS 2018)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from zskt.networks.lenet_vgg import LeNet5
from zskt.systems.digits import digits, perceptron, some
from zskt.systems.system import Figures, System, error, learned

LABELLED, STEPS, BATCH = 50, 1000, 25
SHARE, TEMPERATURE, WEIGHT = 0.7, 3.0, 1.0
"""Share of the teacher and temperature, as in the authors' code; the discriminator's term as the objective has it."""
WIDTHS = (100, 100)
ALONE = "student alone"
ARMS: dict[str, dict[str, Any]] = {
    "student, KD": {"kd_fraction": SHARE, "temperature": TEMPERATURE},
    "student, KD and discriminator": {
        "kd_fraction": SHARE,
        "temperature": TEMPERATURE,
        "terms": {"discriminator": WEIGHT},
    },
    "student, labels and discriminator": {"terms": {"discriminator": WEIGHT}},
}
"""What a student learns from beside its teacher."""


def fifty_labels(seed: int, place: Path | None) -> Figures:
    """Distil LeNet-5 into a perceptron from 50 images: accuracies on the test images."""
    few, test = some(digits(place, "train"), LABELLED, seed), digits(place, "test")
    fit = partial(learned, x=few.x, labels=few.labels, epochs=1, student_steps=STEPS, batch_size=BATCH, seed=seed)
    teacher = fit(LeNet5(10, 1, 1.0, 28))
    figures = {"teacher, LeNet-5": 1 - error(teacher, *test)}
    figures[ALONE] = 1 - error(fit(perceptron(784, WIDTHS)), *test)
    for arm, settings in ARMS.items():
        figures[arm] = 1 - error(fit(perceptron(784, WIDTHS), teacher=teacher, **settings), *test)
    return figures


KDGAN = System(
    title="KDGAN, MNIST with 50 labelled images",
    source="Wang, Zhang, Sun and Qi, NeurIPS 2018; logs of the authors' code",
    published={"teacher, LeNet-5": "0.65", ALONE: "0.537"} | dict.fromkeys(ARMS, ""),
    run=fifty_labels,
    seeds=10,
    remark="Theirs is a student of unknown widths with dropout and a teacher that learns together with it, on images "
    "moved at random; ours is a perceptron of 2 x 100 units, a frozen teacher, no augmentation, 1 000 steps each. Both "
    "expectations over labels are exact here, where the paper draws them. The weights were not tuned.",
)
