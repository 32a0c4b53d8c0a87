"""The domain of vectors: tables of CSV or parquet, and no pictures."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled
from zskt.domains.domain import Domain, Source
from zskt.errors import MissingSamples, UserError
from zskt.vectors.student_views import VIEWS
from zskt.vectors.tables import read_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE = "a table with a column for each feature, and one called label, as --data FILE.csv or FILE.parquet"


def _sources(card: Card, path: Path | None, learns: bool) -> tuple[Source | None, Source]:
    def source(file: Path) -> Source:
        read = functools.cache(lambda: read_table(file, card.inputs, card.classes))
        return Source(file.name, file.stem, "vector", read, (file,), check=read)

    def missing() -> Labelled:
        known = f"{card.name}: no test vectors are known"
        raise MissingSamples(f"{known} beside those that it learns from" if learns else f"{known}; give {TABLE}")

    nothing = Source(f"{card.name} test", f"{card.name}-test", "vector", missing, check=missing)
    if not learns:
        return None, nothing if path is None else source(path)
    if path is None:
        raise UserError(f"--data: this mode learns from vectors; give {TABLE}")
    return source(path), nothing


def _picture(batch: PseudoBatch, real: Labelled | None, card: Card) -> Figure | None:
    del batch, real, card
    return None


VECTORS = Domain(_sources, _picture, default_generator="tabular-prior", views=VIEWS)
