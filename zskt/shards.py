"""Shards of answers: pseudo-samples with what a teacher answered to them, a parquet file each, any number in a folder.

A folder holds ``answers.json``, which says what was asked of whom, and ``shard-000000.parquet`` and so on. Each shard
carries, in its metadata, its number, the seed that it was drawn with and the SHA-256 of its columns.

Shapes: B samples of a shard. Columns are ``x.0``, ``x.1``, ... (what networks are called with), ``logits`` and whatever
else the teacher answers, as lists of fixed length; the metadata has their shapes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.forward import Output
from zskt.replay import MAX_HALF, kept_as
from zskt.storage.documents import checked
from zskt.storage.files import read_json, write_json
from zskt.storage.whole_files import replacing

MANIFEST = "answers.json"
METADATA = b"zskt"
"""Key of the metadata of a shard."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a folder of shards is made of: ``answers.json``."""

    preset: str
    teacher: str
    teacher_sha256: str | None
    generator: str
    """The prior that draws the samples."""
    seed: Annotated[int, Meta(ge=0)]
    samples: Annotated[int, Meta(ge=1, le=10**12)]
    shard_size: Annotated[int, Meta(ge=1, le=10**9)]
    """Samples of each shard; the last may have fewer."""
    selection: dict[str, float]
    """Which jets the teacher is for, as far as the user said so."""
    unit: str
    """What a sample is called: "jet", "image", "vector"."""

    @property
    def shards(self) -> int:
        """The number of shards."""
        return -(-self.samples // self.shard_size)

    def count(self, index: int) -> int:
        """Return the number of samples of a shard."""
        return min(self.shard_size, self.samples - index * self.shard_size)

    def shard_seed(self, index: int) -> int:
        """Return the seed of a shard's random stream, in [0, 2^63)."""
        return int(np.random.SeedSequence([self.seed, index]).generate_state(1, np.uint64)[0] >> np.uint64(1))

    def write(self, folder: Path) -> None:
        """Write ``answers.json`` into a folder, atomically."""
        write_json(folder / MANIFEST, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the ``answers.json`` of a folder.

        Raises:
            UserError: if there is none, or another version wrote it.
        """
        values = read_json(folder / MANIFEST)
        if set(values) != {f.name for f in fields(cls)}:
            raise UserError(f"{folder / MANIFEST}: written by another version of zskt; use that version")
        return checked(values, cls, folder / MANIFEST)


def holds_answers(path: Path | None) -> bool:
    """Tell whether a path is a folder of shards."""
    return path is not None and (path / MANIFEST).is_file()


def shard_path(folder: Path, index: int) -> Path:
    """Return the file of a shard."""
    return folder / f"shard-{index:06d}.parquet"


@dataclass(frozen=True)
class Shard:
    """The content of a shard, in the precision that it is kept in."""

    columns: dict[str, Tensor]
    """(B, ...) each."""
    dtypes: dict[str, torch.dtype]
    """The precision in which networks take and give them."""

    def __len__(self) -> int:
        return len(self.columns["logits"])

    @classmethod
    def of(cls, x: Batch, output: Output) -> Shard:
        """Keep samples and answers, in half precision where no feature loses by it (`zskt.replay.kept_as`)."""
        columns = {f"x.{i}": t.cpu() for i, t in enumerate(x)} | {"logits": output.logits.cpu()}
        columns |= {name: t.cpu() for name, t in output.extras.items()}
        return cls({name: _rounded(name, t) for name, t in columns.items()}, {n: t.dtype for n, t in columns.items()})

    def sha256(self) -> str:
        """Hash names, kinds, shapes and bytes of all columns."""
        digest = hashlib.sha256()
        for name, column in sorted(self.columns.items()):
            digest.update(f"{name} {column.dtype} {tuple(column.shape)}\n".encode())
            digest.update(column.contiguous().numpy().tobytes())
        return digest.hexdigest()


def _rounded(name: str, column: Tensor) -> Tensor:
    kept = kept_as(name, column)
    return column.clamp(-MAX_HALF, MAX_HALF).half() if kept == torch.float16 else column.to(kept)


def write_shard(path: Path, shard: Shard, about: Mapping[str, Any]) -> str:
    """Write a shard atomically, and return its SHA-256.

    Args:
        about: what else the metadata say, such as "index" and "seed".
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sha = shard.sha256()
    described = {
        name: {"shape": list(column.shape[1:]), "dtype": str(shard.dtypes[name]).removeprefix("torch.")}
        for name, column in shard.columns.items()
    }
    arrays = {name: _as_arrow(column) for name, column in shard.columns.items()}
    metadata = json.dumps({**about, "rows": len(shard), "sha256": sha, "columns": described}, sort_keys=True)
    table = pa.table(arrays).replace_schema_metadata({METADATA: metadata.encode()})
    with replacing(path, name=f".{path.name}.{os.getpid()}.tmp") as temporary:  # two that make one shard do not meet
        pq.write_table(table, temporary, compression="zstd", use_dictionary=False)
    return sha


def _as_arrow(column: Tensor) -> Any:
    import pyarrow as pa

    flat = pa.array(column.reshape(-1).numpy())
    return pa.FixedSizeListArray.from_arrays(flat, column[0].numel()) if column.dim() > 1 else flat


def shard_metadata(path: Path) -> dict[str, Any] | None:
    """Return the metadata of a shard; None if there is none, or it is cut short."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
        about: dict[str, Any] = json.loads(metadata.metadata[METADATA])
    except Exception:  # pyarrow raises whatever the broken bytes lead to
        return None
    return about if about.get("rows") == metadata.num_rows else None


def is_whole(path: Path, manifest: Manifest, index: int) -> bool:
    """Tell whether a shard is there, with all its samples and the seed that it must have."""
    about = shard_metadata(path)
    return (
        about is not None
        and about["rows"] == manifest.count(index)
        and (about.get("index"), about.get("seed")) == (index, manifest.shard_seed(index))
    )


def read_shard(path: Path, *, verify: bool = True) -> Shard:
    """Read a shard.

    Args:
        verify: compare the columns with the SHA-256 of the metadata.

    Raises:
        UserError: if it is not there, cut short, or not what was written.
    """
    import pyarrow.parquet as pq

    about = shard_metadata(path)
    remedy = "make it again: --mode answers with its --out and --shard"
    if about is None:
        raise UserError(f"{path}: missing or cut short; {remedy}")
    try:
        table = pq.read_table(path)
        columns = {
            name: _as_tensor(table[name], [about["rows"], *column["shape"]])
            for name, column in about["columns"].items()
        }
        shard = Shard(columns, {name: getattr(torch, column["dtype"]) for name, column in about["columns"].items()})
        is_as_written = not verify or shard.sha256() == about["sha256"]
    except Exception as error:
        raise UserError(f"{path}: not readable ({type(error).__name__}); {remedy}") from error
    if not is_as_written:
        raise UserError(f"{path}: its SHA-256 is not the recorded one; {remedy}")
    return shard


def _as_tensor(column: Any, shape: list[int]) -> Tensor:
    flat = column.combine_chunks()
    if len(shape) > 1:
        flat = flat.flatten()
    return torch.from_numpy(flat.to_numpy(zero_copy_only=False).copy()).reshape(shape)
