"""Mode ``compress``: the student of an earlier run made smaller, healed, and measured before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zskt.contracts import Batch, Card
from zskt.errors import UserError
from zskt.experiments.build import build_student, load_student
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.finished import read_config
from zskt.experiments.preparation import N_CALIBRATION, first_samples
from zskt.methods import Method, Setup
from zskt.networks.compression import Compression, calibrate_inputs, compressed
from zskt.networks.compression.compressed import zeros
from zskt.networks.compression.operations import count_operations
from zskt.networks.own_student import largest_samples
from zskt.networks.students import count_parameters

UNHEALED = "unhealed_"
"""Prefix of the counters that hold what the smaller student was worth before it learned."""


def start_smaller(config: RunConfig, card: Card, catalog: Catalog, start: Path | None) -> nn.Module:
    """Load the student of an earlier run, and make it smaller.

    Raises:
        UserError: if there is none, or its architecture does not allow what is asked for.
    """
    if start is None:
        raise UserError("--mode compress: say which run: --run runs/NAME")
    begun, _ = read_config(start)
    student = load_student(start, begun, catalog)
    small = compressed(student, Compression(**config.compression), config.student)
    build_student(config, card, catalog)  # the generator goes on with the random stream that this leaves
    return small


def begin_healing(method: Method, setup: Setup, evaluator: Evaluator) -> None:
    """Set the ranges of quantised numbers on pseudo-samples, and measure the student before it learns.

    A run that goes on has both in its checkpoint.
    """
    student, state = setup.pair.student, method.state
    if state.step:
        return
    calibrate_inputs(student, first_samples(setup, N_CALIBRATION))
    for name, value in evaluator.monitor(student).items():
        if value is not None:
            state.counters[UNHEALED + name.removeprefix("test/")] = value


@torch.no_grad()
def compression_entry(
    config: RunConfig, card: Card, catalog: Catalog, student: nn.Module, counters: Mapping[str, float]
) -> dict[str, Any]:
    """Return the entry of ``result.json``: what was asked, and what both students have and cost a sample.

    Those with ``_before`` are of the student that was made smaller, ``unhealed_`` of the smaller one before it learned.
    ``luts`` estimates what a fully unrolled design takes in an FPGA, LUTs + 55 DSPs; None where nothing is quantised.
    """
    whole = build_student(replace(config, channels=1.0, rank=1.0, bits=32, sparsity=0.0), card, catalog)
    x: Batch = largest_samples(card.inputs, 1)
    before = count_operations(whole, x)
    after = count_operations(student, tuple(t.to(next(student.parameters()).device) for t in x))
    entry: dict[str, Any] = {name: getattr(config, name) for name in ("channels", "rank", "bits", "sparsity")}
    entry |= {"parameters_before": count_parameters(whole), "parameters": count_parameters(student)}
    entry |= {"zeros": zeros(student), "macs_before": before.macs, "macs": after.macs}
    entry |= {"bit_operations_before": before.bit_operations, "bit_operations": after.bit_operations}
    entry |= {"luts": after.effective_bit_operations}
    return entry | {name: value for name, value in counters.items() if name.startswith(UNHEALED)}
