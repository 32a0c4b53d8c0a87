"""The shelf of teachers as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from teachers import TEACHERS, card_of_files, needs_preprocess
from teachers.jetclass import JETCLASS
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError

HEAVY = ("onnx", "onnxruntime", "pooch", "uproot", "awkward", "sklearn", "matplotlib", "pyarrow")


def test_cards_are_called_as_they_are_listed() -> None:
    assert all(card.name == name for name, card in TEACHERS.items())
    assert all(card.summary and card.source and card.licence for card in TEACHERS.values())


def test_the_shelf_is_read_without_slow_packages() -> None:
    code = f"import sys, teachers; print([name for name in {HEAVY} if name in sys.modules])"
    root = Path(__file__).parent.parent.parent
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_users_tagger_is_named_after_its_folder_and_file(tmp_path: Path) -> None:
    preprocess = described()
    network, where = write(tmp_path / "mine", preprocess, Toy(preprocess))
    card = card_of_files(network, where)
    assert card.name == "mine-model" and card.files() == {"teacher": network, "preprocess": where}
    assert card.classes == card.outputs == ("label_b", "label_c", "label_light")
    assert "pfcand_dxysig" in card.describe()
    like_ours = network.rename(tmp_path / "mine" / "particlenet.pt")
    folder = like_ours.parent.rename(tmp_path / "zskt")
    assert card_of_files(folder / "particlenet.pt", where).name == "zskt-particlenet-file"
    with pytest.raises(UserError, match="say how it is fed: --preprocess"):
        card_of_files(folder / "particlenet.pt", None)
    with pytest.raises(UserError, match="no such file"):
        card_of_files(network, where)


def test_files_with_code_need_a_description(tmp_path: Path) -> None:
    preprocess = described()
    assert needs_preprocess(write(tmp_path, preprocess, Toy(preprocess))[0])
    bundled = JETCLASS["zskt-particlenet"].bundled_file
    assert bundled is not None and not needs_preprocess(bundled)
    assert needs_preprocess(Path("never-opened.onnx"))
