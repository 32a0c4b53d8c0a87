"""Presets for images: for each pair the paper's recipe and ours, and how teachers are trained that nobody publishes."""

from __future__ import annotations

from typing import Any

from zskt.experiments.config import RunConfig
from zskt.methods.deepinversion import DeepInversion
from zskt.methods.fast import Fast
from zskt.methods.kd import KD
from zskt.methods.supervised import Supervised
from zskt.methods.zskt import ZSKT

N_CLASSES = {"cifar100": 100}
"""Classes of a data set, where they are not ten."""
PAPER = RunConfig(
    preset="paper",
    teacher="cifar10-wrn-40-2",
    student="wrn-16-1",
    generator="image",
    settings=ZSKT.Config(
        iterations=80_000,
        batch_size=128,
        student_steps=10,
        generator_every=1,
        reuse_generator_batch=False,
        replay_fraction=0.0,
        attention_weight=2500.0,
    ),
    evaluate_every=1000,
    checkpoint_every=500,
)
"""Micaelli and Storkey's procedure: a fresh batch after the generator's step, ten student steps on it, no replay. Their
beta of 250 weighs a KL divided by the number of classes too: 2 500 on a KL per example where there are 10."""
OURS = PAPER.with_(
    preset="zskt",
    reuse_generator_batch=True,
    replay_fraction=0.5,
    replay_balance=0.5,
    class_entropy_weight=2.0,
    confidence_weight=1.0,
    bn_statistics_weight=3.0,
    ema_decay=0.999,
    attention_weight=0.0,
    replay_size=16_384,
)
"""Ours, at half the teacher queries an iteration: the student learns from the samples of the generator's step."""


def _pair(
    teacher: str, student: str, ours: dict[str, Any] | None = None, paper: dict[str, Any] | None = None, **both: Any
) -> tuple[RunConfig, ...]:
    """Make both recipes for a teacher and a student, of the settings of each and of those that are for both."""
    name, pair = f"{teacher}-to-{student}", {"teacher": teacher, "student": student, **both}
    beta = 250.0 * N_CLASSES.get(teacher.partition("-")[0], 10)
    return (
        OURS.with_(preset=name, **pair, **(ours or {})),
        PAPER.with_(preset=f"{name}-paper", attention_weight=beta, **pair, **(paper or {})),
    )


def _teacher(name: str, epochs: int, **settings: Any) -> RunConfig:
    """Make the recipe that trains a teacher on labels."""
    return RunConfig(
        preset=name,
        teacher=name,
        mode="teacher",
        method="supervised",
        settings=Supervised.Config(epochs=epochs, kd_fraction=0.0, **settings),
        evaluate_every=1,
        checkpoint_every=1,
    )


LENET: dict[str, Any] = {
    "iterations": 1000,
    "student_steps": 32,
    "step_growth": 1.0,
    "replay_fraction": 0.9,
    "replay_balance": 1.0,
    "perturbation_radius": 5.0,
    "class_entropy_weight": 0.0,
    "confidence_weight": 0.0,
    "bn_statistics_weight": 0.0,
    "temperature": 6.0,
    "student_lr": 1e-2,
    "warmup": 0.1,
    "replay_size": 131_072,
    "checkpoint_every": 500,
}
"""Ours for LeNet-5, which normalises nothing: there are no statistics to match."""
LENET_PAPER: dict[str, Any] = {"iterations": 500, "checkpoint_every": 100}
"""How long the paper's recipe is for it."""
RESNET8: dict[str, Any] = {
    "init_from_teacher": True,
    "hint_weight": 10.0,
    "cutmix": 0.5,
    "step_growth": 1.0,
    "temperature": 4.0,
    "student_lr": 1e-2,
    "warmup": 0.1,
}
"""How a ResNet-8 learns that begins with the layers of its teacher, a ResNet-20."""
RESNET20: dict[str, Any] = {
    **RESNET8,
    "generator": "things-prior",
    "replay_fraction": 0.9,
    "replay_balance": 1.0,
    "class_entropy_weight": 0.0,
    "confidence_weight": 0.0,
    "bn_statistics_weight": 0.0,
    "ema_decay": 0.0,
    "replay_size": 131_072,
}
"""Ours for the published ResNet-20."""

INVERTING: dict[str, Any] = {
    **RESNET8,
    "batch_size": 128,
    "synthesis_size": 128,
    "one_hot_weight": 0.4,
    "bn_weight": 5.0,
    "bn_distance": "relative",
    "statistics_memory": 0.9,
    "adversarial_weight": 0.0,
    "bank_size": 131_072,
    "bank_balance": 1.0,
    "student_steps": 50,
    "student_optimizer": "adamw",
    "weight_decay": 0.0,
    "max_grad_norm": 5.0,
}
"""What the two inversions of the published ResNet-20 share: few steps each, beside a prior's own images."""
FAST = RunConfig(
    preset="cifar10-resnet20-to-resnet8-fast",
    teacher="cifar10-resnet20",
    student="resnet8",
    method="fast",
    generator="image",
    prior="scenes-prior",
    settings=Fast.Config(
        **INVERTING,
        iterations=200,
        synthesis_steps=8,
        synthesis_warmup=20,
        generator_lr=3e-3,
        reset_first_layer=0,
        prior_share=0.6,
    ),
    evaluate_every=20,
    checkpoint_every=20,
)
"""Images that a meta-initialised generator makes in eight steps, beside those of a prior: each has what the other
lacks. A student that knows its teacher learns from both."""
RETOUCHED = FAST.with_(
    preset="cifar10-resnet20-to-resnet8-deepinversion",
    method="deepinversion",
    generator="scenes-prior",
    settings=DeepInversion.Config(
        **INVERTING,
        iterations=240,
        synthesis_steps=10,
        targets="own",
        synthesis_lr=0.03,
        jitter=2,
        total_variation_weight=0.0,
        prior_share=0.5,
    ),
)
"""Inversion that begins at a prior's images, not at noise: a few steps on their pixels, and the teacher's statistics
are those of photographs. Retouched images and images as they were drawn teach together."""
PHOTOGRAPHS = OURS.with_(
    preset="images",
    teacher="cifar10-resnet20",
    student="resnet8",
    iterations=700,
    evaluate_every=50,
    checkpoint_every=50,
    **(RESNET20 | {"init_from_teacher": False, "hint_weight": 0.0}),
)
RETOUCHED_PHOTOGRAPHS = RETOUCHED.with_(preset="images-deepinversion", init_from_teacher=False, hint_weight=0.0)
CHARACTERS = OURS.with_(
    preset="grey-images",
    teacher="mnist-lenet5",
    student="lenet5-half",
    evaluate_every=0,
    **(LENET | {"generator": "strokes", "iterations": 500, "checkpoint_every": 100}),
)
"""Ours for networks from files, of which nothing is known but the size of their images: the recipes of the published
ResNet-20 without its layers, and of LeNet-5."""
MIXUP = RunConfig(
    preset="mnist-lenet5-to-lenet5-half-mixup",
    mode="kd",
    teacher="mnist-lenet5",
    student="lenet5-half",
    method="kd",
    settings=KD.Config(
        iterations=500,
        student_steps=64,
        batch_size=128,
        mixup=True,
        temperature=1.0,
        student_lr=5e-3,
        weight_decay=1e-4,
    ),
    evaluate_every=50,
    checkpoint_every=50,
)
"""A patient student of a consistent teacher (L. Beyer et al., arXiv:2106.05237): blended images, which both see alike,
and several times the usual length. It learns from the training images."""
IMAGES: tuple[RunConfig, ...] = (
    *_pair(
        "mnist-lenet5",
        "lenet5-half",
        ours={**LENET, "generator": "strokes-prior"},
        paper=LENET_PAPER,
        evaluate_every=0,
    ),
    MIXUP,
    *_pair(
        "fashion-mnist-lenet5",
        "lenet5-half",
        ours={**LENET, "generator": "cutouts-prior", "iterations": 500},
        paper=LENET_PAPER,
        evaluate_every=0,
    ),
    *_pair("cifar10-resnet20", "resnet8", ours=RESNET20, iterations=700, evaluate_every=50, checkpoint_every=50),
    FAST,
    RETOUCHED,
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
        for config in _pair(f"cifar10-{teacher}", student)
    ),
    *(config for student in ("wrn-16-1", "wrn-40-1", "wrn-16-2") for config in _pair("cifar100-wrn-40-2", student)),
    *_pair("cifar100-resnet34", "resnet18"),
    *_pair("svhn-wrn-40-2", "wrn-16-1", iterations=50_000),
    _teacher("mnist-lenet5", 20, student_lr=2e-3, weight_decay=1e-2, augment="shift"),
    _teacher("fashion-mnist-lenet5", 20, student_lr=2e-3, weight_decay=1e-2, augment="shift-mirror"),
    *(
        _teacher(f"{data}-{network}", 30, student_lr=0.2, weight_decay=5e-4, optimizer="one-cycle", augment=augment)
        for data, network, augment in (
            ("cifar10", "wrn-40-2", "shift-mirror"),
            ("cifar10", "wrn-16-2", "shift-mirror"),
            ("cifar10", "wrn-40-1", "shift-mirror"),
            ("cifar10", "resnet34", "shift-mirror"),
            ("cifar100", "wrn-40-2", "shift-mirror"),
            ("cifar100", "resnet34", "shift-mirror"),
            ("svhn", "wrn-40-2", "shift"),
        )
    ),
    PHOTOGRAPHS,
    RETOUCHED_PHOTOGRAPHS,
    CHARACTERS,
)
