"""Readers by file, and labels by class."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.jets.pfnano_file import write_pfnano
from tests.toy_taggers import described
from zskt.dataset import UNLABELLED
from zskt.errors import UserError
from zskt.jets.collections import ReconstructedJets
from zskt.jets.features import KIN
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import AK8_SELECTION, JETCLASS_CLASSES, Jets
from zskt.jets.sample import SAMPLE
from zskt.jets.tagger_inputs import TaggerInputs


def test_labels_are_matched_with_the_classes_of_a_tagger() -> None:
    classes = ("label_H_cc", "label_H_bb", "label_QCD_others")
    labels = TaggerInputs(preprocess=described()).read(SAMPLE, classes).labels
    own = read_jets(SAMPLE).labels
    for name, position in (("Hbb", 1), ("Hcc", 0), ("QCD", 2), ("Zqq", UNLABELLED), ("Tbl", UNLABELLED)):
        assert (labels[own == JETCLASS_CLASSES.index(name)] == position).all(), name


def test_pfnano_feeds_taggers_of_cms_alone(tmp_path: Path) -> None:
    file = write_pfnano(tmp_path / "nano.root")
    data = TaggerInputs(preprocess=described(), selection=AK8_SELECTION).read(file, ("label_QCD",))
    assert isinstance(data.samples, ReconstructedJets) and len(data) == 2
    with pytest.raises(UserError, match="PFNano feeds taggers of CMS, not this teacher"):
        KIN.read(file, JETCLASS_CLASSES)


def test_jetclass_feeds_both() -> None:
    data = KIN.read(SAMPLE, JETCLASS_CLASSES)
    assert isinstance(data.samples, Jets) and torch.bincount(data.labels).tolist() == [200] * 10


@pytest.mark.parametrize(
    ("classes", "own"),
    [
        (("label_Tbqq", "background"), ("Tbqq",)),
        (("top", "background"), ("Tbqq", "Tbl")),
        (("prob_isHiggs", "background"), ("Hbb", "Hcc", "Hgg", "H4q", "Hqql")),
        (("Hbb", "background"), ("Hbb",)),
        (("score_QCD", "signal"), ("QCD",)),
    ],
)
def test_all_jets_but_those_of_a_score_are_its_background(classes: tuple[str, ...], own: tuple[str, ...]) -> None:
    labels = TaggerInputs(preprocess=described(), label_of_others=1).read(SAMPLE, classes).labels
    truth = read_jets(SAMPLE).labels
    for k, name in enumerate(JETCLASS_CLASSES):
        assert (labels[truth == k] == (0 if name in own else 1)).all(), name


def test_jets_of_a_score_that_no_label_stands_for_have_none() -> None:
    labels = TaggerInputs(preprocess=described(), label_of_others=1).read(SAMPLE, ("score", "background")).labels
    assert (labels == UNLABELLED).all()
