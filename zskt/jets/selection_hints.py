"""Find which jets a tagger is for from what its files say: paths, names of variables and classes, at last lengths.

Radius and momenta follow: `AK4_SELECTION`, `AK8_SELECTION`, or the jets of JetClass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from zskt.errors import UserError
from zskt.jets.class_names import plain_class
from zskt.jets.flavours import is_flavour
from zskt.jets.jets import AK4_SELECTION, AK8_SELECTION, JETCLASS_CLASSES, JETCLASS_RADIUS, JetSelection
from zskt.jets.preprocess import Preprocess

MAX_AK4_PARTICLES = 64
"""Taggers that take more particles are for jets of a large radius, where nothing else tells."""
N_FOLDERS = 4
"""Folders above a file whose names are looked at, the nearest first."""
BORDER = 0.6
"""Jets of a larger radius are large."""

_RADIUS_WORD = re.compile(
    r"(?:(?<![a-zA-Z])(?i:ak|ca|anti_?-?kt)|(?<=[a-z0-9])(?:AK|CA|AntiKt|Ak))_?(?P<tenths>1[0258]|[4-9])(?!\d)"
)
_LARGE_WORD = re.compile(r"fat_?-?jet|(?<![a-z])fj(?![a-z])|large-?_?r(?![a-z])", re.IGNORECASE)
_SMALL_WORD = re.compile(r"small-?_?r(?![a-z])", re.IGNORECASE)
_RESONANCE = re.compile(
    r"^(qcd(b|bb|c|cc|others?|all|light)|(top|higgs|had|lep|[hxzwt])(to)?((tau[a-z0-9]*)|[bcsqglvemtwhz0-9])*)$"
)


class Hint(NamedTuple):
    """What one part of the files says of the jets."""

    radius: float
    source: str


class ChosenSelection(NamedTuple):
    """Jets that a tagger is for, and what told so, in a line."""

    selection: JetSelection
    reason: str


def choose_selection(
    preprocess: Preprocess, classes: Sequence[str], files: Iterable[Path] = (), radius: float | None = None
) -> ChosenSelection:
    """Choose the jets that a tagger is for.

    Args:
        preprocess: its inputs.
        classes: names of its classes.
        files: the network and its description, whose paths are looked at.
        radius: what the user says, which counts more than any file.

    Raises:
        UserError: if files and names contradict one another; the message asks for ``--set radius``.
    """
    files = tuple(files)
    if radius is not None:
        base = AK8_SELECTION if radius > BORDER else AK4_SELECTION
        return ChosenSelection(base, f"radius {radius:g}, as you set it")
    hints = [h for h in (*map(path_hint, files), variables_hint(preprocess), classes_hint(classes)) if h is not None]
    large = next((h for h in hints if h.radius > BORDER), None)
    small = next((h for h in hints if h.radius <= BORDER), None)
    if large is not None and small is not None:
        raise UserError(
            f"which jets is it for? {_upper(large.source)} {_verb(large)} large ones, {small.source} {_verb(small)} "
            "small ones; say it: --set radius=0.8 or --set radius=0.4"
        )
    if not hints:
        longest = max(group.max_length for group in preprocess.groups)
        base = AK8_SELECTION if longest > MAX_AK4_PARTICLES else AK4_SELECTION
        reason = (
            f"radius {base.radius:g}, a guess from {longest} particles: nothing else tells (--set radius=0.4 or 0.8)"
        )
        return ChosenSelection(base, reason)
    is_jetclass = {plain_class(name) for name in classes} == {name.lower() for name in JETCLASS_CLASSES}
    if is_jetclass and hints[0].radius == JETCLASS_RADIUS:
        return ChosenSelection(JetSelection(), "radius 0.8 and 500 to 1000 GeV, from the ten classes of JetClass")
    wide = hints[0].radius
    base = AK8_SELECTION if wide > BORDER else AK4_SELECTION
    reason = f"radius {base.radius:g}, from {hints[0].source}"
    if wide > JETCLASS_RADIUS:
        reason += f": pseudo-jets have at most {JETCLASS_RADIUS:g}, not {wide:g}"
    return ChosenSelection(base, reason)


def selection_by_length(preprocess: Preprocess) -> JetSelection:
    """Guess the jets that a tagger is for from how many particles it takes, as runs did before they recorded it."""
    longest = max(group.max_length for group in preprocess.groups)
    return AK8_SELECTION if longest > MAX_AK4_PARTICLES else AK4_SELECTION


def path_hint(file: Path) -> Hint | None:
    """Look for AK4, AK8, AK15, fatjet and the like in the name of a file, then in those of the folders above it."""
    for part in _parts(file):
        word = _RADIUS_WORD.search(part)
        if word is not None:
            return Hint(int(word["tenths"]) / 10, f"'{part}' in the path")
        for pattern, radius in ((_LARGE_WORD, 0.8), (_SMALL_WORD, 0.4)):
            if pattern.search(part):
                return Hint(radius, f"'{part}' in the path")
    return None


def variables_hint(preprocess: Preprocess) -> Hint | None:
    """Look for the same in the names of inputs and of their variables."""
    names = dict.fromkeys(name for group in preprocess.groups for name in (group.name, *group.names))
    names |= dict.fromkeys(part for entry in preprocess.definitions for part in re.findall(r"\w+", entry.expression))
    for name in names:
        word = _RADIUS_WORD.search(name)
        if word is not None:
            return Hint(int(word["tenths"]) / 10, f"the name {name}")
        if re.match(r"(fj|fatjet)_", name, re.IGNORECASE):
            return Hint(0.8, f"the name {name}")
    return None


def classes_hint(classes: Sequence[str]) -> Hint | None:
    """Tell small jets by classes of flavour, large ones by classes of resonances; None where neither prevails."""
    plain = [plain_class(name) for name in classes]
    flavours = [name for name, p in zip(classes, plain, strict=True) if is_flavour(p)]
    resonances = [name for name, p in zip(classes, plain, strict=True) if _RESONANCE.match(p) and not is_flavour(p)]
    if resonances and len(resonances) >= len(flavours):
        return Hint(0.8, f"classes of resonances ({', '.join(resonances[:4])})")
    if len(flavours) > len(resonances) and 2 * len(flavours) >= len(classes):
        return Hint(0.4, f"classes of flavour ({', '.join(flavours[:4])})")
    return None


def _parts(file: Path) -> list[str]:
    place = file.absolute()
    return [place.name, *(parent.name for parent in list(place.parents)[:N_FOLDERS])]


def _verb(hint: Hint) -> str:
    return "say" if hint.source.startswith("classes") else "says"


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
