"""The domain of jets: where its samples come from, and what is said of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from teachers.jetclass import JETCLASS
from zskt.dataset import Labelled
from zskt.domains.jets import JETS
from zskt.errors import UserError
from zskt.jets.sample import SAMPLE

CARD = JETCLASS["zskt-particlenet"]


def test_jets_are_of_the_sample_that_ships_or_of_the_users_file(few_jets: Path) -> None:
    nothing, sample = JETS.sources(CARD, None, False)
    assert nothing is None and sample.files == (SAMPLE,) and sample.unit == "jet"
    _, users = JETS.sources(CARD, few_jets, False)
    assert (users.name, users.stem, users.files) == ("few.root", "few", (few_jets,))
    assert len(users.read()) == 200 and users.read() is users.read()  # read once


def test_learning_takes_jets_of_the_users_and_is_evaluated_on_the_sample(
    few_jets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learned, tested = JETS.sources(CARD, few_jets, True)
    assert learned is not None and learned.files == (few_jets,) and tested.files == (SAMPLE,)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(UserError, match=r"this mode learns from jets: give FILE\.root"):
        JETS.sources(CARD, None, True)


def test_learning_from_the_sample_that_ships_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(shutil.copy(SAMPLE, tmp_path / "renamed.root"))
    JETS.sources(CARD, copy, True)
    out, err = capsys.readouterr()
    assert not out and err.startswith(f"zskt: --data {copy}: is the sample that the run is evaluated on;")
    JETS.sources(CARD, copy, False)
    assert capsys.readouterr() == ("", "")


def test_a_file_that_is_not_there_is_told_before_a_run(tmp_path: Path) -> None:
    learned, _ = JETS.sources(CARD, tmp_path / "gone.root", True)
    assert learned is not None
    with pytest.raises(UserError, match=r"gone\.root"):
        learned.check()


def test_without_classes_there_is_nothing_to_diagnose() -> None:
    assert JETS.diagnose is not None
    nothing = Labelled(torch.zeros(2, 1), torch.zeros(2).long())
    assert JETS.diagnose(replace(CARD, classes=()), nothing, torch.zeros(2, 0), torch.zeros(2, 0)) is None
