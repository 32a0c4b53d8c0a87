"""Which inputs hold the same entries."""

from __future__ import annotations

import pytest

from zskt.jets.input_names import collection_of, names_padding, with_shared_masks
from zskt.jets.preprocess import InputGroup, Variable


@pytest.mark.parametrize(
    ("names", "collection"),
    [
        (("pf_points", "pf_features", "pf_mask", "pf_lorentz_vectors", "features_pf", "mask_pf", "pfFeatures"), "pf"),
        (("points", "features", "mask", "vectors", "lorentz_vectors", "Mask"), "entries"),
        (("jet_sv_features", "jet_sv_mask"), "jet_sv"),
        (("pf_padding_mask", "pf_key_padding_mask", "pf_is_padding", "pf_invalid", "pfPaddingMask"), "pf"),
        (("cpf", "npf", "vtx", "global", "input_1", "INPUT__0", "globals"), ""),
    ],
)
def test_names_say_of_which_entries(names: tuple[str, ...], collection: str) -> None:
    assert {collection_of(name) for name in names} == {collection}


def _group(name: str, variable: str = "pfcand_pt", longest: int = 40) -> InputGroup:
    return InputGroup(name, (Variable(variable),), 1, longest)


def test_a_mask_without_collection_masks_the_only_one() -> None:
    mask = _group("mask", "pfcand_mask")
    groups = with_shared_masks([_group("pf_features"), mask, _group("jet_info", "jet_pt", 1)])
    assert [g.collection for g in groups] == ["pf", "pf", "jet_info"]
    two = with_shared_masks([_group("pf_features"), _group("sv_features"), mask])
    assert [g.collection for g in two] == ["pf", "sv", "entries"]  # of which of the two, nobody says
    rest = with_shared_masks([_group("pf_features"), _group("pf_mask", "pfcand_mask"), _group("sv"), mask])
    assert [g.collection for g in rest] == ["pf", "pf", "sv", "sv"]


def test_names_of_masks_say_whether_they_are_one_for_padding() -> None:
    padding = ("pf_padding_mask", "key_padding_mask", "src_key_padding_mask__3", "is_padding", "pad_mask", "invalid",
               "pfPaddingMask", "isPad", "PAD", "part_padded", "invalid_mask")  # fmt: skip
    real = ("pf_mask", "mask", "attention_mask", "valid_mask", "not_padding", "non_padding_mask", "unpadded_mask",
            "n_padding", "padding_length", "pf_features", "keypad_mask", "num_invalid")  # fmt: skip
    assert all(map(names_padding, padding)) and not any(map(names_padding, real))
    assert _group("pf_is_padding", "part_is_padding").is_mask and _group("pf_mask", "invalid").is_one_for_padding
    assert not _group("pf_mask", "part_mask").is_one_for_padding


def test_masks_of_several_collections_find_theirs_by_their_names() -> None:
    names = ("pf_features", "pf_padding_mask", "sv_features", "sv_padding_mask")
    groups = with_shared_masks([_group(name) for name in names])
    assert [g.collection for g in groups] == ["pf", "pf", "sv", "sv"]
