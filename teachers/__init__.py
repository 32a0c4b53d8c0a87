"""Teachers: a card for each frozen network that zskt can distil, and the readers of their files.

A teacher is called as ``teacher(*x)`` and answers with logits (B, K), and behind them R regressed values.
"""

from pathlib import Path
from typing import Any

from teachers import tagger_card
from teachers.atlas import read_gnn_config
from teachers.card import ParameterCard
from teachers.cms import CMS
from teachers.files import load_teacher
from teachers.images import IMAGES
from teachers.jetclass import JETCLASS
from teachers.readers import needs_preprocess
from teachers.tagger_card import TaggerCard
from zskt.contracts import Card
from zskt.errors import UserError

__all__ = [
    "TEACHERS",
    "AnyCard",
    "ParameterCard",
    "TaggerCard",
    "card_of_files",
    "card_of_record",
    "load_teacher",
    "needs_preprocess",
]

AnyCard = Card

TEACHERS: dict[str, Card] = {**JETCLASS, **CMS, **IMAGES}
"""Cards by name."""


def card_of_files(network: Path, preprocess: Path | None) -> TaggerCard:
    """Make the card of a user's tagger, named after its folder and file, but never like a teacher of this shelf.

    Raises:
        UserError: if there is no file of the network, or nothing says how it is fed.
    """
    if preprocess is None and read_gnn_config(network) is None:
        raise UserError(f"--teacher-path {network}: say how it is fed: --preprocess preprocess.json")
    return tagger_card.card_of_files(network, preprocess, reserved=frozenset(TEACHERS))


def card_of_record(name: str, record: dict[str, Any], where: Path) -> TaggerCard:
    """Make the card of a finished run's tagger, described by the run's record instead of the tagger's files.

    Args:
        name: the teacher's name; a published one keeps its address.
        record: what `TaggerCard.record` returned.
        where: its file, for messages.

    Raises:
        UserError: if it is not such a record.
    """
    published = CMS.get(name)
    return (published or TaggerCard(name=name, summary="a tagger from a file")).with_record(record, where)
