"""Simulated jets from files: JetClass ROOT (TTree or RNTuple) and JetClass-II parquet -> jets with labels.

Units as in `teachers.inputs`; K classes.
"""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import torch
import uproot
from torch import Tensor

from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import UserError
from zskt.jets.jets import Jets

SAMPLE = Path(__file__).parent.parent / "sample" / "sample.root"
"""About 2 000 jets that ship with the project, made by ``--mode simulate``, never used for training."""

CLASSES = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
"""The ten classes of JetClass, in the order of the published networks' outputs."""

SLOTS = 128

_BRANCHES = {
    "px": "part_px",
    "py": "part_py",
    "pz": "part_pz",
    "energy": "part_energy",
    "deta": "part_deta",
    "dphi": "part_dphi",
    "charge": "part_charge",
    "is_charged_hadron": "part_isChargedHadron",
    "is_neutral_hadron": "part_isNeutralHadron",
    "is_photon": "part_isPhoton",
    "is_electron": "part_isElectron",
    "is_muon": "part_isMuon",
    "d0": "part_d0val",
    "d0_error": "part_d0err",
    "dz": "part_dzval",
    "dz_error": "part_dzerr",
}
"""Fields of `Jets` and the branches that hold them."""

_WANTED = [*_BRANCHES.values(), "jet_pt", "jet_energy"]


def read_jets(path: Path, classes: tuple[str, ...] = CLASSES, *, most: int | None = None) -> Labelled:
    """Jets of a JetClass ROOT file or a JetClass-II parquet file, told apart by their ending.

    Args:
        path: the file.
        classes: which labels to look for; every jet must carry exactly one of them.
        most: read only the first so many jets.

    Raises:
        UserError: if the file is missing, of another kind, empty, lacks a branch, or holds what no jet can be.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; give --data a JetClass ROOT or JetClass-II parquet file")
    if path.suffix == ".root":
        events = _read_root(path, [*_WANTED, *(f"label_{name}" for name in classes)], most)
    elif path.suffix == ".parquet":
        from zskt.jets.jetclass2 import read  # pyarrow takes a second to import

        events = read(path, _WANTED, most)
    else:
        raise UserError(f"{path}: unknown kind of file {path.suffix!r}; known: .root, .parquet")
    if not len(events):
        raise UserError(f"{path}: the file holds no jets; give one that does")
    jets = _jets(events, path)
    if path.suffix == ".parquet":
        return Labelled(jets, torch.full((len(events),), UNLABELLED))
    return Labelled(jets, _labels(events, classes, path))


def _require(found: list[str], wanted: list[str], path: Path) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise UserError(
            f"{path}: no branch {', '.join(missing)}; the JetClass layout has them, see README, section Data"
        )


def _read_root(path: Path, wanted: list[str], most: int | None) -> ak.Array:
    try:
        with uproot.open(path) as file:
            if "tree" not in file:
                raise UserError(
                    f"{path}: no tree named 'tree' but {file.keys() or 'nothing'}; give a JetClass ROOT file"
                )
            tree = file["tree"]
            _require(list(tree.keys()), wanted, path)
            return tree.arrays(wanted, entry_stop=most)
    except UserError:
        raise
    except Exception as error:  # uproot raises whatever the broken bytes lead to
        raise UserError(f"{path}: not a readable ROOT file ({_one_line(error)}); fetch it again") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _dense(branch: ak.Array, slots: int) -> Tensor:
    """Jagged -> (B, P), zero on padding."""
    padded = ak.fill_none(ak.pad_none(branch, slots, clip=True), 0)
    return torch.from_numpy(ak.to_numpy(padded).astype(np.float32))


def _jets(events: ak.Array, path: Path) -> Jets:
    _require_shapes(events, path)
    # The published networks look at the first 128 by transverse momentum: sort, whatever the file's order.
    pt = np.hypot(events["part_px"], events["part_py"])
    order = ak.argsort(pt, axis=1, ascending=False)
    counts = ak.num(pt, axis=1)
    if int(ak.min(counts)) == 0:
        first = int(ak.argmin(counts))
        raise UserError(f"{path}: jet {first} has no particles; remove such jets from the file")
    slots = min(SLOTS, int(ak.max(counts)))
    columns = {field: _dense(events[branch][order], slots) for field, branch in _BRANCHES.items()}
    scalars = {
        name: torch.from_numpy(ak.to_numpy(events[name]).astype(np.float32)) for name in ("jet_pt", "jet_energy")
    }
    for name, value in {**columns, **scalars}.items():
        if not bool(torch.isfinite(value).all()):
            bad = int((~torch.isfinite(value)).view(len(value), -1).any(1).nonzero()[0])
            raise UserError(f"{path}: {_BRANCHES.get(name, name)} is not finite in jet {bad}; remove such jets")
    mask = torch.arange(slots).unsqueeze(0) < torch.from_numpy(ak.to_numpy(counts)).unsqueeze(1)
    return Jets(**columns, **{k: v.unsqueeze(1) for k, v in scalars.items()}, mask=mask)


def _require_shapes(events: ak.Array, path: Path) -> None:
    """One list of particles a jet, equally long in every branch, and one number a jet elsewhere."""
    if events["part_px"].ndim != 2:
        raise UserError(f"{path}: part_px is not a list of particles a jet; give a file in the JetClass layout")
    counts = ak.num(events["part_px"], axis=1)
    for name in events.fields:
        particles = name.startswith("part_")
        if events[name].ndim != 1 + particles or (particles and not ak.all(ak.num(events[name], axis=1) == counts)):
            raise UserError(f"{path}: {name} has another shape than in the JetClass layout; make the file anew")


def _labels(events: ak.Array, classes: tuple[str, ...], path: Path) -> Tensor:
    hot = np.stack([ak.to_numpy(events[f"label_{name}"]).astype(bool) for name in classes], 1)
    wrong = np.flatnonzero(hot.sum(1) != 1)
    if len(wrong):
        raise UserError(
            f"{path}: jet {wrong[0]} (and {len(wrong) - 1} more) belongs to {hot[wrong[0]].sum()} of the "
            f"{len(classes)} classes instead of one; keep jets of {', '.join(classes)} only"
        )
    return torch.from_numpy(hot.argmax(1))
