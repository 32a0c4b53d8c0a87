"""The domain of frames: where its samples come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from teachers.frames import FRAMES
from zskt.domains.frames import FRAMES as DOMAIN
from zskt.errors import MissingSamples, UserError

CARD = FRAMES["moving-digits-gru"]
OTHER = replace(CARD, name="other", dataset=None)


def test_moving_digits_are_made_and_nothing_is_learned_from_unless_asked() -> None:
    learned, tested = DOMAIN.sources(CARD, None, False)
    assert learned is None and (tested.name, tested.stem) == ("moving-digits test", "moving-digits-test")
    assert tested.unit == "sequence" and tested.sha256() is None
    learned, tested = DOMAIN.sources(CARD, None, True)
    assert learned is not None and learned.name == "moving-digits train"
    assert len(tested.read()) == 2000


def test_a_file_is_learned_from_or_evaluated_on(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, frames=np.zeros((3, 8, 1, 16, 16), np.uint8), labels=[0, 1, 2])
    learned, tested = DOMAIN.sources(CARD, path, False)
    assert learned is None and tested.name == "mine.npz" and len(tested.read()) == 3
    learned, tested = DOMAIN.sources(CARD, path, True)
    assert learned is not None and learned.read().labels.tolist() == [0, 1, 2] and tested.name == "moving-digits test"


def test_frames_that_nobody_has_are_missing_and_learning_needs_some() -> None:
    _, tested = DOMAIN.sources(OTHER, None, False)
    with pytest.raises(MissingSamples, match="no test frames are known"):
        tested.check()
    with pytest.raises(UserError, match="learns from frames"):
        DOMAIN.sources(OTHER, None, True)
