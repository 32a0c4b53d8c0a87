"""The one file that is read, and the tree of jets in it."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from zskt.errors import UserError
from zskt.jets.data_file import jets_tree, require_file

BRANCHES = {"part_px": ak.Array([[1.0, 2.0], [3.0]]), "jet_pt": np.array([3.0, 3.0])}


def read(path: Path, trees: dict[str, object], required: tuple[str, ...] = ("part_px", "jet_pt")) -> list[float]:
    """Write trees, or a histogram, and read the momenta of the one that is chosen."""
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            file[name] = columns
    with uproot.open(path) as file:
        momenta: list[float] = jets_tree(file, required, path)["jet_pt"].array().tolist()
    return momenta


def test_the_tree_of_that_name_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = BRANCHES | {"jet_pt": np.array([5.0, 5.0])}
    assert read(tmp_path / "a.root", {"jets": other, "tree": BRANCHES}) == [3, 3]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["jets", "dir/tree"])
def test_the_only_tree_of_jets_is_read_and_told(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    meta = {"weight": np.array([1.0])}
    assert read(tmp_path / "a.root", {name: BRANCHES, "meta": meta}) == [3, 3]
    assert f"a.root: no tree named 'tree': reads {name}, which has the branches of jets\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("trees", "words"),
    [
        ({"a": BRANCHES, "b": BRANCHES}, r"no tree named 'tree' but a, b; write the jets as a tree named 'tree'"),
        ({"tree": np.histogram([1.0])}, r"no tree named 'tree' but tree \(TH1D\); write the jets as a tree named"),
        (
            {"a": {"jet_pt": np.array([1.0])}, "b": {"x": np.array([1.0])}},
            r"no tree named 'tree' but a, b, and a has no branch part_px; write the jets",
        ),
        ({}, r"no tree named 'tree' but nothing; write"),
    ],
)
def test_what_is_there_instead_is_named(trees: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        read(tmp_path / "a.root", trees)


def test_folders_and_patterns_of_files_are_told_from_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "jets"
    folder.mkdir()
    with pytest.raises(UserError, match="jets: is a folder without files of jets; give --data"):
        require_file(folder)
    for name in ("part_1.root", "notes.txt"):
        (folder / name).touch()
    with pytest.raises(UserError, match=r"jets: is a folder, no file; give --data .*part_1.root"):
        require_file(folder)
    (folder / "part_2.root").touch()
    with pytest.raises(UserError, match=r"jets: is a folder of 2 files of jets; --data takes one file: .* with hadd"):
        require_file(folder)
    with pytest.raises(UserError, match=r"part_\*.root: is a pattern of 2 files of jets; .* with hadd"):
        require_file(folder / "part_*.root")
    (folder / "part_3.parquet").touch()
    with pytest.raises(UserError, match=r"is a folder of 3 files of jets; --data takes one file: merge several$"):
        require_file(folder)
    for name in ("none.root", "none_*.root", "a**b.root"):
        with pytest.raises(UserError, match="no such file; give --data a JetClass ROOT or JetClass-II parquet file"):
            require_file(tmp_path / name)
    require_file(folder / "part_1.root")
