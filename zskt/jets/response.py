"""How a tagger and its student answer jets that have changed: response to the energy scale, robustness.

H. Liu et al. distil a Lorentz-equivariant tagger, with data, and find its student the more robust against boosts
(arXiv:2311.14160); these are the questions to ask of any student.

Shapes: B jets, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zskt.dataset import Labelled
from zskt.jets.jets import Jets
from zskt.jets.variations import SIZES, VARIATIONS, scaled
from zskt.metrics import predict

SCALE = 0.01
"""Of the energy scale: one per cent."""


def _logits(network: nn.Module, jets: Jets, labels: Tensor, inputs: Any) -> Tensor:
    return predict(network, Labelled(jets, labels), inputs, torch.device("cpu")).logits


def scale_response(network: nn.Module, data: Labelled, inputs: Any, of: Tensor, scale: float = SCALE) -> Tensor:
    """Return the change of a network's log probability of a class by a change of the jet energy scale: (B,), nats.

    It is that from 1 - scale / 2 to 1 + scale / 2.

    Args:
        of: (B,), the class of each jet, for example the teacher's top one.
    """
    assert isinstance(data.samples, Jets)
    up, down = (
        _logits(network, scaled(data.samples, sign * scale / 2), data.labels, inputs).log_softmax(1) for sign in (1, -1)
    )
    return (up - down).gather(1, of.unsqueeze(1)).squeeze(1)


def compare_scale_response(
    teacher: nn.Module, student: nn.Module, data: Labelled, inputs: Any, scale: float = SCALE
) -> dict[str, float]:
    """Compare how teacher and student respond to the energy scale, by the teacher's top class.

    Returns:
        mean and root mean square of both responses in nats, their correlation, and the root mean square of the
        difference over that of the teacher's response.
    """
    assert isinstance(data.samples, Jets)
    top = _logits(teacher, data.samples, data.labels, inputs).argmax(1)
    t, s = (scale_response(network, data, inputs, top, scale).double() for network in (teacher, student))
    rms = [float(r.square().mean().sqrt()) for r in (t, s, t - s)]
    return {
        "teacher_mean": float(t.mean()),
        "student_mean": float(s.mean()),
        "teacher_rms": rms[0],
        "student_rms": rms[1],
        "correlation": float(torch.corrcoef(torch.stack([t, s]))[0, 1]),
        "relative_difference": rms[2] / rms[0],
    }


def robustness(
    teacher: nn.Module,
    students: Mapping[str, nn.Module],
    data: Labelled,
    inputs: Any,
    seed: int = 0,
    sizes: Mapping[str, Sequence[float]] = SIZES,
) -> list[dict[str, Any]]:
    """Ask a teacher and its students about jets that are rotated, boosted and smeared: a row for each size of each.

    Args:
        data: labelled `Jets`.
        seed: of what is drawn, the same for every size.
        sizes: of each variation, of `VARIATIONS`.

    Returns:
        Rows of "variation", "size", "network" (a student's name, or "teacher"), its "accuracy", its "agreement" with
        the teacher about the same jets, and "keeps": the share of jets of which it gives the class that it gave before.
    """
    assert isinstance(data.samples, Jets)
    networks = {"teacher": teacher, **students}
    before = {name: _logits(n, data.samples, data.labels, inputs).argmax(1) for name, n in networks.items()}
    rows = []
    for variation, some in sizes.items():
        for size in some:
            jets = VARIATIONS[variation](data.samples, size, torch.Generator().manual_seed(seed))
            tops = {name: _logits(n, jets, data.labels, inputs).argmax(1) for name, n in networks.items()}
            for name, top in tops.items():
                truths = {"accuracy": data.labels, "agreement": tops["teacher"], "keeps": before[name]}
                shares = {key: float((top == truth).float().mean()) for key, truth in truths.items()}
                rows.append({"variation": variation, "size": size, "network": name} | shares)
    return rows
