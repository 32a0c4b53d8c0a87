"""Teachers: a card for each frozen network that zskt can distil, and the readers of their files.

A teacher is called as ``teacher(*x)`` and answers with logits (B, K), and behind them R regressed values.
"""

from pathlib import Path

from teachers.card import ParameterCard
from teachers.cms import CMS
from teachers.files import load_teacher, locate
from teachers.images import IMAGES
from teachers.jetclass import JETCLASS
from teachers.readers import holds_network
from teachers.tagger_card import TaggerCard
from teachers.tagger_card import card_of_files as _card_of_files
from zskt.contracts import Card

__all__ = [
    "TEACHERS",
    "AnyCard",
    "ParameterCard",
    "TaggerCard",
    "card_of_files",
    "holds_network",
    "load_teacher",
    "locate",
]

AnyCard = Card

TEACHERS: dict[str, Card] = {**JETCLASS, **CMS, **IMAGES}
"""Cards by name."""


def card_of_files(network: Path, preprocess: Path) -> TaggerCard:
    """Make the card of a user's tagger, named after its folder and file, but never like a teacher of this shelf.

    Raises:
        UserError: if there is no file of the network.
    """
    return _card_of_files(network, preprocess, reserved=frozenset(TEACHERS))
