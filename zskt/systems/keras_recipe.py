"""The example of knowledge distillation in Keras's documentation, on MNIST."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from zskt.systems.digits import digits
from zskt.systems.system import Figures, System, error, learned

TEACHER, STUDENT = (256, 512), (16, 32)
"""Channels of both convolutions."""
TEACHER_EPOCHS, STUDENT_EPOCHS, BATCH, RATE = 5, 3, 64, 1e-3
TEACHERS_SHARE, TEMPERATURE = 0.9, 10.0


def convolutions(channels: tuple[int, int]) -> nn.Module:
    """Build their network of two convolutions of stride 2, the second without activation: (N, 1, 28, 28) -> (N, 10)."""
    first, second = channels
    return nn.Sequential(
        nn.Conv2d(1, first, 3, 2, 1), nn.LeakyReLU(0.2), nn.ReplicationPad2d((0, 1, 0, 1)), nn.MaxPool2d(2, 1),
        nn.Conv2d(first, second, 3, 2, 1), nn.Flatten(), nn.Linear(49 * second, 10),
    )  # fmt: skip


def keras(seed: int, place: Path | None) -> Figures:
    """Train the teacher, distil the student, and train it from scratch: accuracies on the test images."""
    train, test = digits(place, "train"), digits(place, "test")
    fit = partial(
        learned, x=train.x, labels=train.labels, batch_size=BATCH, seed=seed, student_lr=RATE, precision="bf16"
    )
    teacher = fit(convolutions(TEACHER), epochs=TEACHER_EPOCHS)
    student = fit(
        convolutions(STUDENT), epochs=STUDENT_EPOCHS, teacher=teacher, kd_fraction=TEACHERS_SHARE,
        temperature=TEMPERATURE,
    )  # fmt: skip
    scratch = fit(convolutions(STUDENT), epochs=STUDENT_EPOCHS)
    networks = {"teacher": teacher, "from scratch": scratch, "distilled": student}
    return {name: 1 - error(network, *test) for name, network in networks.items()}


KERAS = System(
    title="Keras's example of knowledge distillation, MNIST",
    source="keras.io, examples/vision/knowledge_distillation, its stored log",
    published={"teacher": "0.978", "from scratch": "0.978", "distilled": "0.969"},
    run=keras,
    seeds=3,
    by_default=False,
    remark="The figures are those of the log, in which the distilled student is the worst of the three; the prose "
    "around it promises the contrary. Convolutions pad both sides alike where Keras pads one; the rate falls by a "
    "cosine where theirs is constant. Networks compute in bf16, where theirs are float32.",
)
