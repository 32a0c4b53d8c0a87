"""The shelf of teachers as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from teachers import TEACHERS, TaggerCard, card_of_files, card_of_record, needs_preprocess
from teachers.jetclass import JETCLASS
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError
from zskt.jets.jets import AK4_SELECTION
from zskt.jets.tagger_description import Description

HEAVY = ("onnx", "onnxruntime", "onnx2torch", "pooch", "uproot", "awkward", "sklearn", "matplotlib", "pyarrow")


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


def test_a_record_stands_for_files_that_are_gone() -> None:
    record = Description(described(), ("label_b", "label_c", "label_light"), (), 7).to_record()
    card = card_of_record("mine", record)
    assert isinstance(card, TaggerCard) and card.parameters() == 7 and card.record() == record
    with pytest.raises(UserError, match="it came from a file; give that as --teacher-path"):
        card.load()
    published = card_of_record("cms-particlenet-ak4", record)
    assert published.classes == ("label_b", "label_c", "label_light") and published.inputs.selection == AK4_SELECTION
    assert published.url is not None and published.url.startswith("https://github.com/cms-data")
