"""What is done before a run begins, from the command line and from Python: a few samples tell whether all fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.dataset import drawn_rows
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.forward import evaluating, forward
from zskt.methods import Method, Setup
from zskt.methods.student import require_comparable
from zskt.terminal import note, note_once

N_CALIBRATION = 512
"""Samples on which parts of a student are calibrated."""
BUDGET_SHARE = 10
"""Of a budget of queries, one part in so many may be spent on that."""
N_CHECK = 16
"""Samples on which networks are tried before a run begins."""


@torch.no_grad()
def first_samples(setup: Setup, count: int) -> Batch:
    """Take a few samples of what the student will learn from, from a random stream of their own.

    Returns:
        What the networks are called with: tensors (count, ...), fewer where there are fewer data.
    """
    if setup.shards is not None:
        return tuple(t.to(setup.device) for t in setup.shards.first(count))
    if setup.data is not None:
        assert setup.inputs is not None
        return tuple(t.to(setup.device) for t in setup.inputs(setup.data[drawn_rows(len(setup.data), count)].samples))
    assert setup.generator is not None
    return setup.generator.draw(count, torch.Generator(setup.device).manual_seed(0)).x


@torch.no_grad()
def require_fit(method: Method, setup: Setup, x: Batch | None = None) -> None:
    """See that the terms of the loss have something to compare; modes and random streams stay as they were.

    What terms learn themselves is built here, and becomes part of the method's state.

    Args:
        x: samples to try, (B, ...) each; by default few that are drawn. A user's iterator gives each of its own once.

    Raises:
        UserError: if a term compares layers that the networks do not name, or that differ in shape.
    """
    if not any(t.needs_layers or t.needs_gradient or t.probe or t.needs_preparation for t in method.terms):
        return
    with evaluating(setup.pair.teacher, setup.pair.student, setup.generator):
        require_comparable(
            method.terms, setup.pair, first_samples(setup, N_CHECK) if x is None else x, setup.inputs, setup.seed
        )
    parts = {f"term.{i}": term.part for i, term in enumerate(method.terms)}
    method.state.parts |= {name: part for name, part in parts.items() if part is not None}


def calibrate(setup: Setup) -> None:
    """Calibrate those parts of a student that have a method ``calibrate``, on the first samples, before a run begins.

    A part says by its attribute ``calibrates_on`` what it is given: the regressed "values" of the teacher, for which a
    budget pays a tenth at most; or its own "inputs", which the student passes on to it.

    Raises:
        UserError: if a budget does not pay for two samples.
    """
    parts: list[Any] = [module for module in setup.pair.student.modules() if hasattr(module, "calibrates_on")]
    on_inputs = [part for part in parts if part.calibrates_on == "inputs"]
    if on_inputs:
        _calibrate_on_inputs(on_inputs, setup)
    for part in parts:
        if part.calibrates_on == "values":
            part.calibrate(_first_values(setup))


@torch.no_grad()
def _calibrate_on_inputs(parts: Sequence[Any], setup: Setup) -> None:
    """Pass the first samples through the student, and let each part see what comes to it, before it answers."""

    def see(part: Any, x: tuple[Tensor, ...]) -> None:
        part.calibrate(*x)

    handles = [part.register_forward_pre_hook(see) for part in parts]
    try:
        with evaluating(setup.pair.student, setup.generator):
            setup.pair.student(*first_samples(setup, N_CALIBRATION))
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def _first_values(setup: Setup) -> Tensor:
    """Ask the teacher what it regresses of the first samples: (B, R)."""
    assert setup.pair.teacher is not None
    budget = 0 if setup.pair.meter is None else setup.pair.meter.limit
    count = min(N_CALIBRATION, budget // BUDGET_SHARE) if budget else N_CALIBRATION
    if count < 2:
        raise UserError(f"queries is {budget}: too few to learn from; give at least {2 * BUDGET_SHARE}")
    return forward(setup.pair.teacher, first_samples(setup, count)).extras["values"]


def without_attention(config: RunConfig, teacher: nn.Module | None, student: nn.Module) -> RunConfig:
    """Return the configuration of mode few-shot without the recipe's match of attention, if a network has no blocks.

    A line says so. Other modes, and networks that name their blocks, are left as they are.
    """
    if config.mode != "few-shot" or teacher is None or not config.settings.attention_weight:
        return config
    networks = {"teacher": teacher, "student": student}
    lacking = [role for role, network in networks.items() if not getattr(network, "attention_layers", ())]
    if not lacking:
        return config
    names = "names" if len(lacking) == 1 else "name"
    note(f"zskt: the {' and the '.join(lacking)} {names} no blocks: attention_weight is 0, not the recipe's")
    return config.with_(attention_weight=0.0)


def without_layers(
    kind: type[Method], settings: Any, teacher: nn.Module | None, chosen: Collection[str]
) -> dict[str, float]:
    """Return what of a method's settings is left out for a teacher that names no layers, as a file's network does.

    A line says so. A weight that the user chose is left as it is, and the method refuses it.

    Args:
        chosen: names of the settings that the user chose.
    """
    name = kind.layer_weight
    layers: tuple[str, ...] = getattr(teacher, "attention_layers", ())
    if name is None or name in chosen or teacher is None or layers:
        return {}
    weight = getattr(settings, name)
    if weight:
        note_once(f"zskt: the teacher names no layers (attention_layers), so that {name} is 0 and not {weight:g}")
    return {name: 0.0}
