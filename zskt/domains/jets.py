"""The domain of jets: ROOT and parquet files, event displays, what physicists measure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled
from zskt.domains.domain import Diagnosis, Domain, Source
from zskt.errors import UserError
from zskt.jets.sample import SAMPLE
from zskt.jets.student_views import VIEWS
from zskt.jets.variations import VARIATIONS
from zskt.storage.files import sha256
from zskt.terminal import note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zskt.plots.plot import Plot


def _sources(card: Card, path: Path | None, learns: bool) -> tuple[Source | None, Source]:
    def source(file: Path) -> Source:
        read = functools.cache(lambda: card.inputs.read(file, card.classes))
        return Source(file.name, file.stem, "jet", read, (file,), check=read)

    if not learns:
        return None, source(path or SAMPLE)
    if path is None:
        raise UserError("--data: this mode learns from jets: give FILE.root, for example from --mode simulate")
    if path.is_file() and sha256(path) == sha256(SAMPLE):
        note(f"zskt: --data {path}: is the sample that the run is evaluated on; its figures say nothing of other jets")
    return source(path), source(SAMPLE)


def _diagnose(card: Card, data: Labelled, teacher: Tensor, student: Tensor) -> Diagnosis | None:
    from zskt.jets.label_comparison import compare_labels
    from zskt.jets.metrics import compare_taggers, tagging_metrics
    from zskt.jets.plots import overview, tagging_plots

    if not card.classes:
        return None
    samples: Any = data.samples
    compare = compare_labels if card.bernoulli else compare_taggers
    comparison = compare(card.classes, samples, data.labels, teacher, student)
    figures = tagging_metrics(comparison)
    return Diagnosis(figures, lambda: tagging_plots(comparison, figures), lambda: overview(comparison, figures))


def _picture(batch: PseudoBatch, real: Labelled | None, card: Card) -> Figure | None:
    from zskt.jets.event_display import event_display

    return event_display(batch, real)


def _panels(batch: PseudoBatch, real: Labelled | None, card: Card) -> Plot | None:
    from zskt.jets.event_display import jet_panels

    return jet_panels(batch, real)


def _overlay(
    card: Card, data: Labelled, teacher: Tensor, students: Mapping[str, Sequence[Tensor]],
    styles: Mapping[str, Mapping[str, Any]],
) -> Iterator[Plot]:  # fmt: skip
    from zskt.jets.label_comparison import compare_labels
    from zskt.jets.metrics import compare_taggers
    from zskt.jets.overlay_plots import roc_overlay

    samples: Any = data.samples
    compare = compare_labels if card.bernoulli else compare_taggers
    compared = {
        name: [compare(card.classes, samples, data.labels, teacher, logits) for logits in several]
        for name, several in students.items()
    }
    yield roc_overlay(compared, styles)


JETS = Domain(
    _sources,
    _picture,
    panels=_panels,
    diagnose=_diagnose,
    diagnosed_in_runs=True,
    overlay=_overlay,
    more_samples="More jets: zskt --mode simulate --per-class 10000 --out jets.root, then --data jets.root here.",
    default_generator="shower-prior",
    views=VIEWS,
    variations=VARIATIONS,
)
