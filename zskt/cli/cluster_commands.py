"""The modes that may work on more than one machine: ``answers`` and ``sweep``."""

from __future__ import annotations

import argparse
from pathlib import Path

from zskt.cli.options import read_run
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.shards import MANIFEST, Manifest

SELECTION = ("radius", "pt_low", "pt_high")
"""Settings that say which samples a teacher is for."""


def answers(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``answers``: all shards that are missing, here or on a cluster, or a few by number."""
    from zskt.cluster.answers import SHARD_SIZE, ShardMaker, made_again, make_shards, missing_shards
    from zskt.cluster.answers import open_answers, plan_answers

    for word in flags.set or ():
        if word.partition("=")[0] not in SELECTION:
            raise UserError(f"--set {word}: --mode answers reads {', '.join(SELECTION)} alone; leave it out")
    config, catalog, options = read_run(_as_mode(flags, "zero-shot"), catalog)
    before = Manifest.read(flags.out) if (flags.out / MANIFEST).is_file() else None
    samples = flags.samples or (before.samples if before else 0)
    size = flags.shard_size or (before.shard_size if before else SHARD_SIZE)
    if samples < 1 or size < 1:
        raise UserError(f"--samples {samples}, --shard-size {size}: say how many, at least 1 each")
    manifest = plan_answers(config, catalog, samples, size)
    open_answers(flags.out, manifest)
    missing = missing_shards(flags.out, manifest) if flags.shard is None else []
    if flags.cluster is not None and missing:
        from zskt.cluster.shard_tasks import make_on_cluster

        make_on_cluster(flags, manifest, missing)
    elif missing or flags.shard is not None:
        maker = ShardMaker.of(flags.out, manifest, catalog.card(config), catalog, options.device)
        for index in flags.shard or ():
            print(made_again(maker, index))
        for index, sha in make_shards(maker, missing):
            print(f"shard {index} of {manifest.shards}: {manifest.count(index)} {manifest.unit}s, SHA-256 {sha[:16]}")
    if flags.shard is None:
        print(f"answers: {samples} {manifest.unit}s in {manifest.shards} shards, {flags.out}; --mode kd --data takes it")


def sweep(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``sweep``."""
    raise UserError("not yet")


def _as_mode(flags: argparse.Namespace, mode: str, **changes: object) -> argparse.Namespace:
    """Return the flags of one run of another mode, which has no folder yet."""
    own = {"mode": mode, "resume": False, "out": None, "run": None} | changes
    return argparse.Namespace(**{**vars(flags), **own})


__all__ = ["Path", "answers", "sweep"]
