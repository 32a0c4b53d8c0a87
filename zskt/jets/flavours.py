"""Names that taggers of small jets give to classes of flavour, and which of them a jet of known truth belongs to.

Names are plain ones, see `zskt.jets.class_names.plain_class`. A jet belongs to the finest class that a tagger has: a
gluon to that of gluons, or else to that of all light jets.
"""

from __future__ import annotations

import re
from collections.abc import Collection

GLUONS = ("g", "gluon")
"""Classes of gluons alone."""
LIGHT_QUARKS = ("uds", "ud", "q", "quark")
"""Classes of light quarks alone, the finest first."""
QUARKS = {1: "d", 2: "u", 3: "s"}
"""PDG number of a light quark -> class of this quark alone."""
LIGHT = ("udsg", "sudg", "light", "l")
"""Classes of all jets without heavy quarks, gluons among them."""
ATLAS_LIGHT = "u"
"""ATLAS's name of the same, where no class is of another light quark."""
HEAVY = ("b", "bb", "gbb", "lepb", "blep", "leptonicb", "c", "cc", "gcc")
"""Classes of jets with heavy quarks."""
OTHERS = ("pu", "undef", "ele", "mu", "electron", "muon")
"""Classes of what is no quark and no gluon; beside them those that begin with "tau"."""
_NAMES = frozenset((*GLUONS, *LIGHT_QUARKS, *QUARKS.values(), *LIGHT, ATLAS_LIGHT, *HEAVY, *OTHERS))


def is_flavour(plain: str) -> bool:
    """Tell whether a plain name of a class is one of flavour."""
    return plain in _NAMES or re.fullmatch(r"tau\w*", plain) is not None


def light_classes(plain: Collection[str]) -> tuple[str, ...]:
    """Return the classes of all light jets, ATLAS's "u" among them unless another of the plain names is of quarks."""
    is_up = bool({"d", "s", *LIGHT_QUARKS} & set(plain))
    return LIGHT if is_up else (*LIGHT, ATLAS_LIGHT)


def parton_classes(parton: int, plain: Collection[str]) -> tuple[str, ...]:
    """Return the classes that a jet without hadrons of heavy quarks may belong to, the finest first.

    Args:
        parton: flavour by partons, a PDG number; 0 where no parton was found, of which "undef" is the finest.
        plain: plain names of the tagger's classes.
    """
    parton = abs(parton)
    light = light_classes(plain)
    if parton == 21:
        return (*GLUONS, *light)
    if not parton:
        return ("undef", *light)
    single = QUARKS.get(parton)
    if single == "u" and ATLAS_LIGHT in light:  # no class of the up quark alone
        single = None
    if single == "s":  # a class of up and down quarks is that of strange ones where nothing else is
        return ("s", *(name for name in LIGHT_QUARKS if name != "ud"), *light, "ud")
    return (*((single,) if single else ()), *LIGHT_QUARKS, *light)
