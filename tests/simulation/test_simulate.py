"""Simulated jets: the file's layout, the physics of every row, and that seeds decide the content."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
ak = pytest.importorskip("awkward")
uproot = pytest.importorskip("uproot")

from zskt.errors import UserError  # noqa: E402
from zskt.simulation.pythia import PROCESSES  # noqa: E402
from zskt.simulation.simulate import simulate  # noqa: E402

PART = (
    "px",
    "py",
    "pz",
    "energy",
    "deta",
    "dphi",
    "charge",
    "isChargedHadron",
    "isNeutralHadron",
    "isPhoton",
    "isElectron",
    "isMuon",
    "d0val",
    "d0err",
    "dzval",
    "dzerr",
)
JET = ("pt", "eta", "phi", "energy", "nparticles", "sdmass")
LABELS = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
PER_CLASS = 2


def _make(folder: Path, seed: int, processes: int) -> Any:
    out = folder / f"jets-{seed}-{processes}.root"
    simulate(out, per_class=PER_CLASS, seed=seed, processes=processes, progress=False)
    assert [path.name for path in folder.iterdir() if path.name.endswith(".part")] == []
    return uproot.open(out)["tree"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def tree(folder: Path) -> Any:
    return _make(folder, seed=3, processes=1)


def test_layout(tree: Any) -> None:
    wanted = {*(f"part_{n}" for n in PART), *(f"jet_{n}" for n in JET), *(f"label_{n}" for n in LABELS)}
    assert tree.classname == "TTree"
    assert set(tree.keys()) - {"npart"} == wanted
    assert tuple(PROCESSES) == LABELS
    jets = tree.arrays()
    labels = np.stack([ak.to_numpy(jets[f"label_{name}"]) for name in LABELS], axis=1)
    assert (labels.sum(axis=0) == PER_CLASS).all()
    assert (labels.sum(axis=1) == 1).all()
    assert all(str(jets[f"part_{name}"].type.content.content) == "float32" for name in PART)


def test_jets_are_the_sums_of_their_particles(tree: Any) -> None:
    jets = tree.arrays()
    assert ak.all((jets.jet_pt > 500) & (jets.jet_pt < 1000) & (abs(jets.jet_eta) < 2))
    px, py, pz, energy = (
        ak.sum(ak.values_astype(jets[f"part_{n}"], "float64"), axis=1) for n in ("px", "py", "pz", "energy")
    )
    whole = ak.to_numpy(jets.jet_nparticles <= 128)
    assert np.allclose(np.hypot(px, py)[whole], jets.jet_pt[whole], rtol=1e-5)
    assert np.allclose(np.arcsinh(pz / np.hypot(px, py))[whole], jets.jet_eta[whole], atol=1e-5)
    assert np.allclose(energy[whole], jets.jet_energy[whole], rtol=1e-5)
    mass = np.sqrt(energy**2 - px**2 - py**2 - pz**2)
    assert ak.all((jets.jet_sdmass >= 0) & (jets.jet_sdmass < mass + 0.1))


def test_particles(tree: Any) -> None:
    jets = tree.arrays()
    px, py, pz, energy = (ak.values_astype(jets[f"part_{name}"], "float64") for name in PART[:4])
    pt = np.hypot(px, py)
    assert ak.all(energy**2 >= px**2 + py**2 + pz**2)
    assert ak.all(pt[:, :-1] >= pt[:, 1:])
    deta = np.sign(jets.jet_eta) * (np.arcsinh(pz / pt) - jets.jet_eta)
    assert ak.all(abs(deta - jets.part_deta) < 1e-3)
    turn = np.exp(1j * (np.arctan2(py, px) - jets.jet_phi))
    assert ak.all(abs(np.angle(turn) - jets.part_dphi) < 1e-3)
    kinds = sum(jets[f"part_{name}"] for name in PART if name.startswith("is"))
    assert ak.all(kinds == 1)
    charged = jets.part_charge != 0
    assert ak.all(charged == ((jets.part_isPhoton == 0) & (jets.part_isNeutralHadron == 0)))
    assert ak.all((jets.part_d0err > 0) == charged)
    assert ak.all((jets.part_dzval == 0)[~charged])


def test_content_depends_on_the_seed_alone(folder: Path, tree: Any) -> None:
    jets, again = tree.arrays(), _make(folder, seed=3, processes=2).arrays()
    assert jets.fields == again.fields
    assert all(ak.array_equal(jets[name], again[name]) for name in jets.fields)
    other = _make(folder, seed=4, processes=2).arrays()
    assert set(jets.jet_pt.to_list()).isdisjoint(other.jet_pt.to_list())


def test_refusals(tmp_path: Path) -> None:
    out = tmp_path / "jets.root"
    out.write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        simulate(out, per_class=1, seed=1)
    assert out.read_text() == "mine"
    with pytest.raises(UserError, match="--per-class"):
        simulate(tmp_path / "new.root", per_class=0, seed=1)
    with pytest.raises(UserError, match="--seed"):
        simulate(tmp_path / "new.root", per_class=1, seed=-1)
    with pytest.raises(UserError, match="not a folder"):
        simulate(tmp_path / "none" / "new.root", per_class=1, seed=1)
