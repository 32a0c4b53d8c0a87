"""Older names of settings and of entries of results, so that recorded runs stay readable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SETTING_ALIASES: dict[str, str] = {
    "pseudo_batches": "iterations",
    "growth": "step_growth",
    "pool": "replay_size",
    "replay": "replay_fraction",
    "balance": "replay_balance",
    "fresh": "resample_each_step",
    "reuse": "reuse_generator_batch",
    "beta": "attention_weight",
    "hint": "hint_weight",
    "regression": "regression_weight",
    "coverage": "class_entropy_weight",
    "certainty": "confidence_weight",
    "moments": "bn_statistics_weight",
    "push": "perturbation_radius",
    "average": "ema_decay",
    "clip": "max_grad_norm",
    "inherit": "init_from_teacher",
    "alpha": "kd_fraction",
    "images_per_class": "samples_per_class",
    "start": "init_from_run",
}
"""Old name of a setting -> its name today. What supervised modes recorded as ``pseudo_batches`` are epochs: the reader
of a configuration, and `zskt.experiments.result.upgrade`, call it so in mode ``teacher``."""

RESULT_ALIASES: dict[str, str] = {
    "teacher_answers": "teacher_queries",
    "ms_per_jet": "ms_per_sample",
    "ms_per_image": "ms_per_sample",
    "jets": "count",
    "images": "count",
}
"""Old name of an entry of ``result.json`` (or of ``evaluate-*.json``, ``transition-*.json``) -> its name today."""


def rename(values: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """Return the values under today's names, in their order; other names stay."""
    return {aliases.get(name, name): value for name, value in values.items()}
