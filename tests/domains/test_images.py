"""The domain of images: where its samples come from, and what they are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from teachers.images import IMAGES
from zskt.domains.images import IMAGES as DOMAIN
from zskt.errors import UserError

CARD = IMAGES["mnist-lenet5"]


def test_a_folder_of_the_users_has_files_and_gives_its_name(digits: Path) -> None:
    learned, tested = DOMAIN.sources(CARD, digits, True)
    assert learned is not None
    assert (learned.name, learned.stem) == ("mnist train (digits)", "mnist-train-digits")
    assert (tested.name, tested.stem, tested.unit) == ("mnist test (digits)", "mnist-test-digits", "image")
    assert [file.name for file in tested.files] == ["test-00000-of-00001.parquet"]
    assert learned.sha256() != tested.sha256()
    tested.check()
    assert tested.read().labels.tolist() == [i % 10 for i in range(40)]


def test_nothing_is_learned_from_unless_asked_and_nothing_is_fetched_before_it_is_read() -> None:
    learned, tested = DOMAIN.sources(CARD, None, False)
    assert learned is None and not tested.files and tested.sha256() is None
    assert (tested.name, tested.stem) == ("mnist test", "mnist-test")


def test_a_place_without_images_is_told_before_a_run(tmp_path: Path) -> None:
    _, tested = DOMAIN.sources(CARD, tmp_path, False)
    with pytest.raises(UserError, match=str(tmp_path)):
        tested.check()


def test_images_of_another_kind_are_told(digits: Path) -> None:
    _, tested = DOMAIN.sources(replace(CARD, dataset="cifar10"), digits, False)
    with pytest.raises(UserError, match="cifar10"):
        tested.read()
