"""Recipes for images: of each pair the paper's and ours, and how teachers are trained that nobody publishes."""

from __future__ import annotations

from typing import Any

from teachers import TEACHERS
from zskt.experiments.config import Config

PAPER = Config(
    preset="paper",
    teacher="cifar10-wrn-40-2",
    student="wrn-16-1",
    generator="image",
    pseudo_batches=80_000,
    batch_size=128,
    student_steps=10,
    generator_every=1,
    reuse=False,
    replay=0.0,
    beta=2500.0,
    evaluate_every=1000,
    checkpoint_every=500,
)
"""Micaelli and Storkey's procedure: a fresh batch after the generator's step, ten student steps on it, no replay. Their
beta of 250 weighs a KL divided by the number of classes too: 2 500 on a KL per example where there are 10."""
ZSKT = PAPER.with_(
    preset="zskt",
    reuse=True,
    replay=0.5,
    balance=0.5,
    coverage=2.0,
    certainty=1.0,
    moments=3.0,
    average=0.999,
    beta=0.0,
    pool=16_384,
)
"""Ours, at half the teacher's answers a turn: the student learns from the samples of the generator's step."""


def _pair(
    teacher: str, student: str, turns: int, ours: dict[str, Any] | None = None, **both: Any
) -> tuple[Config, ...]:
    """Both recipes for a teacher and a student; ``ours`` changes the second alone."""
    name = f"{teacher}-to-{student}"
    pair = {"teacher": teacher, "student": student, "pseudo_batches": turns} | both
    beta = 250.0 * len(TEACHERS[teacher].classes)
    return ZSKT.with_(preset=name, **(pair | (ours or {}))), PAPER.with_(preset=f"{name}-paper", beta=beta, **pair)


def _teacher(name: str, epochs: int, **changes: object) -> Config:
    return Config(preset=name, teacher=name, mode="teacher", pseudo_batches=epochs, evaluate_every=1,
                  checkpoint_every=1).with_(**changes)  # fmt: skip


LENET: dict[str, Any] = {
    "pseudo_batches": 1000,
    "student_steps": 32,
    "growth": 1.0,
    "replay": 0.9,
    "balance": 1.0,
    "push": 5.0,
    "coverage": 0.0,
    "certainty": 0.0,
    "moments": 0.0,
    "temperature": 6.0,
    "student_lr": 1e-2,
    "warmup": 0.1,
    "pool": 131_072,
    "checkpoint_every": 500,
}
"""Ours for LeNet-5, which normalises nothing: there are no moments to meet."""

IMAGES: tuple[Config, ...] = (
    *_pair(
        "mnist-lenet5",
        "lenet5-half",
        500,
        LENET | {"generator": "strokes-prior"},
        evaluate_every=0,
        checkpoint_every=100,
    ),
    *_pair(
        "fashion-mnist-lenet5",
        "lenet5-half",
        500,
        LENET | {"generator": "cutouts-prior", "pseudo_batches": 500},
        evaluate_every=0,
        checkpoint_every=100,
    ),
    *_pair(
        "cifar10-resnet20",
        "resnet8",
        700,
        {
            "generator": "things-prior",
            "inherit": True,
            "hint": 10.0,
            "cutmix": 0.5,
            "growth": 1.0,
            "replay": 0.9,
            "balance": 1.0,
            "coverage": 0.0,
            "certainty": 0.0,
            "moments": 0.0,
            "temperature": 4.0,
            "student_lr": 1e-2,
            "warmup": 0.1,
            "average": 0.0,
            "pool": 131_072,
        },
        evaluate_every=50,
        checkpoint_every=50,
    ),
    *(
        config
        for teacher, student in (
            ("wrn-40-2", "wrn-16-1"),
            ("wrn-16-2", "wrn-16-1"),
            ("wrn-40-1", "wrn-16-1"),
            ("wrn-40-1", "wrn-16-2"),
            ("wrn-40-2", "wrn-16-2"),
            ("wrn-40-2", "wrn-40-1"),
            ("resnet34", "resnet18"),
        )
        for config in _pair(f"cifar10-{teacher}", student, 80_000)
    ),
    *_pair("cifar100-wrn-40-2", "wrn-16-1", 80_000),
    *_pair("cifar100-resnet34", "resnet18", 80_000),
    *_pair("svhn-wrn-40-2", "wrn-16-1", 50_000),
    _teacher("mnist-lenet5", 20, student_lr=2e-3, weight_decay=1e-2, augment="shift"),
    _teacher("fashion-mnist-lenet5", 20, student_lr=2e-3, weight_decay=1e-2, augment="shift-mirror"),
    *(
        _teacher(f"{data}-{net}", 200, student_lr=0.1, weight_decay=5e-4, optimizer="sgd", augment=augment)
        for data, net, augment in (
            ("cifar10", "wrn-40-2", "shift-mirror"),
            ("cifar10", "wrn-16-2", "shift-mirror"),
            ("cifar10", "wrn-40-1", "shift-mirror"),
            ("cifar10", "resnet34", "shift-mirror"),
            ("cifar100", "wrn-40-2", "shift-mirror"),
            ("cifar100", "resnet34", "shift-mirror"),
            ("svhn", "wrn-40-2", "shift"),
        )
    ),
)
