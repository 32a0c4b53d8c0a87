"""Read jets of any file for a tagger: choose the reader, and match the file's labels with the tagger's classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from zskt.dataset import UNLABELLED, Labelled, plain_positions
from zskt.errors import UserError
from zskt.jets.class_groups import group_position
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.jets.pfnano import is_pfnano, read_pfnano

CLASS_SYNONYMS = {
    "Hbb": ("h_bb", "hbb", "xbb"), "Hcc": ("h_cc", "hcc", "xcc"), "Hgg": ("hgg", "xgg"), "H4q": ("h4q", "xww4q"),
    "Wqq": ("wqq", "h_qq", "xqq"), "Zqq": ("zqq",), "Tbqq": ("tbqq", "topbwqq"), "QCD": ("qcd", "qcd_others"),
}  # fmt: skip
"""What taggers call the classes of JetClass; Z -> qq holds heavy quarks too and is no light two-prong jet."""


def read_constituents(file: Path, classes: Sequence[str]) -> Labelled:
    """Read `Jets` of a JetClass file, labelled by position in the classes.

    Raises:
        UserError: if the file cannot be read, or is PFNano.
    """
    if file.suffix == ".root" and is_pfnano(file):
        raise UserError(f"{file}: PFNano feeds taggers of CMS, not this teacher; give a JetClass ROOT file")
    return read_jets(file, tuple(classes))


def read_for_tagger(file: Path, classes: Sequence[str], radius: float, label_of_others: int | None = None) -> Labelled:
    """Read jets of PFNano (`ReconstructedJets`) or of a JetClass file (`Jets`) for a tagger of any classes.

    Jets are labelled where a class of the tagger stands for their label.

    Args:
        file: the file.
        classes: names of the tagger's classes.
        radius: radius of the tagger's jets.
        label_of_others: label of the jets whose own label none of the classes stands for, if one stands for any at
            all: the background of a tagger with one score, none of several independent labels. None leaves them
            without.

    Raises:
        UserError: if the file cannot be read.
    """
    if file.suffix == ".root" and is_pfnano(file):
        return read_pfnano(file, radius, classes, label_of_others)
    jets = read_jets(file)
    labels = _match_labels(jets.labels, classes)
    if label_of_others is not None and bool((labels >= 0).any()):
        labels = torch.where((labels < 0) & (jets.labels >= 0), label_of_others, labels)
    return Labelled(jets.samples, labels)


def _match_labels(labels: Tensor, classes: Sequence[str]) -> Tensor:
    """Replace positions in the classes of JetClass (B,) by positions in other classes, or `UNLABELLED`."""
    plain = plain_positions(classes)
    positions = [
        next((plain[name] for name in CLASS_SYNONYMS.get(c, ()) if name in plain), group_position(c, classes))
        for c in JETCLASS_CLASSES
    ]
    table = torch.tensor([UNLABELLED if position is None else position for position in positions])
    return torch.where(labels >= 0, table[labels.clamp(min=0)], UNLABELLED)
