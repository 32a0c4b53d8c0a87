"""Classes of taggers and of files."""

from __future__ import annotations

import pytest

from zskt.jets.class_names import BACKGROUND_CLASSES, group_position, match_classes, plain_class, plain_name
from zskt.jets.jets import JETCLASS_CLASSES


@pytest.mark.parametrize("form", ["label_{}", "prob{}", "prob_{}", "is{}", "{}", "score_{}", "fj_is{}", "GN2_p{}"])
def test_jetclass_own_names_are_labels_with_any_prefix(form: str) -> None:
    assert match_classes(JETCLASS_CLASSES, [form.format(name) for name in JETCLASS_CLASSES]) == list(range(10))


def test_the_very_name_counts_before_what_others_call_it() -> None:
    assert match_classes(["Hbb", "Wqq"], ["Xbb", "H_qq", "label_Hbb", "Wqq"]) == [2, 3]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Tbqq", "label_T_bqq"), ("Tbqq", "top"), ("Hbb", "label_H_bb"), ("Zqq", "Z_qq"), ("Wqq", "W_qq"),
        ("H4q", "H_qqqq"), ("Hqql", "lvqq"), ("Hqql", "label_H_WW_lvqq"), ("QCD", "label_QCD_others"),
        ("Hcc", "probXcc"),
        ("Tbl", "label_Top_blv"),
    ],
)  # fmt: skip
def test_other_names_of_the_same(label: str, name: str) -> None:
    assert match_classes([label], ["other", name]) == [1]


def test_names_without_prefix() -> None:
    names = ("label_b", "probbb", "GN2_pu", "GN2X_phbb", "isQCD", "recojet_isB", "label", "lepb", "DL1dv01_pb")
    assert [plain_class(n) for n in names] == ["b", "bb", "u", "hbb", "qcd", "b", "label", "lepb", "b"]
    assert match_classes(["Tbl"], ["b", "c"]) == [None]


@pytest.mark.parametrize(
    ("name", "plain"),
    [("prob_isHiggs", "higgs"), ("topTagger", "top"), ("label_H_bb", "h_bb"), ("score", "score"), ("isTop", "top")],
)
def test_what_only_says_that_it_is_a_class_is_dropped(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_a_class_may_stand_for_several_of_jetclass() -> None:
    assert [group_position(name, ("qcd", "prob_top")) for name in ("Tbqq", "Tbl", "QCD", "Hbb")] == [1, 1, 0, None]
    assert group_position("Wqq", ("Vqq",)) == 0


def test_backgrounds_by_name() -> None:
    names = ("background", "label_QCD", "probudsg", "light", "probb", "top")
    assert [any(p.search(name) for p in BACKGROUND_CLASSES) for name in names] == [
        True,
        True,
        False,
        True,
        False,
        False,
    ]
