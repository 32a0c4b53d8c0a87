"""Names that taggers give to their classes: which stand for classes of JetClass, for several, or for background.

The very name counts first, with or without the prefixes that taggers give to all of their classes, then what taggers of
CMS and ATLAS and weaver's configurations call the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
BACKGROUND_CLASSES = (
    re.compile(r"^background$", re.IGNORECASE),
    re.compile(r"qcd", re.IGNORECASE),
    re.compile(r"^(label_|prob)?(uds?|light|g|undef|pu)$", re.IGNORECASE),
)
"""Names of backgrounds, the most telling first."""

GROUPS = {
    "top": ("Tbqq", "Tbl"), "t": ("Tbqq", "Tbl"), "tt": ("Tbqq", "Tbl"), "ttbar": ("Tbqq", "Tbl"),
    "higgs": ("Hbb", "Hcc", "Hgg", "H4q", "Hqql"), "h": ("Hbb", "Hcc", "Hgg", "H4q", "Hqql"),
    "w": ("Wqq",), "z": ("Zqq",), "v": ("Wqq", "Zqq"), "vqq": ("Wqq", "Zqq"),
}  # fmt: skip
"""Names of classes that stand for several of JetClass: class -> classes of JetClass."""
_PREFIX = re.compile(r"^(?:recojet_|jet_|fj_|sample_)?(?:label_?|prob_?|scores?_|is_?(?=[A-Z])|is_|p_|p(?=[A-Z]))?")
_MODEL_PREFIX = re.compile(r"^(?:GN\w*?|DL1\w*?|DIPS\w*?)_(?:p_?)?", re.IGNORECASE)


def plain_class(name: str) -> str:
    """Return the name of a class in lower case, without prefixes, decoration and underscores: "hbb" of "label_H_bb"."""
    rest = _MODEL_PREFIX.sub("", name)
    rest = _PREFIX.sub("", rest) or rest
    return plain_name(rest).replace("_", "").replace("-", "")


def plain_name(name: str) -> str:
    """Drop what only says that an output is a class's: ``prob_isHiggs``, ``score_top``, ``topTagger`` -> higgs, top.

    Returns:
        The name in lower case; of names that say nothing else, as they are.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    decoration = r"label|prob|is|score|tagger|tag|disc|discriminant|discriminator|sig|signal|logit|sigmoid|jet"
    kept = [word for word in words.split("_") if word and not re.fullmatch(decoration, word, re.IGNORECASE)]
    return "_".join(kept).lower() or name.lower()


def group_position(name: str, classes: Sequence[str]) -> int | None:
    """Find the class of a tagger that stands for a class of JetClass, alone or with others of its kind; None if none.

    Args:
        name: class of JetClass, as "Tbqq".
        classes: those of the tagger, as "prob_isTop".
    """
    meant = (i for i, c in enumerate(map(plain_class, classes)) if c == name.lower() or name in GROUPS.get(c, ()))
    return next(meant, None)


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
