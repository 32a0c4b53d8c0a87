"""Names that taggers give to their classes: which are background, which stand for several classes of JetClass."""

from __future__ import annotations

import re
from collections.abc import Sequence

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


def group_position(name: str, classes: Sequence[str]) -> int | None:
    """Find the class of a tagger that stands for a class of JetClass, alone or with others of its kind; None if none.

    Args:
        name: class of JetClass, as "Tbqq".
        classes: those of the tagger, as "prob_isTop".
    """
    meant = (i for i, c in enumerate(map(plain_name, classes)) if c == name.lower() or name in GROUPS.get(c, ()))
    return next(meant, None)


def plain_name(name: str) -> str:
    """Drop what only says that an output is a class's: ``prob_isHiggs``, ``score_top``, ``topTagger`` -> higgs, top.

    Returns:
        The name in lower case; of names that say nothing else, as they are.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    decoration = r"label|prob|is|score|tagger|tag|disc|discriminant|discriminator|sig|signal|logit|sigmoid|jet"
    kept = [word for word in words.split("_") if word and not re.fullmatch(decoration, word, re.IGNORECASE)]
    return "_".join(kept).lower() or name.lower()
