"""Simulate large-radius jets in the JetClass ROOT layout, for users who have no jets of their own.

Leading-order Pythia 8 at 13 TeV with multiparton interactions and no pile-up (`zskt.simulation.pythia`), a parametric
CMS-like detector (`zskt.simulation.detector`), truth-matched anti-kT jets (`zskt.simulation.clustering`). The spectrum
of the jets' pT is that of the collisions, in all classes. Multiparton interactions take three quarters of the time (40
to 60 jets/s per core with them, some 200 without), but without them jets have up to 10 % fewer particles.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from zskt.errors import UserError
from zskt.simulation.clustering import PARTICLE_NAMES, find_jets
from zskt.simulation.detector import Columns, reconstruct, rows
from zskt.simulation.pythia import PROCESSES, Collider

JET_NAMES = ("pt", "eta", "phi", "energy", "nparticles", "sdmass")
CHUNK_JETS = 250  # jets from one Pythia generator: fewer would pay its start-up (0.5 s) too often
BATCH_COLLISIONS = 50
BASKET_JETS = 10_000
MAX_COLLISIONS_PER_JET = 200  # after so many for each jet that is wanted, a class is given up


class Chunk(NamedTuple):
    """A piece of work that does not depend on how many processes share it."""

    seed: int
    label: str
    """Name of the class."""
    number: int
    """Number of the piece within its class."""
    jets: int
    """Number of jets to make."""


def simulate(out: Path, *, per_class: int, seed: int, processes: int | None = None, progress: bool = True) -> None:
    """Write simulated jets of each of the ten JetClass classes, shuffled, to a ROOT file.

    The tree is ``tree``; branches part_* (jagged, float32, GeV and mm, by descending pT, at most 128), jet_* (float32)
    and label_* (bool, one is true). The content depends on ``per_class`` and ``seed`` alone.

    Args:
        out: the file, which must not exist.
        per_class: number of jets in each class.
        seed: any whole number from 0.
        processes: number of processes to share the work; None for the cores that this process may use.
        progress: whether to show a progress bar.

    Raises:
        UserError: if pythia8mc or fastjet is missing, a number is out of range, or ``out`` exists or cannot be written.
    """
    processes = _cores() if processes is None else processes
    _require_possible(out, per_class, seed, processes)
    chunks = [
        Chunk(seed, label, number, min(CHUNK_JETS, per_class - first))
        for label in PROCESSES
        for number, first in enumerate(range(0, per_class, CHUNK_JETS))
    ]
    tables: list[tuple[Columns, Columns]] = []
    with tqdm(total=per_class * len(PROCESSES), unit="jet", desc="simulate", disable=not progress) as bar:
        for chunk, table in zip(chunks, _make_chunks(chunks, processes), strict=True):
            tables.append(table)
            bar.update(chunk.jets)
    jets = _concatenate([table[0] for table in tables])
    jets["label"] = np.repeat(np.arange(len(PROCESSES)), per_class)
    order = np.random.default_rng(seed).permutation(len(jets["label"]))
    _write(out, jets, _concatenate([table[1] for table in tables]), order)


def _cores() -> int:
    # macOS and Windows do not know which cores a process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _require_possible(out: Path, per_class: int, seed: int, processes: int) -> None:
    for package in ("pythia8mc", "fastjet"):
        if find_spec(package) is None:
            raise UserError(f"simulation needs {package}: pip install -r requirements-sim.txt")
    numbers = (("--per-class", per_class, 1), ("--seed", seed, 0), ("processes", processes, 1))
    for option, value, minimum in numbers:
        if value < minimum:
            raise UserError(f"{option} is {value}: give a whole number of at least {minimum}")
    if out.exists():
        raise UserError(f"{out} exists already: choose another name or remove it")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent} is not a folder: make it or choose another place for {out.name}")
    if not os.access(out.parent, os.W_OK):
        raise UserError(f"cannot write to {out.parent}: choose another place for {out.name}")


def _make_chunks(chunks: list[Chunk], processes: int) -> Iterator[tuple[Columns, Columns]]:
    """Make the tables of all chunks, in order. Spawned, not forked: torch's threads may live in this process."""
    if processes == 1 or len(chunks) == 1:
        yield from map(make_chunk, chunks)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(chunks)), mp_context=context)
    try:
        yield from pool.map(make_chunk, chunks)
    finally:
        pool.shutdown(cancel_futures=True)


def make_chunk(chunk: Chunk) -> tuple[Columns, Columns]:
    """Make the jets and the particles of one chunk, in tables as of `find_jets`; runs in a worker process."""
    entropy = [chunk.seed, list(PROCESSES).index(chunk.label), chunk.number]
    for_pythia, for_detector = np.random.SeedSequence(entropy).spawn(2)
    # Pythia takes seeds from 1 to 900 000 000.
    collider = Collider(PROCESSES[chunk.label], int(for_pythia.generate_state(1)[0]) % 900_000_000 + 1)
    rng = np.random.default_rng(for_detector)
    tables: list[tuple[Columns, Columns]] = []
    jet_count = collision_count = 0
    while jet_count < chunk.jets:
        if collision_count > MAX_COLLISIONS_PER_JET * (chunk.jets + BATCH_COLLISIONS):
            raise RuntimeError(f"{collision_count} collisions gave only {jet_count} jets of class {chunk.label}")
        collisions = min(BATCH_COLLISIONS, 2 * (chunk.jets - jet_count) + 4)
        generated, truth = collider.collide(collisions)
        tables.append(find_jets(reconstruct(generated, rng), collisions, truth))
        jet_count, collision_count = jet_count + len(tables[-1][0]["pt"]), collision_count + collisions
    jets = rows(_concatenate([table[0] for table in tables]), np.s_[: chunk.jets])
    particles = _concatenate([table[1] for table in tables])
    return jets, rows(particles, np.s_[: jets["written"].sum()])


def _concatenate(tables: list[Columns]) -> Columns:
    """Join tables row by row."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _write(out: Path, jets: Columns, particles: Columns, order: Any) -> None:
    """Write the jets in an order; ``out`` appears only when it is whole."""
    import awkward as ak
    import uproot

    fields = {name: ak.unflatten(particles[name], jets["written"])[order] for name in PARTICLE_NAMES}
    content: dict[str, Any] = {"part": ak.zip(fields)}
    content |= {f"jet_{name}": jets[name][order] for name in JET_NAMES}
    content |= {f"label_{label}": (jets["label"] == number)[order] for number, label in enumerate(PROCESSES)}
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with uproot.recreate(part, compression=uproot.LZMA(6)) as file:
            # mktree: a plain assignment would make an RNTuple, which older readers do not know.
            types = {name: getattr(values, "dtype", None) or values.type.content for name, values in content.items()}
            tree = file.mktree("tree", types)
            for first in range(0, len(order), BASKET_JETS):
                tree.extend({name: values[first : first + BASKET_JETS] for name, values in content.items()})
        part.replace(out)
    except OSError as error:
        raise UserError(f"cannot write {out} ({error.strerror}): free space or change --out") from error
    finally:
        part.unlink(missing_ok=True)
