"""Taggers that a user brings as files join the registry of teachers for as long as the process runs."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from teachers import TEACHERS, TaggerCard
from zskt.errors import UserError, lookup
from zskt.files import read_json
from zskt.jets.tagger_description import RECORD, Description


@dataclass(frozen=True)
class Catalog:
    """Teachers, students, generators and presets by name."""

    teachers: Mapping[str, Any]
    students: Mapping[str, Any]
    generators: Mapping[str, Any]
    presets: Mapping[str, Any]


def adopt_files(teacher: str | None, network: Path | None, preprocess: Path | None) -> str | None:
    """The teacher's name, known from now on: a tagger's files stand for one, or for those of a named one.

    Args:
        teacher, network, preprocess: of the command line: ``--teacher``, ``--teacher-path``, ``--preprocess``.

    Raises:
        UserError: if the flags do not go together.
    """
    known = None if teacher is None else lookup(TEACHERS, teacher, "teacher")
    if preprocess is None:
        if teacher is None and network is not None and (network.suffix == ".onnx" or _is_torchscript(network)):
            raise UserError(f"--teacher-path {network}: say how it is fed: --preprocess preprocess.json")
        if isinstance(known, TaggerCard) and network is not None and teacher is not None:
            TEACHERS[teacher] = replace(known, local_file=network)
        return teacher
    if known is not None and not isinstance(known, TaggerCard):
        raise UserError(f"--preprocess {preprocess}: {teacher} is fed as its card says; leave one of the two flags out")
    if known is None and network is None:
        raise UserError(
            f"--preprocess {preprocess}: say of which network: --teacher-path model.pt, or a --teacher by name"
        )
    if teacher is not None and known is not None:
        TEACHERS[teacher] = replace(known, local_file=network, preprocess_path=preprocess)
        return teacher
    assert network is not None
    place = network.resolve()
    name = f"{place.parent.name}-{place.stem}"
    if not isinstance(TEACHERS.get(name, TaggerCard(name=name, summary="")), TaggerCard):
        name = f"{name}-file"  # whatever the folder is called, a teacher of ours stays what it is
    line = f"the tagger of {network}"
    TEACHERS[name] = TaggerCard(name=name, summary=line, local_file=network, preprocess_path=preprocess)
    return name


def _is_torchscript(path: Path) -> bool:
    """Whether a file holds a network with its code, and not parameters alone."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def adopt_run(run: Path) -> None:
    """Make the teacher of a run known, if it is a tagger: the run's folder says what it takes and answers."""
    record = run / RECORD
    if not record.is_file():
        return
    name = str(read_json(run / "config.json").get("teacher"))
    described = Description.from_record(read_json(record), record)
    known = TEACHERS.get(name, TaggerCard(name=name, summary="a tagger from a file"))
    if isinstance(known, TaggerCard) and known.preprocess_path is None:
        path = read_json(run / "config.json").get("files", {}).get("teacher", {}).get("path")
        kept = Path(path) if path is not None and Path(path).is_file() else known.local_file
        TEACHERS[name] = replace(known, described=described, local_file=kept)
