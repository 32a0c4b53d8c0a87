"""Readers by file, and labels by class."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import torch
import uproot

from tests.jets.pfnano_file import write_pfnano
from tests.toy_taggers import described
from zskt.dataset import UNLABELLED
from zskt.errors import UserError
from zskt.jets.collections import ReconstructedJets
from zskt.jets.features import KIN, KINPID
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import AK8_SELECTION, JETCLASS_CLASSES, Jets
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
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


@pytest.mark.parametrize("prefix", ["label_", "prob", "is", ""])
def test_a_tagger_of_jetclass_own_classes_has_all_labels(prefix: str) -> None:
    data = TaggerInputs(preprocess=described()).read(SAMPLE, tuple(prefix + name for name in JETCLASS_CLASSES))
    assert torch.equal(data.labels, read_jets(SAMPLE).labels) and len(data) == 2000


def _kinematics(path: Path, **more: object) -> Path:
    """Write some jets of the sample as particle_transformer's converters write others: momenta and angles alone."""
    names = ("part_px", "part_py", "part_pz", "part_energy", "part_deta", "part_dphi", "jet_pt", "jet_energy")
    with uproot.open(SAMPLE) as file:
        jets = file["tree"].arrays(names, entry_stop=60)
    ak.to_parquet(ak.Array({name: jets[name] for name in names} | more), str(path))
    return path


def test_only_what_the_teacher_looks_at_is_demanded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _kinematics(tmp_path / "top.parquet", label=np.arange(60) % 2)
    data = KIN.read(file, JETCLASS_CLASSES)
    assert isinstance(data.samples, Jets) and (data.labels == UNLABELLED).all() and (data.samples.charge == 0).all()
    assert torch.equal(data.samples.px, read_jets(SAMPLE, most=60).samples.px)  # type: ignore[attr-defined]
    assert "its label is a number that names no class" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"no column part_charge, part_isChargedHadron.*which the teacher looks at"):
        KINPID.read(file, JETCLASS_CLASSES)
    with pytest.raises(UserError, match="no column part_charge, part_d0val"):
        TaggerInputs(preprocess=described()).read(file, ("a",))


def test_labels_of_parquet_are_matched_by_name(tmp_path: Path) -> None:
    hot = np.arange(60) % 3
    file = _kinematics(tmp_path / "top.parquet", label_QCD=hot == 0, label_Tbqq=hot == 1)
    group = InputGroup("pf_features", (Variable("part_pt_log"),), 1, 60)
    data = TaggerInputs(preprocess=Preprocess((group,), ("top", "qcd"))).read(file, ("top", "qcd"))
    assert data.labels.tolist() == [(1, 0, UNLABELLED)[i] for i in hot]
    assert KIN.read(file, JETCLASS_CLASSES).labels.tolist() == [(0, 8, UNLABELLED)[i] for i in hot]


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
