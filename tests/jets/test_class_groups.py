"""Names of classes that stand for several, and of backgrounds."""

from __future__ import annotations

import pytest

from zskt.jets.class_groups import BACKGROUND_CLASSES, group_position, plain_name


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
