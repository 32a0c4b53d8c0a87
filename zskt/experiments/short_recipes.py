"""Other methods at lengths that two cores can play: their papers' lengths are for a GPU.

Weights are the papers' unless a line says otherwise; what changes is how long, in what batches, and that the student
takes AdamW at 2e-3, as ours does: gradient descent at 0.1 needs the papers' lengths. Nothing here was chosen on test
samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STUDENT: Mapping[str, Any] = {
    "student_optimizer": "adamw",
    "student_lr": 2e-3,
    "weight_decay": 0.0,
    "schedule": "cosine",
    "max_grad_norm": 5.0,
    "batch_size": 128,
}
"""The student's side of generative methods."""

PHOTOGRAPHS: Mapping[str, Mapping[str, Any]] = {
    "dfad": {**STUDENT, "iterations": 500, "generator_schedule": "cosine"},
    "dfq": {**STUDENT, "iterations": 480, "generator_warmup": 40, "student_steps": 5, "temperature": 4.0},
    "adadfkd": {**STUDENT, "iterations": 480, "student_steps": 5, "temperature": 4.0},
    "pre-dfkd": {**STUDENT, "iterations": 300, "student_steps": 5, "memory_steps": 1, "generator_lr": 1e-3},
    "nayer": {
        **STUDENT,
        "iterations": 60,
        "synthesis_warmup": 8,
        "warmup_loops": 3,
        "loops": 1,
        "generator_steps": 15,
        "synthesis_batch_size": 100,
        "student_steps": 60,
        "bank_size": 16_384,
    },
}
"""About 20 minutes for ResNet-20 to ResNet-8."""
LENET: Mapping[str, Any] = {"batch_size": 64, "bn_weight": 0.0}
"""LeNet-5 normalises nothing: there are no statistics to match."""
CHARACTERS: Mapping[str, Mapping[str, Any]] = {
    "dfad": {**PHOTOGRAPHS["dfad"], "iterations": 2000, "batch_size": 64},
    "dfq": {**PHOTOGRAPHS["dfq"], **LENET, "iterations": 1900},
    "adadfkd": {**PHOTOGRAPHS["adadfkd"], **LENET, "iterations": 1900},
    "pre-dfkd": {**PHOTOGRAPHS["pre-dfkd"], "iterations": 1200, "batch_size": 64},
    "nayer": {**PHOTOGRAPHS["nayer"], **LENET, "iterations": 240, "augment": "shift"},
}
"""Characters are not mirrored."""
WEAK: Mapping[str, Any] = {"bn_weight": 0.01, "one_hot_weight": 0.1, "class_entropy_weight": 2.0}
"""The physics makes jets that the teacher knows; larger weights leave few of its processes."""
JETS: Mapping[str, Mapping[str, Any]] = {
    "dfad": {**PHOTOGRAPHS["dfad"], "iterations": 1000, "adversarial_weight": 0.03},
    "dfq": {**STUDENT, **WEAK, "iterations": 900, "generator_warmup": 5, "student_steps": 5},
    "adadfkd": {**STUDENT, **WEAK, "iterations": 900, "student_steps": 5, "temperature": 4.0},
    "pre-dfkd": {**STUDENT, "iterations": 700, "student_steps": 5, "generator_lr": 1e-3, "class_entropy_weight": 2.0},
    "nayer": {
        **STUDENT,
        "iterations": 200,
        "synthesis_warmup": 10,
        "warmup_loops": 2,
        "loops": 2,
        "generator_steps": 4,
        "synthesis_batch_size": 256,
        "student_steps": 60,
        "bank_size": 65_536,
        "temperature": 1.0,
        "bn_weight": 0.0,
    },
}
"""DFAD's weight: logits differ by ten, the price of leaving the prior's mix of processes is in nats. At the paper's
weight of 1 one process is left, and agreement is 0.24 instead of 0.60 after 40 s."""
NUMBERS: Mapping[str, Any] = {"batch_size": 256, "bn_weight": 0.0}
VECTORS: Mapping[str, Mapping[str, Any]] = {
    "dfad": {**JETS["dfad"], "batch_size": 256, "adversarial_weight": 1.0},
    "dfq": {**JETS["dfq"], **NUMBERS},
    "adadfkd": {**JETS["adadfkd"], **NUMBERS},
    "pre-dfkd": {**JETS["pre-dfkd"], "batch_size": 256, "feature_weight": 0.0},
    "nayer": {**JETS["nayer"], **NUMBERS},
}
"""Few networks on vectors normalise anything."""

SHORT: Mapping[str, tuple[Mapping[str, Mapping[str, Any]], str]] = {
    "images": (PHOTOGRAPHS, "20 minutes on two cores for ResNet-20; the paper's weights"),
    "mnist-lenet5-to-lenet5-half": (CHARACTERS, "20 minutes on two cores; the paper's weights, no statistics"),
    "fashion-mnist-lenet5-to-lenet5-half": (CHARACTERS, "20 minutes on two cores; the paper's weights, no statistics"),
    "grey-images": (CHARACTERS, "20 minutes on two cores; the paper's weights, no statistics"),
    "jets": (JETS, "20 minutes on two cores for the teacher that ships; weights compared in runs of 40 s"),
    "vectors": (VECTORS, "a few minutes; the weights of jets"),
}
"""Where recipes hold -> settings of each method, and what to say of them."""
