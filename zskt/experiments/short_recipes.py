"""Other methods at lengths that two cores can play: their papers' lengths are for a GPU.

What changes is how long, in what batches, and that the student takes AdamW at 2e-3, as ours does: gradient descent at
0.1 needs the papers' lengths. Some weights and temperatures are not the papers' either: the remark of each recipe names
them, beside the paper's (`zskt.experiments.method_recipes.remark`). Nothing here was chosen on test samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

DAFL: Mapping[str, Any] = {"class_entropy_weight": 5.0}
"""The code's weight taken for one in nats, in which all recorded runs are: 2.3 times what the code has."""
PHOTOGRAPHS: Mapping[str, Mapping[str, Any]] = {
    "dafl": DAFL,
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
"""For ResNet-20 to ResNet-8."""
LENET: Mapping[str, Any] = {"batch_size": 64, "bn_weight": 0.0}
"""LeNet-5 normalises nothing: there are no statistics to match."""
CHARACTERS: Mapping[str, Mapping[str, Any]] = {
    "dafl": DAFL,
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
    "dafl": DAFL,
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
weight of 1 one process is left."""
NUMBERS: Mapping[str, Any] = {"batch_size": 256, "bn_weight": 0.0}
VECTORS: Mapping[str, Mapping[str, Any]] = {
    "dafl": {**DAFL, "batch_size": 256, "feature_weight": 0.0},
    "dfad": {**JETS["dfad"], "batch_size": 256, "adversarial_weight": 1.0},
    "dfq": {**JETS["dfq"], **NUMBERS},
    "adadfkd": {**JETS["adadfkd"], **NUMBERS, "curriculum_unit": "first loss"},
    "pre-dfkd": {**JETS["pre-dfkd"], "batch_size": 256, "feature_weight": 0.0},
    "nayer": {**JETS["nayer"], **NUMBERS},
}
"""Few networks on vectors normalise anything, or name layers whose features count."""

INVERSION: Mapping[str, Any] = {
    "student_optimizer": "adamw",
    "weight_decay": 0.0,
    "augment": "none",
    "batch_size": 128,
    "step_growth": 1.0,
    "warmup": 0.1,
    "synthesis_size": 128,
}
"""The student's side of inversion methods, and how many samples a synthesis makes."""
_PHOTOGRAPHS: Mapping[str, Any] = {**INVERSION, "student_lr": 1e-2, "temperature": 4.0, "bank_balance": 1.0}
INVERTED_PHOTOGRAPHS: Mapping[str, Mapping[str, Any]] = {
    "fast": {
        **_PHOTOGRAPHS,
        "iterations": 150,
        "synthesis_steps": 5,
        "synthesis_warmup": 12,
        "generator_lr": 3e-3,
        "student_steps": 60,
        "reset_first_layer": 83,
    },
    "deepinversion": {
        **_PHOTOGRAPHS,
        "iterations": 120,
        "synthesis_steps": 20,
        "synthesis_lr": 0.05,
        "bn_weight": 1.0,
        "adversarial_weight": 1.0,
        "student_steps": 60,
    },
    "cmi": {**_PHOTOGRAPHS, "iterations": 16, "synthesis_steps": 40, "generator_lr": 5e-3, "student_steps": 500},
}
"""For ResNet-20 to ResNet-8. DeepInversion begins with the preset's prior."""
_CHARACTERS: Mapping[str, Any] = {
    **INVERSION,
    "student_lr": 1e-2,
    "temperature": 6.0,
    "bn_weight": 0.0,
    "bank_balance": 1.0,
    "synthesis_steps": 5,
    "student_steps": 40,
    "iterations": 400,
    "targets": "own",
}
INVERTED_CHARACTERS: Mapping[str, Mapping[str, Any]] = {
    "fast": {**_CHARACTERS, "synthesis_warmup": 2, "generator_lr": 5e-3, "latent_lr": 1.5e-2, "reset_first_layer": 0},
    "deepinversion": {
        **_CHARACTERS,
        "synthesis_lr": 0.05,
        "total_variation_weight": 0.0,
        "adversarial_weight": 10.0,
    },
    "cmi": {**_CHARACTERS, "generator_lr": 5e-3},
}
_JETS: Mapping[str, Any] = {
    **INVERSION,
    "warmup": 0.0,
    "student_lr": 2e-3,
    "temperature": 1.0,
    "max_grad_norm": 5.0,
    "bn_weight": 0.0,
    "bank_balance": 0.5,
    "targets": "own",
    "synthesis_steps": 2,
    "student_steps": 40,
    "iterations": 200,
}
INVERTED_JETS: Mapping[str, Mapping[str, Any]] = {
    "fast": {**_JETS, "synthesis_warmup": 4, "generator_lr": 5e-3, "latent_lr": 1.5e-2, "reset_first_layer": 0},
    "deepinversion": {**_JETS, "synthesis_steps": 4, "synthesis_lr": 0.05, "adversarial_weight": 3.0},
    "cmi": {**_JETS, "synthesis_steps": 4, "generator_lr": 5e-3},
}
"""What a process makes is decided before z: the class that is asked for is the one that the teacher sees anyway."""
INVERTED_VECTORS: Mapping[str, Mapping[str, Any]] = {
    name: {**settings, "targets": "uniform", "synthesis_steps": 10} for name, settings in INVERTED_JETS.items()
}


@dataclass(frozen=True, kw_only=True)
class ShortRecipes:
    """Recipes that hold in one place."""

    methods: Mapping[str, Mapping[str, Any]]
    """Method -> what it changes in its own settings."""
    summary: str
    generators: Mapping[str, str]
    """Method -> its generator, where that is not the one that trained generators take."""


SHORT: Mapping[str, ShortRecipes] = {
    "images": ShortRecipes(
        methods={**PHOTOGRAPHS, **INVERTED_PHOTOGRAPHS},
        summary="lengths reckoned for 20 minutes of ResNet-20 on two cores; not run at them",
        generators={"deepinversion": "things-prior"},
    ),
    "mnist-lenet5-to-lenet5-half": ShortRecipes(
        methods={**CHARACTERS, **INVERTED_CHARACTERS},
        summary="lengths reckoned for 20 minutes on two cores; not run at them",
        generators={"deepinversion": "strokes-prior", "fast": "strokes", "cmi": "strokes"},
    ),
    "fashion-mnist-lenet5-to-lenet5-half": ShortRecipes(
        methods={
            **CHARACTERS,
            **INVERTED_CHARACTERS,
            **{name: {**INVERTED_CHARACTERS[name], "targets": "uniform"} for name in ("fast", "cmi")},
        },
        summary="lengths reckoned for 20 minutes on two cores; not run at them",
        generators={"deepinversion": "cutouts-prior"},
    ),
    "grey-images": ShortRecipes(
        methods={**CHARACTERS, **INVERTED_CHARACTERS},
        summary="lengths reckoned for 20 minutes on two cores; not run at them",
        generators={"deepinversion": "strokes-prior", "fast": "strokes", "cmi": "strokes"},
    ),
    "jets": ShortRecipes(
        methods={**JETS, **INVERTED_JETS},
        summary="lengths reckoned for 20 minutes on two cores; tried for seconds with the teacher that ships",
        generators={"deepinversion": "shower-prior"},
    ),
    "vectors": ShortRecipes(
        methods={**VECTORS, **INVERTED_VECTORS},
        summary="tried at nine seconds a run, three seeds (docs/results/digits-table.md)",
        generators={},
    ),
}
"""Recipes by the place where they hold: see `zskt.experiments.method_recipes`."""
