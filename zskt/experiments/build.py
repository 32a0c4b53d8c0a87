"""The networks that a run names: built anew, or read from a finished run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zskt.class_labels import are_numbered
from zskt.contracts import Card
from zskt.dataset import MAX_NAMES
from zskt.domains import DOMAINS
from zskt.ensemble import Ensemble
from zskt.errors import UserError, listed
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.compression import Compression, compressed
from zskt.networks.own_student import is_own
from zskt.networks.regression_head import RegressionHead
from zskt.storage.run_files import STUDENT
from zskt.terminal import note
from zskt.viewed import View, Viewed, make_view


def build_student(config: RunConfig, card: Card, catalog: Catalog) -> nn.Module:
    """Build an untrained student, the same for the same seed; of a run that made one smaller, the smaller one."""
    torch.manual_seed(config.seed)
    outputs = len(card.classes) + len(card.values)
    view = view_of(config, card)
    student: nn.Module = catalog.student(config.student).build(card.inputs if view is None else view.inputs, outputs)
    student = student if view is None else Viewed(view, student)
    student = BernoulliHead(student) if card.bernoulli else student
    student = RegressionHead(student, len(card.values), card.gaussians) if card.values else student
    if config.compression:
        student = compressed(student, Compression(**config.compression), config.student).train()
    return student


def view_of(config: RunConfig, card: Card) -> View | None:
    """Return what the student of a run sees instead of all; None if it sees what its teacher sees.

    Raises:
        UserError: if the domain has no such view, or it does not fit the teacher's inputs.
    """
    return make_view(config.view, card.inputs, DOMAINS[card.domain].views) if config.view else None


def load_student(run: Path, config: RunConfig, catalog: Catalog) -> nn.Module:
    """Load the student of a run, in evaluation mode.

    Raises:
        UserError: if the run has none, or one that does not fit its configuration.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = run / STUDENT
    if not path.is_file():
        again = f"--resume --out {shlex.quote(str(run))}"
        raise UserError(f"{path}: no such file; the run is not finished: continue it with {again}")
    card = catalog.card(config)
    if config.mode != "teacher" and is_own(config.student):
        note(f"zskt: {run / 'config.json'}: its student is code, {config.student}, which is run now")
    network = card.build() if config.mode == "teacher" else build_student(config, card, catalog)
    try:
        network.load_state_dict(load(path.read_bytes()))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise UserError(
            f"{path}: does not hold the {config.student} of {run / 'config.json'}; fetch the run again"
        ) from error
    return network.eval()


def choose_device(name: str) -> torch.device:
    """Return the device of a name; "auto" takes CUDA where there is one.

    Raises:
        UserError: if CUDA is asked for and not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "--device cuda: this machine has no CUDA device that PyTorch can use; take --device cpu or auto"
        )
    return torch.device("cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu"))


def load_teacher(card: Card, members: Sequence[Path] = ()) -> nn.Module:
    """Load a teacher, one network or several.

    Args:
        card: of the first.
        members: files of the others, which are fed as the first is.

    Raises:
        UserError: if a file cannot be read, or holds a network of other classes, or of the same in another order.
    """
    cards = [card, *(card.with_files(path) for path in members)]
    _require_alike(card, members, cards[1:])
    if not members:
        return card.load()
    ensemble = Ensemble([one.load() for one in cards])
    ensemble.published = sum(one.parameters() for one in cards)
    return ensemble


def _require_alike(card: Card, members: Sequence[Path], cards: Sequence[Card]) -> None:
    """Raise `UserError` if a network of an ensemble answers other classes than the first one."""
    for path, one in zip(members, cards, strict=True):
        named = not (are_numbered(one.classes) or are_numbered(card.classes))
        if len(one.classes) != len(card.classes) or (named and one.classes != card.classes):
            same = "one order of classes" if set(one.classes) == set(card.classes) else "the same classes"
            raise UserError(
                f"--teacher-path {path}: its classes are {listed(one.classes, MAX_NAMES)}, those of the first network "
                f"{listed(card.classes, MAX_NAMES)}; give networks with {same}"
            )


def load_run_teacher(card: Card, files: Mapping[str, dict[str, str | None]], path: Path | None) -> nn.Module:
    """Load the teacher of a finished run, one network or several.

    Args:
        files: what the run knows of its files, "path" and "sha256" by role.
        path: where the first is now, if the user says so. Others that are not where the run had them are sought there.

    Raises:
        UserError: if one cannot be had, or is not the one of the run.
    """
    recorded = files.get("teacher", {})
    path = path or recorded_path(recorded)
    card = card.with_files(path) if path is not None else card
    require_same_teacher(card.files()["teacher"], recorded)
    members, roles = [], member_roles(files)
    for role in roles:
        member = Path(str(files[role]["path"]))
        if not member.is_file() and path is not None:
            member = path.parent / member.name
        if not member.is_file():
            raise UserError(
                f"{member}: no such file; it is one of the {1 + len(roles)} networks of this teacher: put all of them "
                "into one folder, and name the first: --teacher-path FILE"
            )
        require_same_teacher(member, files[role])
        members.append(member)
    return load_teacher(card, members)


def require_same_teacher(file: Path, recorded: Mapping[str, str | None]) -> None:
    """Raise `UserError` if a file is not the teacher of a finished run, which recorded its "sha256"."""
    from zskt.storage.files import sha256

    sha = recorded.get("sha256")
    if sha is not None and sha256(file) != sha:
        raise UserError(f"{file}: is not the teacher that this run was distilled from; give that as --teacher-path")


def member_roles(files: Mapping[str, Any]) -> list[str]:
    """List the roles of the further networks of a teacher among the files of a run, "teacher.1" and so on."""
    roles = [role for role in files if role.startswith("teacher.")]
    return sorted(roles, key=lambda role: int(role.rpartition(".")[2]))


def recorded_path(recorded: dict[str, str | None]) -> Path | None:
    """Return where a finished run found a file or folder, if that is still there."""
    place = recorded.get("path")
    return None if place is None or not Path(place).exists() else Path(place)


def taken_for(teacher: nn.Module | None) -> str:
    """Return what the answers of a teacher from a file are taken for, a line a network; nothing of other teachers."""
    networks = getattr(teacher, "networks", (teacher,))
    lines = dict.fromkeys(words for network in networks if (words := getattr(network, "taken_for", "")))
    return "\n".join(f"answers    {words}" for words in lines)
