"""Shards of answers as ``--data`` of mode ``kd``: opened, and seen to be of the run's own teacher."""

from __future__ import annotations

from zskt.contracts import Card
from zskt.dataset import Labelled
from zskt.domains import Source
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.runner import Options
from zskt.shard_stream import AnswerShards
from zskt.shards import MANIFEST, holds_answers
from zskt.storage.files import sha256


def open_shards(config: RunConfig, card: Card, options: Options) -> AnswerShards | None:
    """Open the shards that ``--data`` names; None if it names something else.

    Raises:
        UserError: if a shard is missing, another teacher answered, or the mode needs labels.
    """
    if options.data is None or not holds_answers(options.data):
        return None
    if config.mode != "kd":
        raise UserError(f"--data {options.data}: holds a teacher's answers, without labels; use --mode kd")
    shards = AnswerShards(options.data)
    manifest, path = shards.manifest, options.data / MANIFEST
    if manifest.teacher != config.teacher:
        raise UserError(f"{path}: answers of {manifest.teacher}, not of {config.teacher}; give --teacher")
    if manifest.teacher_sha256 is not None and sha256(card.files()["teacher"]) != manifest.teacher_sha256:
        raise UserError(f"{path}: another file of {config.teacher} answered; give that one as --teacher-path")
    return shards


def answers_source(shards: AnswerShards) -> Source:
    """Return what a run records of its shards: the SHA-256 of ``answers.json`` says what every one of them holds."""

    def read() -> Labelled:
        raise UserError(f"{shards.folder}: shards of answers are streamed, not read as a whole")

    return Source(shards.folder.name, shards.folder.name, shards.manifest.unit, read, (shards.folder / MANIFEST,))
