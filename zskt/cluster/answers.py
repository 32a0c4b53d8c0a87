"""Answers at scale: ask a teacher about samples of a prior, shard by shard, each of which can be made again to the bit.

Needs no gradient: the generator is the prior of the preset's generator. A shard depends on the manifest and its number
alone; it is drawn and answered in batches of `BATCH`, from a random stream of its own.

The same bits come back on the same kind of processor, with the same versions and number of threads: the metadata of
each shard name them.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from zskt.contracts import Batch, Card
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.build import choose_device
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.forward import Output, forward
from zskt.generator import Generator, is_trainable
from zskt.padding import join
from zskt.shards import MANIFEST, Manifest, Shard, is_whole, shard_metadata, shard_path, write_shard
from zskt.storage.files import sha256

BATCH = 256
"""Samples drawn and answered at once."""
SHARD_SIZE = 10_000
UNITS = {"jets": "jet", "images": "image", "vectors": "vector", "frames": "sequence"}


def plan_answers(config: RunConfig, catalog: Catalog, samples: int, shard_size: int) -> Manifest:
    """Say what a folder of answers will hold, from a run's preset, teacher, generator and seed.

    Raises:
        UserError: if the teacher has no file, or the generator no prior.
    """
    card = catalog.card(config)
    name = str(config.generator)
    name = catalog.generators[name].prior or name
    with torch.random.fork_rng(devices=[]):
        trainable = is_trainable(catalog.generators[name].build(card.inputs))
    if trainable:
        raise UserError(f"--generator {name}: is trained against a teacher; give one that is a prior, see --mode list")
    file = card.files().get("teacher")
    return Manifest(
        preset=config.preset,
        teacher=config.teacher,
        teacher_sha256=None if file is None else sha256(file),
        generator=name,
        seed=config.seed,
        samples=samples,
        shard_size=shard_size,
        selection=config.selection,
        unit=UNITS.get(card.domain, "sample"),
    )


def open_answers(folder: Path, manifest: Manifest) -> None:
    """Begin a folder of answers, or go on in one: it may grow, but nothing else may differ.

    Raises:
        UserError: if other answers are there, or something else.
    """
    if (folder / MANIFEST).is_file():
        before = Manifest.read(folder)
        same = replace(before, samples=manifest.samples, preset=manifest.preset)
        if same != manifest:
            name = next(n for n in vars(manifest) if getattr(manifest, n) != getattr(same, n))
            raise UserError(
                f"--out {folder}: was begun with {name} {getattr(before, name)}, not {getattr(manifest, name)}; "
                "name another folder"
            )
        if before.samples > manifest.samples:
            raise UserError(f"--out {folder}: has {before.samples} {before.unit}s already; ask for at least as many")
        if before == manifest:
            return
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"--out {folder}: is not empty, and holds no answers; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write(folder)


def missing_shards(folder: Path, manifest: Manifest) -> list[int]:
    """List the shards that are not there, or not whole."""
    return [i for i in range(manifest.shards) if not is_whole(shard_path(folder, i), manifest, i)]


@dataclass
class ShardMaker:
    """Makes shards of a folder: the prior and the teacher, loaded once."""

    folder: Path
    manifest: Manifest
    generator: Generator
    teacher: nn.Module
    device: torch.device

    @classmethod
    def of(cls, folder: Path, manifest: Manifest, card: Card, catalog: Catalog, device: str) -> ShardMaker:
        """Load who takes part."""
        where, domain = choose_device(device), DOMAINS[card.domain]
        torch.manual_seed(manifest.seed)
        generator: Generator = catalog.generators[manifest.generator].build(card.inputs)
        domain.place(generator, where)
        return cls(folder, manifest, generator.eval(), domain.place(card.load(), where), where)

    @torch.no_grad()
    def make(self, index: int) -> Shard:
        """Draw the samples of a shard, and ask the teacher about them."""
        left, parts = self.manifest.count(index), []
        rng = torch.Generator(self.device).manual_seed(self.manifest.shard_seed(index))
        while left:
            x = self.generator.sample(min(left, BATCH), rng).x
            parts.append((tuple(t.cpu() for t in x), _on_cpu(forward(self.teacher, x))))
            left -= len(x[0])
        return Shard.of(*_joined(parts))

    def write(self, index: int) -> str:
        """Make a shard, write it, and return its SHA-256."""
        about = {"index": index, "seed": self.manifest.shard_seed(index), "made_by": made_by(self.device)}
        return write_shard(shard_path(self.folder, index), self.make(index), about)


def made_by(device: torch.device) -> dict[str, Any]:
    """Return what the bits of a shard may depend on beside its seed."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    capability = torch.backends.cpu.get_cpu_capability()
    return {
        "torch": metadata.version("torch"),
        "device": name,
        "capability": capability,
        "threads": torch.get_num_threads(),
    }


def _on_cpu(output: Output) -> Output:
    return Output(output.logits.cpu(), {name: t.cpu() for name, t in output.extras.items()})


def _joined(parts: Sequence[tuple[Batch, Output]]) -> tuple[Batch, Output]:
    """Join batches, padded with zeros to the widest."""
    x = tuple(join(columns) for columns in zip(*(x for x, _ in parts), strict=True))
    extras = {name: join([output.extras[name] for _, output in parts]) for name in parts[0][1].extras}
    return x, Output(join([output.logits for _, output in parts]), extras)


def make_shards(maker: ShardMaker, indices: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Write shards one after the other, and yield number and SHA-256 of each."""
    for index in tqdm(indices, "shards", disable=not sys.stderr.isatty(), unit="shard"):
        yield index, maker.write(index)


def made_again(maker: ShardMaker, index: int) -> str:
    """Make a shard, compare it with the one that is there, and say what came of it; what is there and whole stays.

    Raises:
        UserError: if there is no such shard, or other bits are there.
    """
    manifest, path = maker.manifest, shard_path(maker.folder, index)
    if not 0 <= index < manifest.shards:
        raise UserError(f"--shard {index}: there are {manifest.shards} shards, from 0 to {manifest.shards - 1}")
    if not is_whole(path, manifest, index):
        return f"{path}: made, SHA-256 {maker.write(index)}"
    about = shard_metadata(path) or {}
    sha = maker.make(index).sha256()
    if sha != about.get("sha256"):
        raise UserError(
            f"{path}: made again, it has SHA-256 {sha[:16]}, not {about.get('sha256', '')[:16]}; it was made by "
            f"{about.get('made_by')}, this is {made_by(maker.device)}: remove it if it is damaged"
        )
    return f"{path}: made again, the same to the bit, SHA-256 {sha}"
