"""Jets from any file for any teacher of jets: which reader, and which of the teacher's classes a label stands for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from teachers import AnyCard, TaggerCard
from zskt.dataset import UNLABELLED, Labelled, plain_positions
from zskt.errors import UserError
from zskt.jets.jetclass import CLASSES, read_jets
from zskt.jets.pfnano import is_pfnano, read_pfnano

SAME = {
    "Hbb": ("h_bb", "hbb", "xbb"), "Hcc": ("h_cc", "hcc", "xcc"), "Hgg": ("hgg", "xgg"), "H4q": ("h4q", "xww4q"),
    "Wqq": ("wqq", "h_qq", "xqq"), "Zqq": ("zqq",), "Tbqq": ("tbqq", "topbwqq"), "QCD": ("qcd", "qcd_others"),
}  # fmt: skip
"""What taggers call the classes of JetClass; Z -> qq holds heavy quarks too and is no light two-prong jet."""


def read_for(card: AnyCard, file: Path) -> Labelled:
    """Jets of a file as the teacher's inputs take them, labelled where a class of the teacher stands for their label.

    Raises:
        UserError: if the file cannot be read, or holds jets that this teacher cannot be fed with.
    """
    if file.suffix == ".root" and is_pfnano(file):
        if not isinstance(card, TaggerCard):
            raise UserError(f"{file}: PFNano feeds taggers of CMS, not this teacher; give a JetClass ROOT file")
        return read_pfnano(file, card.inputs.selection.radius, card.classes)
    if not isinstance(card, TaggerCard):
        return read_jets(file, card.classes)
    found = read_jets(file)
    return Labelled(found.samples, _relabelled(found, card.classes))


def _relabelled(found: Labelled, classes: Sequence[str]) -> torch.Tensor:
    plain = plain_positions(classes)
    new = [next((plain[n] for n in SAME.get(c, ()) if n in plain), UNLABELLED) for c in CLASSES]
    return torch.where(found.labels >= 0, torch.tensor(new)[found.labels.clamp(min=0)], UNLABELLED)
