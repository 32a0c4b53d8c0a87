"""Teachers: a card for each frozen network that zskt can distil, and the readers of their files.

A teacher is called as ``teacher(*x)`` and answers with logits (B, K), and behind them R regressed values.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from teachers import tagger_card
from teachers.atlas import read_gnn_config
from teachers.card import ParameterCard
from teachers.cms import CMS
from teachers.files import load_teacher
from teachers.frames import FRAMES
from teachers.image_file import EMPTY as NO_IMAGES
from teachers.image_file import ImageFileCard, card_of_image_file
from teachers.images import IMAGES
from teachers.jetclass import JETCLASS
from teachers.readers import needs_preprocess
from teachers.state_dict_reader import Architecture
from teachers.tagger_card import TaggerCard
from teachers.vector_file import EMPTY as NO_VECTORS
from teachers.vector_file import VectorFileCard, card_of_vector_file
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

TEACHERS: dict[str, Card] = {**JETCLASS, **CMS, **IMAGES, **FRAMES}
"""Cards by name."""


def card_of_files(
    network: Path,
    preprocess: Path | None = None,
    *,
    input_shape: Sequence[int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Path | None = None,
    inputs: Path | None = None,
    architecture: tuple[str, str | None] | None = None,
) -> Card:
    """Make the card of a user's network, named after its folder and file, but never like a teacher of this shelf.

    Args:
        network: its file.
        preprocess: how a tagger is fed.
        input_shape, mean, std: channels, height and width of images, and how their intensities are normalised.
        classes: names of the classes of a network of images or vectors.
        inputs: description of the features of a network of vectors.
        architecture: what builds a network of images or vectors whose file holds parameters alone, and its options.

    Raises:
        UserError: if there is no file of the network, or nothing, or too much, says how it is fed.
    """
    given = {"--preprocess": preprocess, "--input-shape": input_shape, "--inputs": inputs}
    kinds = [flag for flag, value in given.items() if value is not None]
    of_images = {"--mean": mean, "--std": std}
    idle = [flag for flag, value in of_images.items() if value is not None and input_shape is None]
    if classes is not None and (preprocess is not None or not kinds):
        idle.append("--classes")
    if len(kinds) > 1:
        raise UserError(f"{kinds[0]} is of {OF_FLAG[kinds[0]]}, {kinds[1]} of {OF_FLAG[kinds[1]]}; give one of the two")
    if idle:
        raise UserError(f"{idle[0]}: is of networks of images; say of which size: --input-shape 3 32 32")
    card: Card
    built = None if architecture is None else Architecture.of(*architecture)
    if input_shape is not None:
        card = card_of_image_file(network, input_shape, mean, std, classes, built)
    elif inputs is not None:
        card = card_of_vector_file(network, inputs, classes, built)
    elif preprocess is None and read_gnn_config(network) is None:
        raise UserError(
            f"--teacher-path {network}: say how it is fed: --preprocess preprocess.json (a tagger), --input-shape "
            "3 32 32 (images), --inputs description.yaml (vectors)"
        )
    else:
        return tagger_card.card_of_files(network, preprocess, reserved=frozenset(TEACHERS))
    return replace(card, name=f"{card.name}-file") if card.name in TEACHERS else card


OF_FLAG = {"--preprocess": "taggers", "--input-shape": "images", "--inputs": "vectors"}
"""Flag that says how a network is fed -> what it is of."""


def card_of_record(name: str, record: dict[str, Any], where: Path) -> Card:
    """Make the card of a finished run's teacher, described by the run's record instead of the teacher's files.

    Args:
        name: the teacher's name; a published one keeps its address.
        record: what `Card.record` returned; that of a network of images or vectors names its kind.
        where: its file, for messages.

    Raises:
        UserError: if it is not such a record.
    """
    kind = record.get("kind")
    if kind == "images":
        return ImageFileCard(name=name, summary="an image network from a file", inputs=NO_IMAGES).with_record(
            record, where
        )
    if kind == "vectors":
        return VectorFileCard(name=name, summary="a network of vectors from a file", inputs=NO_VECTORS).with_record(
            record, where
        )
    published = CMS.get(name)
    return (published or TaggerCard(name=name, summary="a tagger from a file")).with_record(record, where)
