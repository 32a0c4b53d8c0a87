"""The modes that may work on more than one machine: ``answers`` and ``sweep``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zskt.cli.modes import MODES, RECIPE, TEACHER_FILES
from zskt.cli.names import require_names
from zskt.cli.options import read_run
from zskt.cli.parser import parse
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.runner import given_files
from zskt.shards import MANIFEST, Manifest
from zskt.storage.files import write_text
from zskt.storage.run_files import STUDENT
from zskt.terminal import say

if TYPE_CHECKING:
    from zskt.cluster.plan import SweepRun
    from zskt.cluster.sweep import Machines

SELECTION = ("radius", "pt_low", "pt_high")
"""Settings that say which samples a teacher is for."""
REPEATED = ("set", "layout", "logger")
"""Flags that are given once for each of their values."""


def answers(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``answers``: all shards that are missing, here or on a cluster, or a few by number."""
    from zskt.cluster.answers import ShardMaker, made_again, make_shards, missing_shards, open_answers

    config, known, options = read_run(_of_mode(flags, "zero-shot"), catalog)
    manifest = _manifest(flags, config, known)
    open_answers(flags.out, manifest)
    missing = missing_shards(flags.out, manifest) if flags.shard is None else []
    if flags.cluster is not None and missing:
        from zskt.cluster.shard_tasks import make_on_cluster

        kept = ("preset", "teacher", "generator", "seed", "set", *TEACHER_FILES, "device", "samples", "shard_size")
        make_on_cluster(flags.out, manifest, missing, arguments_of(flags, "answers", kept), _machines(flags))
    elif missing or flags.shard is not None:
        maker = ShardMaker.of(flags.out, manifest, known.card(config), known, options.device)
        for index in flags.shard or ():
            print(made_again(maker, index), flush=True)
        for index, sha in make_shards(maker, missing):
            print(f"shard {index} of {manifest.shards}: SHA-256 {sha[:16]}", flush=True)
    if flags.shard is None:
        say(f"answers: {manifest.samples} {manifest.unit}s in {manifest.shards} shards of {flags.out}")


def _manifest(flags: argparse.Namespace, config: RunConfig, catalog: Catalog) -> Manifest:
    """Read what is to be answered; a folder that has begun knows how much."""
    from zskt.cluster.answers import SHARD_SIZE, plan_answers

    for word in flags.set or ():
        if word.partition("=")[0] not in SELECTION:
            raise UserError(f"--set {word}: --mode answers reads {', '.join(SELECTION)} alone; leave it out")
    before = Manifest.read(flags.out) if (flags.out / MANIFEST).is_file() else None
    samples = flags.samples if flags.samples is not None or before is None else before.samples
    size = flags.shard_size if flags.shard_size is not None else before.shard_size if before else SHARD_SIZE
    if samples is None:
        raise UserError("--mode answers: say how many samples: --samples N")
    if samples < 1 or size < 1:
        raise UserError(f"--samples {samples}, --shard-size {size}: must be at least 1 each")
    return plan_answers(config, catalog, samples, size)


def sweep(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``sweep``: all runs, then the tables of their results."""
    from zskt.cluster.plan import plan
    from zskt.cluster.states import Phase
    from zskt.cluster.sweep import sweep as run_sweep

    has_file = flags.teacher_path is not None
    runs = plan(
        flags.presets,
        flags.methods or (),
        flags.seeds or (0,),
        catalog,
        teacher=flags.teacher,
        has_teacher_file=has_file,
    )

    @cache
    def of_first_seed(run: SweepRun) -> tuple[RunConfig, dict[str, str | None]]:
        given = parse(_arguments(flags, run, None))
        require_names(given)
        config, known, options = read_run(given, catalog)
        return config, given_files(config, known.card(config), options)

    def config(run: SweepRun) -> RunConfig:
        return of_first_seed(replace(run, seed=runs[0].seed))[0].with_(seed=run.seed)

    def files(run: SweepRun) -> dict[str, str | None]:
        return of_first_seed(replace(run, seed=runs[0].seed))[1]

    machines = _machines(flags)
    board = run_sweep(runs, lambda run: _arguments(flags, run, flags.out), config, files, flags.out, machines)
    print(board.table())
    if any(state.phase == Phase.DONE for state in board.states.values()):
        _write_tables(flags.out, catalog)
    failed = [name for name, state in board.states.items() if state.phase == Phase.FAILED]
    if failed:
        raise UserError(f"{len(failed)} of {len(runs)} runs failed, {failed[0]} first; the same command goes on")


def _write_tables(folder: Path, catalog: Catalog) -> None:
    """Print the tables of the sweep's own runs; all tables, with what the paper's lack, go to a file."""
    from zskt.results.records import read_records
    from zskt.results.tables import all_tables, preset_rows, preset_tables, unjudged_line

    path = folder / "tables.md"
    write_text(path, all_tables(folder, catalog) + "\n")
    records = read_records(folder)
    parts = [*preset_tables(preset_rows(records, catalog)), unjudged_line(records), f"all tables: {path}"]
    print("\n" + "\n\n".join(part for part in parts if part))


def _arguments(flags: argparse.Namespace, run: SweepRun, out: Path | None) -> list[str]:
    """Return the command line of a run of a sweep, without its folder.

    Args:
        out: folder of all runs, where the teacher is that comes first; None leaves the teacher's file out.
    """
    kept = [name for name in (*RECIPE, *TEACHER_FILES) if name not in ("preset", "method", "seed")]
    kept = kept if run.takes_recipe else []
    given = argparse.Namespace(**{**vars(flags), "preset": run.preset, "method": run.method, "seed": run.seed})
    if run.needs is not None and out is not None:
        given.teacher_path = (out / run.needs / STUDENT).absolute()
    kept += ["preset", "method", "seed", "device", "logger"]
    kept += (["data"] if run.takes_data else []) + (["teacher_path"] if run.needs else [])
    return arguments_of(given, run.mode, dict.fromkeys(kept))


def arguments_of(flags: argparse.Namespace, mode: str, names: Iterable[str]) -> list[str]:
    """Return the command line of another run with those flags that are given and that its mode reads.

    Files are named from the root, as the run may begin elsewhere.
    """
    arguments = ["--mode", mode]
    for name in names:
        value = getattr(flags, name, None)
        if value is None or value is False or name not in MODES[mode].flags:
            continue
        flag = f"--{name.replace('_', '-')}"
        if name == "teacher_path" and flags.members:
            value = [value, *flags.members]
        if value is True:
            arguments.append(flag)
        elif isinstance(value, list) and name not in REPEATED:
            arguments += [flag, *map(_word, value)]
        else:
            arguments += [f"{flag}={_word(entry)}" for entry in (value if isinstance(value, list) else [value])]
    return arguments


def _word(value: Any) -> str:
    return str(value.absolute()) if isinstance(value, Path) else str(value)


def _machines(flags: argparse.Namespace) -> Machines:
    """Read where tasks work."""
    from zskt.cluster.engines import require_dask
    from zskt.cluster.site import read_site
    from zskt.cluster.sweep import WORKERS, Machines

    workers = WORKERS if flags.workers is None else flags.workers
    if workers < 1:
        raise UserError(f"--workers is {workers}, but must be at least 1")
    kind = flags.cluster or "local"
    require_dask(kind)
    return Machines(kind=kind, site=read_site(flags.site), workers=workers)


def _of_mode(flags: argparse.Namespace, mode: str) -> argparse.Namespace:
    """Return the flags as another mode would have them, with no folder yet."""
    return argparse.Namespace(**{**vars(flags), "mode": mode, "resume": False, "out": None, "run": None})
