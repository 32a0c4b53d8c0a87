"""PFNano: what is rebuilt of it, its labels, and one line for every file that cannot be used."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import pytest
import torch
import uproot

from tests.jets.pfnano_file import write_pfnano
from zskt.dataset import UNLABELLED
from zskt.errors import UserError
from zskt.jets.pfnano import flatten, is_pfnano, labels_of, read_pfnano
from zskt.jets.pfnano_tables import JET_KINDS
from zskt.jets.sample import SAMPLE


def test_pfnano_is_rebuilt(tmp_path: Path) -> None:
    file = write_pfnano(tmp_path / "nano.root")
    jets = read_pfnano(file, 0.8, ("label_QCD_others",)).samples
    assert len(jets) == 2 and jets.vertices.mask.sum() == 1  # type: ignore[union-attr]
    particles = jets.particles  # type: ignore[union-attr]
    assert particles["pt"][0].tolist() == sorted(particles["pt"][0].tolist(), reverse=True)
    assert set(particles["track"][particles.mask].tolist()) == {0.0, 1.0}
    assert (particles["dxy"][particles["track"] == 0] == 0).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PFCands_d0Err": None}, "no branch PFCands_d0Err"),
        ({"PFCands_eta": [[float("nan")] * 6, [0.1] * 6]}, "NaN in jet 0"),
        ({"FatJetPFCands_jetIdx": [[0] * 6, [5] * 6]}, "has no particles"),
        ({"FatJetPFCands_pFCandsIdx": [[99] * 6, [0] * 6]}, "points outside"),
        ({"FatJet_pt": [[10.0], [20.0]]}, "no FatJet above"),
        ({"FatJet_eta": [[float("nan")], [0.1]]}, "FatJet_eta is not finite"),
    ],
)
def test_broken_pfnano_is_named(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    changed = {k: None if v is None else ak.Array(v) for k, v in changes.items()}  # type: ignore[arg-type]
    file = write_pfnano(tmp_path / "nano.root", **changed)
    with pytest.raises(UserError, match=words) as error:
        read_pfnano(file, 0.8, ("QCD",))
    assert "\n" not in str(error.value)


def test_files_of_events_are_told_from_files_of_jets(tmp_path: Path) -> None:
    assert is_pfnano(write_pfnano(tmp_path / "nano.root"))
    assert not is_pfnano(SAMPLE)
    with uproot.recreate(tmp_path / "jets.root") as file:
        file["Events"] = {"part_px": ak.Array([[1.0]])}
    assert not is_pfnano(tmp_path / "jets.root"), "jets in a tree of that name"
    (tmp_path / "broken.root").write_bytes(b"root")
    assert not is_pfnano(tmp_path / "broken.root")


def test_flattened_arrays_are_of_32_bits() -> None:
    flat = flatten(ak.Array([[1, 2], [], [3]]))
    assert flat.tolist() == [1.0, 2.0, 3.0] and flat.dtype.name == "float32"


def test_small_jets_are_labelled_by_the_most_telling_flavour() -> None:
    rows = {  # hadron flavour, parton flavour, b hadrons, c hadrons, generated jet
        "bb": (5, 5, 2, 0, 0), "b": (5, 5, 1, 0, 0), "c": (4, 4, 0, 1, 0), "g": (0, 21, 0, 0, 0),
        "uds": (0, 2, 0, 0, 0), "pu": (0, 0, 0, 0, -1), "": (0, 0, 0, 0, 3),
    }  # fmt: skip
    names = ("hadronFlavour", "partonFlavour", "nBHadrons", "nCHadrons", "genJetIdx")
    columns = zip(*rows.values(), strict=True)
    events = ak.Array({f"Jet_{name}": [list(column)] for name, column in zip(names, columns, strict=True)})
    everything = ak.Array([[True] * len(rows)])
    classes = ("label_b", "label_c", "label_uds", "label_g", "label_pu", "label_bb")
    labels = labels_of(events, JET_KINDS[0.4], everything, classes)
    assert labels.tolist() == [5, 0, 1, 3, 2, 4, UNLABELLED]
    without_bb = labels_of(events, JET_KINDS[0.4], everything, classes[:-1])
    assert without_bb[0] == 0, "of two b quarks where no class is of two"
    assert torch.equal(labels_of(events, JET_KINDS[0.8], everything, classes), torch.full((7,), UNLABELLED))


def test_jets_of_another_flavour_are_the_background_of_a_score_and_those_of_none_stay_without() -> None:
    rows = ((5, 5, 1, 0, 0), (4, 4, 0, 1, 0), (0, 21, 0, 0, 0), (0, 0, 0, 0, -1), (0, 0, 0, 0, 3))  # b, c, g, pu, none
    names = ("hadronFlavour", "partonFlavour", "nBHadrons", "nCHadrons", "genJetIdx")
    events = ak.Array({f"Jet_{name}": [list(c)] for name, c in zip(names, zip(*rows, strict=True), strict=True)})
    everything = ak.Array([[True] * len(rows)])
    labels = labels_of(events, JET_KINDS[0.4], everything, ("prob_b", "background"), 1)
    assert labels.tolist() == [0, 1, 1, 1, UNLABELLED]
    assert (labels_of(events, JET_KINDS[0.4], everything, ("score", "background"), 1) == UNLABELLED).all()


def test_gluons_are_light_jets_of_taggers_without_a_class_of_gluons() -> None:
    rows = ((5, 5, 1, 0, 0), (4, 4, 0, 1, 0), (0, 21, 0, 0, 0), (0, 2, 0, 0, 0), (0, 0, 0, 0, 3), (0, 21, 0, 0, -1))
    names = ("hadronFlavour", "partonFlavour", "nBHadrons", "nCHadrons", "genJetIdx")
    events = ak.Array({f"Jet_{name}": [list(c)] for name, c in zip(names, zip(*rows, strict=True), strict=True)})
    everything = ak.Array([[True] * len(rows)])
    for light in ("light", "label_udsg", "sudg", "GN2_pu"):
        labels = labels_of(events, JET_KINDS[0.4], everything, ("prob_b", "prob_c", light))
        assert labels.tolist() == [0, 1, 2, 2, 2, UNLABELLED], light
    independent = labels_of(events, JET_KINDS[0.4], everything, ("prob_b", "prob_light"), 2)
    assert independent.tolist() == [0, 2, 1, 1, 1, 2]
    quarks = labels_of(events, JET_KINDS[0.4], everything, ("quark", "gluon"))
    assert quarks.tolist() == [UNLABELLED, UNLABELLED, 1, 0, UNLABELLED, UNLABELLED]


def test_flavours_of_the_file_that_the_tests_share(shared: Path) -> None:
    file = shared / "data/cms/pfnano.root"
    light = read_pfnano(file, 0.4, ("b", "c", "light")).labels
    finest = read_pfnano(file, 0.4, ("b", "c", "uds", "g", "pu", "undef")).labels
    assert torch.bincount(light + 1, minlength=4).tolist() == [12, 0, 3, 49]
    assert torch.bincount(finest, minlength=6).tolist() == [0, 3, 17, 32, 12, 0]
    assert torch.equal(light == 2, (finest == 2) | (finest == 3))
