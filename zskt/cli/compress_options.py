"""From the flags of mode ``compress`` to a run: the recipe of an earlier run, for a smaller student."""

from __future__ import annotations

import argparse
from pathlib import Path

from zskt.errors import UserError, lookup
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.finished import read_config
from zskt.experiments.presets import for_mode

SMALLER = ("channels", "rank", "bits", "sparsity")
"""Flags that say how much smaller a student is to become, and fields of `RunConfig`."""


def from_run_smaller(flags: argparse.Namespace, catalog: Catalog, run: Path) -> RunConfig:
    """Return the recipe by which the student of a finished run is healed: that of the run, or of its preset.

    A run that learned from data takes the data-free recipe of its preset.

    Raises:
        UserError: if the run has no student to make smaller, or nothing says how much.
    """
    if all(getattr(flags, name) is None for name in SMALLER):
        raise UserError("--mode compress: say how much smaller: --channels 0.5, --rank 0.5, --bits 6 or --sparsity 0.8")
    begun, _ = read_config(run)
    if begun.mode == "teacher":
        raise UserError(
            f"--run {run}: trained a teacher, and nobody answers for it; give a run that distilled a student"
        )
    if begun.compression:
        raise UserError(
            f"--run {run}: its student is a smaller one already; give the run that it came from, and all at once"
        )
    if begun.mode != "zero-shot":
        preset = lookup(catalog.presets, begun.preset, "preset")
        same = {
            "teacher": begun.teacher,
            "student": begun.student,
            "seed": begun.seed,
            "view": begun.view,
            **begun.selection,
        }
        begun = for_mode(preset, "zero-shot", catalog.card(begun)).with_(**same)
    return begun.with_(mode="compress")
