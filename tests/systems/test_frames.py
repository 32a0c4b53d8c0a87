"""Published systems on moving digits and on the first particles: that they run, at a size of seconds."""

from __future__ import annotations

import pytest
import torch

from zskt.__main__ import catalog
from zskt.frames.moving_digits import CLASSES
from zskt.frames.student_views import Until
from zskt.systems import SYSTEMS, anticipation, asking, first_particles, frames_without_data, motion_attention
from zskt.systems.moving import network, sequences
from zskt.systems.system import behind

SMALL = {
    "anticipation": (anticipation, {"N_TRAIN": 128, "N_LABELLED": 64, "N_TEST": 50, "STEPS": 10, "SEEN": (2, 8)}),
    "motion-attention": (motion_attention, {"N_TRAIN": 128, "N_LABELLED": 64, "N_TEST": 50, "STEPS": 2}),
    "asking": (
        asking,
        {"N_STREAM": 128, "N_TEST": 50, "STEPS": 4, "QUERIES": {"a stream of data": (128,), "a prior, no data": (64,)}},
    ),
    "frames-without-data": (frames_without_data, {"N_TRAIN": 128, "N_TEST": 50, "ITERATIONS": 2}),
    "first-particles": (first_particles, {"ITERATIONS": 1, "COUNTS": (5,)}),
}
"""System -> its module, and smaller sizes for it."""


@pytest.mark.parametrize("name", SMALL)
def test_systems_give_the_figures_that_their_tables_have(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, sizes = SMALL[name]
    for size, value in sizes.items():
        monkeypatch.setattr(module, size, value)
    system = SYSTEMS[name]
    torch.manual_seed(0)
    figures = system.run(0, catalog() if system.takes_catalog else None)
    assert all(0 <= value <= 1 for value in figures.values())
    full = {"anticipation": 17, "motion-attention": 6, "asking": 9, "frames-without-data": 14, "first-particles": 14}
    assert len(system.published) == full[name]
    if name in ("motion-attention", "frames-without-data"):
        assert set(figures) == set(system.published)
    elif name != "asking":  # fewer rows, of the same names
        assert set(figures) < set(system.published)


def test_a_network_behind_a_view_answers_as_the_network_does_after_these_frames() -> None:
    x, labels = sequences("test", 20, 3)
    assert x.shape == (20, 8, 1, 16, 16) and int(labels.max()) < len(CLASSES)
    one = network().eval()
    assert torch.allclose(behind(Until(3), one)(x), one.answers(x)[:, 2], atol=1e-6)
