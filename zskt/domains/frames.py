"""The domain of frames: video and series; moving digits that are made here, files of the user's."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled
from zskt.domains.domain import Domain, Source
from zskt.errors import MissingSamples, UserError
from zskt.frames import moving_digits
from zskt.frames.files import read_frames
from zskt.frames.student_views import VIEWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "an .npz with arrays frames and labels, or a .ts, as --data FILE"


def _sources(card: Card, path: Path | None, learns: bool) -> tuple[Source | None, Source]:
    def from_file(file: Path) -> Source:
        read = functools.cache(lambda: read_frames(file, card.inputs, card.classes))
        return Source(file.name, file.stem, "sequence", read, (file,), check=read)

    def made(split: moving_digits.Split) -> Source:
        if card.dataset == moving_digits.NAME:
            title = f"{moving_digits.NAME} {split}"
            return Source(title, title.replace(" ", "-"), "sequence", lambda: moving_digits.moving_digits(split))

        def missing() -> Labelled:
            known = f"{card.name}: no {split} frames are known"
            raise MissingSamples(f"{known} beside those that it learns from" if learns else f"{known}; give {FILE}")

        return Source(f"{card.name} {split}", f"{card.name}-{split}", "sequence", missing, check=missing)

    if not learns:
        return None, made("test") if path is None else from_file(path)
    if path is None and card.dataset != moving_digits.NAME:
        raise UserError(f"--data: this mode learns from frames; give {FILE}")
    return made("train") if path is None else from_file(path), made("test")


def _picture(batch: PseudoBatch, real: Labelled | None, card: Card) -> Figure | None:
    from zskt.frames.pictures import frame_rows

    return frame_rows(batch, real, card)


FRAMES = Domain(_sources, _picture, pictured=6, default_generator="motion-prior", views=VIEWS)
