"""Tell from the names of a tagger's inputs which of them hold the same entries.

pf_points, pf_features and pf_mask are of one collection; so are features_pf and mask_pf, pfFeatures and pfMask, and
points, features and mask alone. Other names (cpf, npf, vtx) are collections of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # preprocess imports this file
    from zskt.jets.preprocess import InputGroup

INPUT_WORDS = (
    "lorentz_vectors", "lorentzvectors", "coordinates", "features", "vectors", "points", "coords", "feats",
    "fourmomenta", "key_padding_mask", "padding_mask", "paddingmask", "pad_mask", "padmask", "is_padding", "padding",
    "is_pad", "invalid_mask", "is_invalid", "invalid", "masks", "mask", "pts", "fts", "p4s", "p4", "feat", "vecs",
    "lvs",
)  # fmt: skip
"""Words that say what an input holds, not of which entries."""
ALONE = "entries"
"""Name of the entries of inputs that have none in their names."""
REPEAT_NUMBER = re.compile(r"__\d+$")
"""What some exports, and `Preprocess.to_json`, write behind a name that they have before."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PADDING = re.compile(r"(^|_)(pad|padd?ed|padding|invalid)(_?mask(s|ed)?)?$")
_NO_PADDING = re.compile(r"(^|_)(not?|non|un)_?(pad|invalid)|^n_|(^|_)(n|num|number)_")


def names_padding(name: str) -> bool:
    """Tell whether a mask of this name is 1 for padding, as PyTorch's key_padding_mask: pf_padding_mask, isPad."""
    lower = _HUMP.sub("_", REPEAT_NUMBER.sub("", name)).lower()
    return bool(_PADDING.search(lower)) and not _NO_PADDING.search(lower)


_WORD = "|".join(INPUT_WORDS)
_BEHIND = re.compile(rf"^(?P<entries>.+?)_({_WORD})$", re.IGNORECASE)
_BEFORE = re.compile(rf"^({_WORD})_(?P<entries>.+)$", re.IGNORECASE)
_CAMEL = re.compile(rf"^(?P<entries>.*[a-z0-9])(?=[A-Z])((?i:{_WORD}))$")
_CAMEL_PADDING = re.compile(r"^(?P<entries>.*?[a-z0-9])(Key)?(Padding|Pad|Invalid)Masks?$")
_BARE = re.compile(rf"^({_WORD})$", re.IGNORECASE)


def collection_of(name: str) -> str:
    """Return the entries that the name of an input says, without a number behind it; "" where it says none.

    Words in front count before words behind: the entries of pf_features are pf.
    """
    if _BARE.match(name):
        return ALONE
    for pattern in (_BEHIND, _CAMEL_PADDING, _CAMEL, _BEFORE):
        match = pattern.match(name)
        if match:
            return match["entries"]
    return ""


def with_shared_masks(groups: Iterable[InputGroup]) -> tuple[InputGroup, ...]:
    """Give a mask without inputs of its own to the only collection without a mask; inputs (C,) of a jet have none."""
    groups = tuple(groups)
    masks = {g.collection for g in groups if g.is_mask}
    masked = {g.collection for g in groups if not g.is_mask}
    homeless = [g for g in groups if g.is_mask and g.collection not in masked]
    maskless = sorted({g.collection for g in groups if not g.is_mask and g.max_length > 1} - masks)
    if len(homeless) != 1 or len(maskless) != 1:
        return groups
    return tuple(replace(g, entries=maskless[0]) if g is homeless[0] else g for g in groups)
