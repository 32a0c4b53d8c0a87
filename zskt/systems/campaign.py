"""Repeat systems, seed by seed, into records that a table is made of; what is recorded already is kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.results.system_records import FOLDER, SystemRecord, read_record
from zskt.storage.files import write_json
from zskt.systems import SYSTEMS
from zskt.systems.system import System
from zskt.terminal import say


def repeat(
    names: Iterable[str],
    folder: Path,
    data: Path | None,
    seeds: Sequence[int] | None,
    minutes: float | None,
    catalog: Catalog | None = None,
) -> bool:
    """Run what is not recorded yet, and return whether all of it is now.

    Args:
        names: of `SYSTEMS`.
        folder: each system's record goes into its ``systems/NAME.json``.
        data: folder of MNIST; None fetches it.
        seeds: None takes as many as the publication, or three.
        minutes: time after which no further seed is begun.
        catalog: teachers and generators of the systems that take some.

    Raises:
        UserError: if the images cannot be had, or a record there is another experiment's.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for name in names:
        system = SYSTEMS[name]
        path = folder / FOLDER / f"{name}.json"
        record = read_record(path) if path.is_file() else _begun(system)
        if set(record.published) != set(system.published):
            raise UserError(f"{path}: has other figures than this version measures; move it away")
        if (record.title, record.remark) != (system.title, system.remark):
            raise UserError(f"{path}: says otherwise than this version what was done; move it away")
        for seed in seeds or range(system.seeds):
            if str(seed) in record.ours:
                continue
            if end is not None and time.monotonic() > end:
                return False
            begun = time.process_time()
            torch.manual_seed(seed)  # of the networks that it builds
            figures = system.run(seed, catalog if system.takes_catalog else data)
            record.ours[str(seed)] = {figure: float(value) for figure, value in figures.items()}
            record.processor_seconds[str(seed)] = round(time.process_time() - begun, 1)
            write_json(path, record.to_dict())
            say(f"{name}, seed {seed}: {record.processor_seconds[str(seed)]} s of a processor")
    return True


def _begun(system: System) -> SystemRecord:
    return SystemRecord(system.title, system.source, dict(system.published), system.remark)
