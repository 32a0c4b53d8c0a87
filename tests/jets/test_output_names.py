"""Names for outputs that share one, or have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.toy_taggers import described
from zskt.errors import UserError
from zskt.jets.output_names import block_of, with_all_names


def test_the_name_of_a_label_stands_for_the_classes() -> None:
    assert block_of(("truth_label",)) == "truth_label"
    assert block_of(("target_mass", "fj_label", "target_res_factor")) == "fj_label"
    assert block_of(("category", "mass")) == "category"


def test_one_name_stands_for_what_the_others_leave(tmp_path: Path) -> None:
    custom = replace(described(("truth_label", "target_mass", "target_res")), block="truth_label")
    named = with_all_names(custom, 6, [tmp_path])
    assert named.outputs == ("label_0", "label_1", "label_2", "label_3", "target_mass", "target_res")
    assert named.block is None and with_all_names(named, 6, [tmp_path]) is named
    assert with_all_names(replace(described(("label",)), block="label"), 2, []).outputs == ("label_0", "label_1")
    assert with_all_names(custom, 3, []).outputs == custom.outputs  # one each


def test_labels_beside_the_files_are_the_names(tmp_path: Path) -> None:
    custom = replace(described(("truth_label", "target_mass")), block="truth_label")
    file = tmp_path / "labels.txt"
    file.write_text("b\nc\n\nlight\n")
    assert with_all_names(custom, 4, [tmp_path / "none", tmp_path]).outputs == ("b", "c", "light", "target_mass")
    file.write_bytes("b\r\nc\r\nlight\r\nm\r\n".encode("utf-8-sig"))  # as editors of Windows write it
    assert with_all_names(custom, 4, [tmp_path]).outputs == ("b", "c", "light", "m")
    with pytest.raises(UserError, match=r"labels\.txt: has 4 names, but the network answers 13 numbers a jet, 12 of"):
        with_all_names(custom, 13, [tmp_path])
    file.write_text("b\nb\n")
    with pytest.raises(UserError, match="has b twice"):
        with_all_names(custom, 3, [tmp_path])
