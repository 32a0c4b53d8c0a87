"""Read JetClass files, and get one line for every file that cannot be read."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import torch
import uproot

from zskt.dataset import UNLABELLED
from zskt.errors import UserError
from zskt.jets.features import FULL
from zskt.jets.jetclass import read_jets, read_labelled_jets
from zskt.jets.jets import JETCLASS_CLASSES, JetsOfFile
from zskt.jets.possible import MOMENTA
from zskt.jets.sample import SAMPLE

Columns = dict[str, ak.Array]


@pytest.fixture
def columns() -> Columns:
    with uproot.open(SAMPLE) as file:
        tree = file["tree"]
        names = [name for name in tree.keys(recursive=False) if name.startswith(("part_", "jet_", "label_"))]
        arrays = tree.arrays(names, entry_stop=5)
    return {name: arrays[name] for name in names}


def write(path: Path, columns: Columns, tree: str = "tree") -> Path:
    with uproot.recreate(path) as file:
        file[tree] = columns
    return path


def test_the_sample_that_ships_is_balanced_and_small() -> None:
    data = read_jets(SAMPLE)
    assert len(data) == 2000
    assert torch.bincount(data.labels).tolist() == [200] * 10
    assert SAMPLE.stat().st_size < 3e6


def test_particles_are_sorted_whatever_the_files_order(tmp_path: Path, columns: Columns) -> None:
    reversed_ = {k: v[:, ::-1] if k.startswith("part_") else v for k, v in columns.items()}
    a, b = read_jets(write(tmp_path / "a.root", columns)), read_jets(write(tmp_path / "b.root", reversed_))
    assert torch.equal(a.samples.px, b.samples.px)


def test_rntuple_and_tree_read_alike(tmp_path: Path, columns: Columns) -> None:
    with uproot.recreate(tmp_path / "tuple.root") as file:
        file.mkrntuple("tree", columns)
    with uproot.open(tmp_path / "tuple.root") as file:
        assert "RNTuple" in type(file["tree"]).__name__
    a, b = read_jets(tmp_path / "tuple.root"), read_jets(write(tmp_path / "tree.root", columns))
    assert torch.equal(a.samples.px, b.samples.px) and torch.equal(a.labels, b.labels)


def test_branches_of_another_shape(tmp_path: Path, columns: Columns) -> None:
    flat = columns | {name: columns["jet_pt"] for name in columns if name.startswith("part_")}
    with pytest.raises(UserError, match="part_px is not a list"):
        read_jets(write(tmp_path / "flat.root", flat))
    shorter = columns | {"part_dphi": columns["part_dphi"][:, :-1]}
    with pytest.raises(UserError, match="part_dphi has another shape"):
        read_jets(write(tmp_path / "shorter.root", shorter))


def test_jetclass2_is_read_unlabelled(shared: Path) -> None:
    data = read_jets(shared / "data/jetclass2/JetClassII_example.parquet")
    assert len(data) == 100
    assert (data.labels == UNLABELLED).all()
    assert torch.isfinite(FULL(data.samples)[1]).all()


def test_a_missing_file_and_an_unknown_ending(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_jets(tmp_path / "none.root")
    (tmp_path / "jets.csv").write_text("1,2")
    with pytest.raises(UserError, match=r"unknown kind of file '.csv'; known: .root, .parquet"):
        read_jets(tmp_path / "jets.csv")


@pytest.mark.parametrize("ending", ["root", "parquet"])
@pytest.mark.parametrize("content", [b"", b"not at all", b"root" + bytes(200), b"PAR1" + bytes(50)])
def test_broken_files(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"jets.{ending}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"not a readable|no tree named") as error:
        read_jets(path)
    assert "\n" not in str(error.value)


def test_a_truncated_root_file(tmp_path: Path) -> None:
    path = tmp_path / "jets.root"
    path.write_bytes(SAMPLE.read_bytes()[:200_000])
    with pytest.raises(UserError, match="not a readable ROOT file"):
        read_jets(path)


def test_another_tree_a_missing_branch_no_jets(tmp_path: Path, columns: Columns) -> None:
    assert len(read_jets(write(tmp_path / "other.root", columns, "Events"))) == 5
    lacking = {k: v for k, v in columns.items() if k not in ("part_deta", "label_Tbl")}
    with pytest.raises(UserError, match="no branch part_deta, label_Tbl"):
        read_jets(write(tmp_path / "lacking.root", lacking))
    with pytest.raises(UserError, match="holds no jets"):
        read_jets(write(tmp_path / "empty.root", {k: v[:0] for k, v in columns.items()}))


def at(column: ak.Array, jet: int, value: float) -> ak.Array:
    """The column with another first number in one jet."""
    first = (ak.local_index(column) == 0) & (np.arange(len(column)) == jet)
    return ak.where(first, value, column)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("part_px", np.nan, "1 with a number that is not finite"),
        ("part_energy", np.inf, "1 with a number that is not finite"),
        ("part_energy", 0.0, "1 with less energy than momentum"),
        ("part_pz", 1e30, "1 with more than 100 TeV"),
        ("part_d0val", -1e9, "1 with a number above 10^6"),
    ],
)
def test_an_impossible_jet_is_left_out_and_told(
    name: str, value: float, words: str, tmp_path: Path, columns: Columns, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = read_jets(write(tmp_path / "whole.root", columns))
    assert capsys.readouterr().err == ""
    read = read_jets(write(tmp_path / "one.root", columns | {name: at(columns[name], 1, value)}))
    rest = torch.tensor([0, 2, 3, 4])
    assert torch.equal(read.samples.energy, whole.samples[rest].energy) and torch.equal(read.labels, whole.labels[rest])
    err = capsys.readouterr().err
    assert f"one.root: 1 of 5 jets cannot be, left out: {words}; the first is jet 1\n" in err and err.count("\n") == 1


def test_a_jet_of_no_momentum_or_no_particles_is_left_out(
    tmp_path: Path, columns: Columns, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = {
        k: ak.concatenate([v[:2], v[2:3][:, :0], v[3:]]) if k.startswith("part_") else v for k, v in columns.items()
    }
    bare["jet_pt"] = ak.where(np.arange(5) == 4, -1.0, bare["jet_pt"])
    assert len(read_jets(write(tmp_path / "bare.root", bare))) == 3
    assert "1 without particles, 1 with pT of 0 or less; the first is jet 2" in capsys.readouterr().err


def test_half_precision_is_no_mistake(tmp_path: Path, columns: Columns, capsys: pytest.CaptureFixture[str]) -> None:
    rounded = {k: ak.values_astype(v, np.float16) if k.startswith("part_") else v for k, v in columns.items()}
    wide = {k: ak.values_astype(v, np.float32) if k.startswith("part_") else v for k, v in rounded.items()}
    assert len(read_jets(write(tmp_path / "half.root", wide))) == 5 and not capsys.readouterr().err


def test_a_file_of_other_units_is_refused(tmp_path: Path, columns: Columns) -> None:
    mev = columns | {k: columns[k] * 1000 for k in MOMENTA}
    with pytest.raises(UserError, match=r"5 of 5 jets cannot be \(5 with more than 100 TeV.* GeV and mm"):
        read_jets(write(tmp_path / "mev.root", mev))


def test_jets_that_cannot_be(tmp_path: Path, columns: Columns) -> None:
    unlabelled = columns | {f"label_{name}": columns["label_QCD"] * 0 for name in JETCLASS_CLASSES}
    with pytest.raises(UserError, match=r"jet 0 .* belongs to 0 of the 10 classes"):
        read_jets(write(tmp_path / "unlabelled.root", unlabelled))


def test_a_branch_of_weights_is_no_class(tmp_path: Path, columns: Columns, capsys: pytest.CaptureFixture[str]) -> None:
    weighted = write(tmp_path / "weighted.root", columns | {"label_weight": columns["jet_pt"] * 0.37})
    data, names = read_labelled_jets(weighted)
    assert names == JETCLASS_CLASSES and torch.equal(data.labels, read_jets(weighted).labels)
    assert capsys.readouterr().err.count("label_weight not taken for a class") == 1
    whole = {k: v * 1.0 if k.startswith("label_") else v for k, v in columns.items()}
    nan = columns | {"label_Hbb": at(ak.singletons(whole["label_Hbb"]), 3, np.nan)[:, 0]}
    with pytest.raises(UserError, match=r"nan.root: label_Hbb is nan in 1 of 5 jets \(the first is jet 3\)"):
        read_labelled_jets(write(tmp_path / "nan.root", nan))


@pytest.mark.parametrize("name", ["label", "jet_label"])
def test_labels_that_are_numbers_are_told(
    name: str, tmp_path: Path, columns: Columns, capsys: pytest.CaptureFixture[str]
) -> None:
    numbered = {k: v for k, v in columns.items() if not k.startswith("label_")} | {name: np.arange(5)}
    data, names = read_labelled_jets(write(tmp_path / "numbered.root", numbered))
    assert names == () and (data.labels == UNLABELLED).all()
    assert f"numbered.root: its {name} is a number that names no class: the jets count" in capsys.readouterr().err
    read_labelled_jets(write(tmp_path / "both.root", columns | {name: np.arange(5)}))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
def test_further_branches_are_read_by_name(tmp_path: Path, columns: Columns, suffix: str) -> None:
    columns |= {"part_own": columns["part_px"] + 1, "jet_own": ak.Array([0.0, 2.0, np.inf, 6.0, 1e9])}
    path = tmp_path / f"further{suffix}"
    if suffix == ".root":
        write(path, columns)
    else:
        ak.to_parquet(ak.Array(columns), str(path))
    named = ("jet_own", "jet_sdmass", "part_own", "jet_absent")
    jets = read_labelled_jets(path, named=named)[0].samples
    assert isinstance(jets, JetsOfFile) and set(jets.named_of_jet) == {"jet_own", "jet_sdmass"}
    assert jets.named_of_jet["jet_own"].tolist() == [[0.0], [2.0], [np.inf], [6.0], [1e9]]
    assert torch.allclose(jets.named_of_jet["jet_sdmass"][:, 0], torch.tensor(ak.to_list(columns["jet_sdmass"])))
    assert torch.allclose(jets.named_of_particles["part_own"][jets.mask], jets.px[jets.mask] + 1)
    assert isinstance(later := jets[3:], JetsOfFile)
    assert torch.equal(later.named_of_jet["jet_own"], jets.named_of_jet["jet_own"][3:])
    assert not isinstance(read_jets(path).samples, JetsOfFile)


def test_padding_of_further_columns_is_dropped_with_their_particles(tmp_path: Path, columns: Columns) -> None:
    columns |= {"part_own": columns["part_px"] + 1}
    plain = read_labelled_jets(write(tmp_path / "plain.root", columns), named=("part_own",))[0].samples
    padded = {
        name: ak.to_numpy(ak.fill_none(ak.pad_none(values, 200, clip=True), 0.0)) if values.ndim == 2 else values
        for name, values in columns.items()
    }
    jets = read_labelled_jets(write(tmp_path / "padded.root", padded), named=("part_own",))[0].samples
    assert isinstance(plain, JetsOfFile) and isinstance(jets, JetsOfFile)
    assert torch.equal(jets.mask, plain.mask)
    assert torch.equal(jets.named_of_particles["part_own"], plain.named_of_particles["part_own"])


def test_the_number_of_particles_is_counted_where_the_file_does_not_say_it(tmp_path: Path, columns: Columns) -> None:
    assert ak.to_list(columns["jet_nparticles"]) == ak.to_list(ak.num(columns["part_px"]))
    said = write(tmp_path / "said.root", columns)
    del columns["jet_nparticles"]
    counted = write(tmp_path / "counted.root", columns)
    a, b = (read_labelled_jets(path, named=("jet_nparticles",))[0].samples for path in (said, counted))
    assert isinstance(a, JetsOfFile) and isinstance(b, JetsOfFile)
    assert torch.equal(a.named_of_jet["jet_nparticles"], b.named_of_jet["jet_nparticles"])
