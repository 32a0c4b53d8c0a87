"""Read jets of any file for a tagger: choose the reader, and match the file's labels with the tagger's classes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import Tensor

from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import UserError
from zskt.jets.class_names import match_classes
from zskt.jets.jetclass import read_jets, read_labelled_jets
from zskt.jets.needed_fields import OPTIONAL_FIELDS
from zskt.jets.pfnano import is_pfnano, read_pfnano


def read_constituents(file: Path, classes: Sequence[str], needed: Collection[str] = OPTIONAL_FIELDS) -> Labelled:
    """Read `Jets` in the layout of JetClass, labelled by position in the classes.

    Args:
        needed: fields of `Jets` beside momenta that the file must hold.

    Raises:
        UserError: if the file cannot be read, or is PFNano.
    """
    if file.suffix == ".root" and is_pfnano(file):
        raise UserError(f"{file}: PFNano feeds taggers of CMS, not this teacher; give a JetClass ROOT file")
    return read_jets(file, tuple(classes), needed=needed)


def read_for_tagger(
    file: Path,
    classes: Sequence[str],
    radius: float,
    needed: Collection[str] = OPTIONAL_FIELDS,
    label_of_others: int | None = None,
    named: Collection[str] = (),
) -> Labelled:
    """Read jets of PFNano (`ReconstructedJets`) or in the layout of JetClass (`Jets`) for a tagger of any classes.

    Jets are labelled where a class of the tagger stands for their label.

    Args:
        file: the file.
        classes: names of the tagger's classes.
        radius: radius of the tagger's jets.
        needed: fields of `Jets` beside momenta that the file must hold.
        label_of_others: label of the jets whose own label none of the classes stands for, if one stands for any at
            all: the background of a tagger with one score, none of several independent labels. None leaves them
            without.
        named: further branches of a JetClass file, which are read where it has them.

    Raises:
        UserError: if the file cannot be read.
    """
    if file.suffix == ".root" and is_pfnano(file):
        return read_pfnano(file, radius, classes, label_of_others)
    jets, names = read_labelled_jets(file, needed=needed, named=named)
    labels = _match_labels(jets.labels, names, classes)
    if label_of_others is not None and bool((labels >= 0).any()):
        labels = torch.where((labels < 0) & (jets.labels >= 0), label_of_others, labels)
    return Labelled(jets.samples, labels)


def _match_labels(labels: Tensor, names: Sequence[str], classes: Sequence[str]) -> Tensor:
    """Replace positions in the labels of a file (B,) by positions in the classes of a tagger, or `UNLABELLED`."""
    positions = [UNLABELLED if k is None else k for k in match_classes(names, classes)]
    if not positions:
        return labels
    return torch.where(labels >= 0, torch.tensor(positions)[labels.clamp(min=0)], UNLABELLED)
