"""Padding is no particle; what else cannot be is tested in test_jetclass.py and test_edges.py."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import torch
import uproot

from zskt.errors import UserError
from zskt.jets.jetclass import read_jets
from zskt.jets.possible import possible_jets, without_padding
from zskt.jets.sample import SAMPLE

FILE = Path("jets.root")


def events(px: list[list[float]], regular: bool = False) -> ak.Array:
    """Jets of massless particles along x, with a charge of 1 each."""
    lists = ak.Array(px)
    lists = ak.to_regular(lists) if regular else lists
    names = {"px": lists, "py": 0 * lists, "pz": 0 * lists, "energy": abs(lists), "charge": 0 * lists + 1}
    jet = {"jet_pt": ak.Array([9.0] * len(px)), "jet_energy": ak.Array([9.0] * len(px))}
    return ak.zip({**{f"part_{name}": values for name, values in names.items()}, **jet}, depth_limit=1)


@pytest.mark.parametrize("regular", [False, True])
def test_zeros_at_the_end_of_lists_of_one_length_are_padding(regular: bool, capsys: pytest.CaptureFixture[str]) -> None:
    jets = without_padding(events([[3.0, 2.0, 0.0, 0.0], [4.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]], regular))
    assert jets["part_px"].tolist() == [[3, 2], [4], [1, 2, 3, 4]]
    assert jets["part_charge"].tolist() == [[1, 1], [1], [1, 1, 1, 1]] and jets["jet_pt"].tolist() == [9, 9, 9]
    assert capsys.readouterr().err == ""


def test_jets_of_padding_alone_have_no_particles(capsys: pytest.CaptureFixture[str]) -> None:
    jets = possible_jets(without_padding(events([[3.0, 2.0], [0.0, 0.0], [2.0, 0.0]])), FILE)
    assert jets["part_px"].tolist() == [[3, 2], [2]] and "1 without particles" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("px", "pt", "message"),
    [
        ([[20_000.0, 4_000.0]] * 3, 24_000.0, "3 with a pT of more than 7 TeV"),  # 24 GeV in MeV
        ([[900.0, 100.0]] * 3, 1.0, "3 whose particles add up to another pT"),
        ([[0.1, 0.1]] * 3, 50.0, "3 whose particles add up to another pT"),
    ],
)
def test_units_that_differ_are_told(px: list[list[float]], pt: float, message: str) -> None:
    jets = events(px)
    jets["jet_pt"] = pt
    with pytest.raises(UserError, match=f"3 of 3 jets cannot be .*{message}.*are its units GeV and mm"):
        possible_jets(jets, FILE)


def test_corrections_and_losses_of_a_jet_are_no_fault() -> None:
    for pt in (30.0, 250.0, 6_000.0):
        jets = events([[pt / 2.5, 0.0001], [pt * 1.5, 0.5 * pt]])
        jets["jet_pt"] = pt
        assert len(possible_jets(jets, FILE)) == 2


def test_zeros_elsewhere_are_no_padding(capsys: pytest.CaptureFixture[str]) -> None:
    for lists in ([[3.0, 0.0, 1.0], [4.0, 5.0, 6.0]], [[3.0, 0.0], [4.0]], [[3.0], [2.0]]):
        jets = events(lists)
        assert without_padding(jets) is jets
    jets = possible_jets(without_padding(events([[3.0, 0.0, 1.0, 0.0], [4.0, 5.0, 6.0, 7.0]])), FILE)
    assert jets["part_px"].tolist() == [[4, 5, 6, 7]] and "1 with pT of 0" in capsys.readouterr().err


def test_a_file_of_fixed_arrays_reads_as_one_of_lists(tmp_path: Path) -> None:
    with uproot.open(SAMPLE) as file:
        names = [name for name in file["tree"].keys(recursive=False) if name.startswith(("part_", "jet_", "label_"))]
        columns = file["tree"].arrays(names, entry_stop=20)
    fixed = {
        name: ak.to_numpy(ak.fill_none(ak.pad_none(columns[name], 128, clip=True), 0))
        if name.startswith("part_")
        else ak.to_numpy(columns[name])
        for name in names
    }
    with uproot.recreate(tmp_path / "fixed.root") as file:
        file["tree"] = fixed
    read, expected = read_jets(tmp_path / "fixed.root"), read_jets(SAMPLE, most=20)
    assert np.ndim(fixed["part_px"]) == 2 and torch.equal(read.labels, expected.labels)
    for name in ("px", "energy", "d0", "mask"):
        assert torch.equal(getattr(read.samples, name), getattr(expected.samples, name)), name
