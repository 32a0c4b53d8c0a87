"""A teacher of motion, a student of frames that learns where it looks (Liu et al., arXiv:1904.03249)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from zskt.frames.student_views import Flow
from zskt.systems.moving import network, sequences
from zskt.systems.system import Figures, System, behind, error, learned

N_TRAIN, N_LABELLED, N_TEST, CLUTTER = 6000, 1000, 2000, 0.7
STEPS, BATCH, RATE, TEMPERATURE, ATTENTION_WEIGHT = 300, 128, 5e-3, 4.0, 100.0

_learned = partial(learned, batch_size=BATCH, student_lr=RATE)


def motion_attention(seed: int, _: Path | None = None) -> Figures:
    """Distil a network of differences of frames into one of frames, before a background that stands still."""
    x, labels = sequences("train", N_TRAIN, seed, CLUTTER)
    test = sequences("test", N_TEST, seed, CLUTTER)
    whole = partial(_learned, x=x, labels=labels, epochs=10, seed=seed, weight_decay=1e-2)
    few, few_labels = x[:N_LABELLED], labels[:N_LABELLED]
    fit = partial(_learned, x=few, labels=few_labels, epochs=1, student_steps=STEPS, seed=seed)
    teacher = whole(behind(Flow(), network()))
    softened: dict[str, Any] = {"teacher": teacher, "kd_fraction": 0.5, "temperature": TEMPERATURE}
    networks = {
        "flow, 6 000 labels: the teacher": teacher,
        "frames, 6 000 labels": whole(network()),
        "flow, 1 000 labels": fit(behind(Flow(), network())),
        "frames, 1 000 labels": fit(network()),
        "frames, 1 000 labels and KL": fit(network(), **softened),
        "frames, 1 000 labels, KL and attention": fit(network(), **softened, attention_weight=ATTENTION_WEIGHT),
    }
    return {name: 1 - error(one, *test) for name, one in networks.items()}


MOTION_ATTENTION = System(
    title="Attention of motion, moving digits before a background",
    source="Liu et al., arXiv:1904.03249, whose videos (UCF101, HMDB51, Something-Something) are not repeated",
    published=dict.fromkeys(
        ("flow, 6 000 labels: the teacher", "frames, 6 000 labels", "flow, 1 000 labels", "frames, 1 000 labels",
         "frames, 1 000 labels and KL", "frames, 1 000 labels, KL and attention"), ""),
    run=motion_attention,
    seeds=3,
    remark="Their claim is of an order: a percent or so more than without attention. Differences of frames stand for "
    "optical flow; what stands still is not in them. Attention is the map of squared features over all places of all "
    "frames, and over the states of the recurrent unit, both of unit length, in place of their sampled distribution.",
)  # fmt: skip
