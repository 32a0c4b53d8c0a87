"""Anticipation on measured series: BasicMotions, four activities by sensors of a wrist, from their first seconds."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from zskt.api import distill, evaluate
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.frames.files import read_ts
from zskt.frames.inputs import FrameInputs
from zskt.frames.student_views import Until
from zskt.networks.frame_recurrent import FrameRecurrent
from zskt.systems.system import Figures, System, behind, error, learned

STEPS = 100
"""T, of a tenth of a second each."""
SEEN = (10, 25, 50, 100)
"""Steps that a student sees."""
GENERATOR = "motion"
ARMS = ("labels", "labels and KL", "no data")
"""What a student learns from."""
ROW = "{seconds:g} of 10 s: {arm}"
EPOCHS, BATCH, RATE, TEMPERATURE, ITERATIONS = 100, 20, 5e-3, 2.0, 60
"""Epochs, of two batches each, with data, and iterations without."""


def basic_motions(seed: int, catalog: Catalog) -> Figures:
    """Distil a network of ten seconds into one of the first 1 to 10: accuracies on the 40 test series."""
    (x, labels), (x_test, labels_test) = (series(split) for split in ("TRAIN", "TEST"))
    mean, std = x.mean((0, 1)), x.std((0, 1))
    test = ((x_test - mean) / std, labels_test)
    inputs = FrameInputs(length=STEPS, mean=(0.0,) * x.shape[2], std=(1.0,) * x.shape[2])
    fit = partial(
        learned, x=(x - mean) / std, labels=labels, epochs=EPOCHS, seed=seed, batch_size=BATCH, student_lr=RATE
    )

    def network() -> nn.Module:
        return FrameRecurrent(inputs, outputs=4, channels=(32,), hidden=32)

    teacher = fit(network()).eval()
    figures = {"teacher: 10 s": 1 - error(teacher, *test)}
    for seen in SEEN:
        alone = fit(behind(Until(seen), network()))
        taught = fit(behind(Until(seen), network()), teacher=teacher, kd_fraction=0.5, temperature=TEMPERATURE)
        unseen = distill(
            teacher, behind(Until(seen), network()), generator=catalog.generators[GENERATOR].build(inputs),
            iterations=ITERATIONS, student_lr=RATE, seed=seed, progress=False,
        ).student  # fmt: skip
        for arm, student in zip(ARMS, (alone, taught, unseen), strict=True):
            figures[ROW.format(seconds=seen / 10, arm=arm)] = 1 - error(student, *test)
        if seen == STEPS:
            figures["no data, 10 s: agreement"] = evaluate(unseen, teacher, test)["agreement"]
    return figures


def series(split: str) -> tuple[Tensor, Tensor]:
    """Read a split of BasicMotions, "TRAIN" or "TEST", which the package aeon brings along.

    Returns:
        (40, 100, 6), three accelerations and three angular velocities, and classes (40,).

    Raises:
        UserError: if aeon is not installed.
    """
    package = find_spec("aeon")
    if package is None or package.origin is None:
        raise UserError("basic-motions: its series lie in the package aeon; pip install aeon")
    x, names = read_ts(Path(package.origin).parent / "datasets/data/BasicMotions" / f"BasicMotions_{split}.ts")
    classes = sorted(set(names), key=str)
    return x, torch.tensor([classes.index(name) for name in names])


BASIC_MOTIONS = System(
    title="Action anticipation, BasicMotions",
    source="Tran et al., arXiv:1904.04868, for the idea; the series are of timeseriesclassification.com",
    published={"teacher: 10 s": ""}
    | {ROW.format(seconds=seen / 10, arm=arm): "" for seen in SEEN for arm in ARMS}
    | {"no data, 10 s: agreement": ""},
    run=basic_motions,
    takes_catalog=True,
    seeds=5,
    by_default=False,
    remark="40 series to learn from and 40 to be judged on, so that one series is 0.025: standing, running, walking "
    "and badminton, six sensors at 10 Hz. Teacher and students are one recurrent network; the generator without data "
    f"is `{GENERATOR}`. Nothing was tuned. Needs the package aeon, which brings the series along.",
)
