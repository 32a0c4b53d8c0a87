"""How a tagger and its student respond to the jet energy scale.

Shapes: B jets, K classes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from zskt.dataset import Labelled
from zskt.jets.jets import Jets
from zskt.jets.variations import scaled
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
