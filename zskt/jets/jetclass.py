"""Read jets in the layout of JetClass: ROOT (TTree or RNTuple) and parquet, with labels where the file has them.

Units as in `zskt.jets.jets`; K classes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import awkward as ak
import numpy as np
import torch
import uproot
from torch import Tensor

from zskt.dataset import Labelled
from zskt.errors import UserError
from zskt.jets.class_branches import class_flags, class_if_any, one_class
from zskt.jets.data_file import jets_tree, require_file
from zskt.jets.jets import JETCLASS_CLASSES, Jets, JetsOfFile
from zskt.jets.needed_fields import OPTIONAL_FIELDS
from zskt.jets.parquet_columns import as_numbers
from zskt.jets.possible import possible_jets, without_padding
from zskt.terminal import note

MAX_PARTICLES = 128
"""Particles of a jet that are read, the hardest ones: the published networks take no more."""

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

COUNT_NAME = re.compile(r"((jet|fj|fatjet)_)?(nparticles|nconstituents|multiplicity)", re.IGNORECASE)
"""Names of the number of a jet's particles, which follows from them where the file has no such branch."""

LABEL = "label_"
"""What the names of columns with labels begin with: 1 for jets of the class, 0 for others."""
NUMBERED_LABELS = ("label", "jet_label")
"""Names of columns that number the classes, in an order that the file does not tell."""


def read_jets(
    path: Path,
    classes: tuple[str, ...] = JETCLASS_CLASSES,
    *,
    most: int | None = None,
    needed: Collection[str] = OPTIONAL_FIELDS,
) -> Labelled:
    """Read jets of a ROOT or parquet file in the layout of JetClass, told apart by their suffix.

    Args:
        path: the file.
        classes: labels to look for; every jet of a ROOT file must carry exactly one of them. A parquet file may have
            none or only some.
        most: largest number of jets to read, from the start of the file.
        needed: fields of `Jets` beside momenta that must be there; others are zero where they are not.

    Raises:
        UserError: if the file is missing, of another kind, empty, lacks a branch, or holds what no jet can be.
    """
    labels = [f"{LABEL}{name}" for name in classes]
    events = _events(path, needed, labels if path.suffix == ".root" else [], most)
    jets = _jets(events)
    columns = {name: column for name, column in _label_columns(events).items() if name in classes}
    flags = class_flags(columns, path, required=classes)
    if path.suffix == ".root":
        return Labelled(jets, one_class(flags, classes, path))
    return Labelled(jets, class_if_any(flags, classes, len(events), path))


def read_labelled_jets(
    path: Path,
    *,
    most: int | None = None,
    needed: Collection[str] = OPTIONAL_FIELDS,
    named: Collection[str] = (),
) -> tuple[Labelled, tuple[str, ...]]:
    """Read jets with whatever labels the file has, and the names of these labels.

    A jet that carries none of them is `UNLABELLED`. Arguments and errors are those of `read_jets`.

    Args:
        named: further branches of jets or particles, which are read where the file has them.
    """
    events = _events(path, needed, [], most, named)
    flags = class_flags(_label_columns(events), path)
    names = tuple(flags)
    ordered = (*(n for n in JETCLASS_CLASSES if n in names), *(n for n in names if n not in JETCLASS_CLASSES))
    jets = _jets(events, named)
    strict = set(JETCLASS_CLASSES) <= set(ordered)
    labels = one_class(flags, ordered, path) if strict else class_if_any(flags, ordered, len(events), path)
    return Labelled(jets, labels), ordered


def _is_label(name: str) -> bool:
    return name.startswith(LABEL) and len(name) > len(LABEL)


def _label_columns(events: ak.Array) -> dict[str, ak.Array]:
    return {name.removeprefix(LABEL): events[name] for name in events.fields if _is_label(name)}


def _events(
    path: Path, needed: Collection[str], labels: list[str], most: int | None, named: Collection[str] = ()
) -> ak.Array:
    """Read the columns of jets, required ones and those that are there, and all labels."""
    require_file(path)
    branches = [branch for field, branch in _BRANCHES.items() if field in needed or field not in OPTIONAL_FIELDS]
    required = [*branches, "jet_pt", "jet_energy", *labels]
    if path.suffix == ".root":
        events = _read_root(path, required, most, named)
    elif path.suffix == ".parquet":
        events = _read_parquet(path, required, most, named)
    else:
        raise UserError(f"{path}: unknown kind of file {path.suffix!r}; known: .root, .parquet")
    if not len(events):
        raise UserError(f"{path}: the file holds no jets; give one that does")
    _require_shapes(events, path, named)
    events = without_padding(events)
    # Further columns may hold infinities, for which taggers have numbers of their own: no reason to leave jets out.
    own = events[[name for name in events.fields if name in required or name not in named]]
    return events[possible_jets(ak.with_field(own, np.arange(len(events)), "row"), path)["row"]]


def _wanted(present: list[str], required: list[str], named: Collection[str]) -> list[str]:
    """Return the columns to read: the required ones, optional ones that are there, and labels."""
    optional = [name for name in present if name in _BRANCHES.values() or name in named or _is_label(name)]
    return list(dict.fromkeys([*required, *optional]))


def _tell_numbered(present: list[str], wanted: list[str], path: Path) -> None:
    """Say that labels which are numbers are not used, where the file has no others."""
    numbered = next((name for name in NUMBERED_LABELS if name in present), None)
    if numbered is not None and not any(map(_is_label, wanted)):
        note(f"zskt: {path}: its {numbered} is a number that names no class: the jets count as unlabelled")


def _require_branches(present: list[str], required: list[str], path: Path) -> None:
    missing = [name for name in required if name not in present]
    if missing:
        raise UserError(
            f"{path}: no branch {', '.join(missing)}; the JetClass layout has them, see docs/reference/data-formats.md"
        )


def _read_root(path: Path, branches: list[str], most: int | None, named: Collection[str]) -> ak.Array:
    try:
        with uproot.open(path) as file:
            tree = jets_tree(file, branches, path)
            present = list(tree.keys())
            _require_branches(present, branches, path)
            wanted = _wanted(present, branches, named)
            _tell_numbered(present, wanted, path)
            return tree.arrays(wanted, entry_stop=most)
    except UserError:
        raise
    except Exception as error:  # uproot raises whatever the broken bytes lead to
        raise UserError(f"{path}: not a readable ROOT file ({_one_line(error)}); fetch it again") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _dense(branch: ak.Array, slots: int) -> Tensor:
    """Pad a jagged branch with zeros: (B, P)."""
    padded = ak.fill_none(ak.pad_none(branch, slots, clip=True), 0)
    return torch.from_numpy(ak.to_numpy(padded).astype(np.float32))


def _jets(events: ak.Array, named: Collection[str] = ()) -> Jets:
    """Sort and pad the particles of each jet."""
    # The published networks look at the first 128 by transverse momentum: sort, whatever the file's order.
    pt = np.hypot(events["part_px"], events["part_py"])
    order = ak.argsort(pt, axis=1, ascending=False)
    counts = ak.num(pt, axis=1)
    slots = min(MAX_PARTICLES, int(ak.max(counts)))
    has = set(events.fields)
    columns = {f: _dense(events[branch][order], slots) for f, branch in _BRANCHES.items() if branch in has}
    zero = torch.zeros_like(columns["px"])  # of columns that nobody looks at
    columns |= {f: zero for f, branch in _BRANCHES.items() if branch not in has}
    of_jet = {name for name in named if name in has and events[name].ndim == 1}
    scalars = {
        name: torch.from_numpy(ak.to_numpy(events[name]).astype(np.float32)).unsqueeze(1)
        for name in ("jet_pt", "jet_energy", *of_jet)
    }
    counted = dict.fromkeys(
        {name for name in named if COUNT_NAME.fullmatch(name)} - has,
        torch.from_numpy(ak.to_numpy(counts).astype(np.float32)).unsqueeze(1),
    )
    mask = torch.arange(slots).unsqueeze(0) < torch.from_numpy(ak.to_numpy(counts)).unsqueeze(1)
    columns |= {name: scalars[name] for name in ("jet_pt", "jet_energy")}
    if not named:
        return Jets(**columns, mask=mask)
    of_particles = {name: _dense(events[name][order], slots) for name in named if name in has and name not in of_jet}
    further = counted | {name: scalars[name] for name in of_jet}
    return JetsOfFile(**columns, mask=mask, named_of_jet=further, named_of_particles=of_particles)


def _require_shapes(events: ak.Array, path: Path, named: Collection[str]) -> None:
    """Require one list of particles a jet, equally long in every branch, and one number a jet elsewhere but labels."""
    strange = next((n for n in events.fields if not _is_label(n) and not _holds_numbers(events[n])), None)
    if strange is not None:
        raise UserError(
            f"{path}: {strange} holds {events[strange].type.content}, but numbers are needed; mend the file"
        )
    if events["part_px"].ndim != 2:
        raise UserError(f"{path}: part_px is not a list of particles a jet; give a file in the JetClass layout")
    counts = ak.num(events["part_px"], axis=1)
    for name in events.fields:
        particles = name.startswith("part_") or (name in named and events[name].ndim == 2)
        if _is_label(name):
            continue
        if events[name].ndim != 1 + particles or (particles and not ak.all(ak.num(events[name], axis=1) == counts)):
            raise UserError(f"{path}: {name} has another shape than in the JetClass layout; make the file anew")


def _holds_numbers(column: ak.Array) -> bool:
    """Tell whether a column is of numbers alone, as deep as they may lie."""
    kind = column.type.content
    while isinstance(kind, ak.types.ListType | ak.types.RegularType) and "__array__" not in kind.parameters:
        kind = kind.content
    return isinstance(kind, ak.types.NumpyType) and not kind.parameters and kind.primitive[0] in "bfiu"


def _read_parquet(path: Path, columns: list[str], most: int | None, named: Collection[str]) -> ak.Array:
    """Read columns of JetClass-II (C. Li et al., arXiv:2405.12972; jet-universe/sophon), or of what is laid out alike.

    Constituents are as in JetClass. JetClass-II's 188 classes are of resonances of any mass, none of them a class of
    the ten of JetClass: the jets stay unlabelled, and serve agreement and divergence alone. So do jets whose label is
    a number, as in the files that particle_transformer makes: it names no class.
    """
    import pyarrow.parquet as pq  # takes a second to import

    try:
        file = pq.ParquetFile(path)
        present = list(file.schema_arrow.names)
        missing = [name for name in columns if name not in present]
        if missing:
            raise UserError(
                f"{path}: no column {', '.join(missing)}, which the teacher looks at; give a file in the layout of "
                "JetClass that has it"
            )
        wanted = _wanted(present, columns, named)
        table = file.read(columns=wanted)
        _tell_numbered(present, wanted, path)
        table = as_numbers(table if most is None else table.slice(0, most), path)
        return ak.from_arrow(table)
    except UserError:
        raise
    except Exception as error:  # pyarrow and awkward raise whatever the broken bytes lead to
        raise UserError(f"{path}: not a readable parquet file ({_one_line(error)}); fetch it again") from error
