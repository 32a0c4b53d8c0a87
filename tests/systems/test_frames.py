"""Published systems on moving digits and on the first particles: that they run, at a size of seconds."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch

from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.frames.moving_digits import CLASSES
from zskt.frames.student_views import Until
from zskt.systems import (
    SYSTEMS,
    anticipation,
    asking,
    basic_motions,
    first_particles,
    frames_without_data,
    motion_attention,
)
from zskt.systems.basic_motions import BASIC_MOTIONS
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


def test_basic_motions_measure_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        rng, labels = torch.Generator().manual_seed(len(split)), torch.arange(8) % 4
        return torch.randn(8, 100, 6, generator=rng) + labels.view(-1, 1, 1), labels

    monkeypatch.setattr(basic_motions, "series", made)
    for name in ("EPOCHS", "ITERATIONS"):
        monkeypatch.setattr(basic_motions, name, 1)
    monkeypatch.setattr(basic_motions, "SEEN", (10, 100))
    figures = basic_motions.basic_motions(0, catalog())
    expected = {name for name in BASIC_MOTIONS.published if not name.startswith(("2.5", "5 of"))}
    assert set(figures) == expected and all(0 <= value <= 1 for value in figures.values())


def test_basic_motions_are_looked_for_in_aeon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(basic_motions, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install aeon"):
        basic_motions.series("TRAIN")
    place = tmp_path / "aeon" / "datasets" / "data" / "BasicMotions"
    place.mkdir(parents=True)
    (place / "BasicMotions_TRAIN.ts").write_text("@data\n1,2:3,4:Walking\n5,6:7,8:Badminton\n")
    package = ModuleSpec("aeon", None, origin=str(tmp_path / "aeon" / "__init__.py"))
    monkeypatch.setattr(basic_motions, "find_spec", lambda name: package)
    x, labels = basic_motions.series("TRAIN")
    assert x.tolist() == [[[1.0, 3.0], [2.0, 4.0]], [[5.0, 7.0], [6.0, 8.0]]] and labels.tolist() == [1, 0]
