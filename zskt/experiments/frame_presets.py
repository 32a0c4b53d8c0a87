"""Presets for frames: the recurrent teacher of moving digits that ships, and how it was trained."""

from __future__ import annotations

from zskt.experiments.config import RunConfig
from zskt.methods.supervised import Supervised
from zskt.methods.zskt import ZSKT

MOVING_DIGITS = RunConfig(
    preset="moving-digits",
    teacher="moving-digits-gru",
    student="frame-gru",
    generator="motion-prior",
    settings=ZSKT.Config(
        iterations=200,
        batch_size=128,
        student_steps=10,
        step_growth=1.0,
        replay_fraction=0.9,
        replay_balance=0.5,
        class_entropy_weight=3.0,
        student_lr=5e-3,
    ),
    evaluate_every=50,
)
"""The settings of jets, and the prior without its adversary, which did better on training sequences."""
TRAINING = RunConfig(
    preset="moving-digits-gru",
    teacher="moving-digits-gru",
    mode="teacher",
    method="supervised",
    settings=Supervised.Config(epochs=12, student_lr=3e-3, weight_decay=1e-2, kd_fraction=0.0),
    evaluate_every=1,
    checkpoint_every=1,
)
FRAMES: tuple[RunConfig, ...] = (MOVING_DIGITS, TRAINING)
