"""Match the classes of JetClass's files with the classes of a tagger, whatever it calls them.

The very name counts first, with or without the prefixes that taggers give to all of their classes, then what taggers of
CMS and ATLAS and weaver's configurations call the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from zskt.jets.class_groups import group_position

CLASS_SYNONYMS = {
    "QCD": ("qcdothers", "qcdother", "qcdlight", "qcdall"),
    "Hbb": ("xbb", "htobb", "higgsbb"),
    "Hcc": ("xcc", "htocc", "higgscc"),
    "Hgg": ("xgg", "htogg", "higgsgg"),
    "H4q": ("hqqqq", "hww4q", "xww4q", "hwwqqqq", "xwwqqqq", "htowwqqqq", "htoww4q", "xqqqq", "x4q", "hwqqwqq"),
    "Hqql": ("hlvqq", "hqqlv", "hlnuqq", "hwwlvqq", "hwwqqlv", "hwwqql", "xwwqql", "xwwlvqq", "htowwlvqq", "lvqq",
             "hww2q1l", "htoww2q1l", "xqql"),
    "Zqq": ("ztoqq", "z"),
    "Wqq": ("wtoqq", "w", "hqq", "xqq"),
    "Tbqq": ("topbqq", "topbwqq", "tbwqq", "ttobqq", "bqq", "tophad", "hadtop", "top", "t"),
    "Tbl": ("tblv", "topbl", "topblv", "tbwlv", "topbwlv", "ttoblv", "blv", "toplep", "leptop"),
}  # fmt: skip
"""What taggers call the classes of JetClass; Z -> qq holds heavy quarks too and is no light two-prong jet."""
_PREFIX = re.compile(r"^(?:recojet_|jet_|fj_|sample_)?(?:label_?|prob_?|scores?_|is_?(?=[A-Z])|is_|p_|p(?=[A-Z]))?")
_MODEL_PREFIX = re.compile(r"^(?:GN\w*?|DL1\w*?|DIPS\w*?)_(?:p_?)?", re.IGNORECASE)


def plain_class(name: str) -> str:
    """Return the name of a class in lower case, without prefixes and underscores: "hbb" of "label_H_bb"."""
    rest = _MODEL_PREFIX.sub("", name)
    rest = _PREFIX.sub("", rest) or rest
    return rest.replace("_", "").replace("-", "").lower()


def match_classes(labels: Sequence[str], classes: Sequence[str]) -> list[int | None]:
    """Find for each label of a file the position of the class that stands for it; None where none does."""
    positions: dict[str, int] = {}
    for position, name in enumerate(classes):
        positions.setdefault(plain_class(name), position)
    names = [(plain_class(label), *CLASS_SYNONYMS.get(label, ())) for label in labels]
    return [
        next((positions[n] for n in own if n in positions), group_position(label, classes))
        for own, label in zip(names, labels, strict=True)
    ]
