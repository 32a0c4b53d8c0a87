"""Shards of answers: what is written comes back, and what is damaged is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from zskt.errors import UserError
from zskt.forward import Output
from zskt.shards import Manifest, Shard, is_whole, read_shard, shard_metadata, shard_path, write_shard

MANIFEST = Manifest(
    preset="p",
    teacher="t",
    teacher_sha256=None,
    generator="g",
    seed=3,
    samples=25,
    shard_size=10,
    selection={},
    unit="jet",
)


def shard(rows: int = 10) -> Shard:
    torch.manual_seed(1)
    mask = torch.arange(5).expand(rows, 1, 5) < 3
    x = (torch.randn(rows, 2, 5), mask, torch.rand(rows, 4) * 1e6, 2000 + 0.2 * torch.randn(rows, 1))
    return Shard.of(x, Output(torch.randn(rows, 3), {"values": torch.randn(rows, 2)}))


def test_what_is_written_comes_back_with_its_seed_and_sha(tmp_path: Path) -> None:
    path, written = shard_path(tmp_path, 1), shard()
    sha = write_shard(path, written, {"index": 1, "seed": MANIFEST.shard_seed(1)})
    back = read_shard(path)
    assert back.dtypes == written.dtypes and back.dtypes["x.1"] == torch.bool
    assert all(torch.equal(back.columns[name], column) for name, column in written.columns.items())
    assert back.sha256() == sha == (shard_metadata(path) or {})["sha256"]
    assert back.columns["x.0"].dtype == back.columns["logits"].dtype == torch.float16
    assert back.columns["x.2"].dtype == torch.float32, "half precision ends at 65504"
    assert back.columns["x.3"].dtype == torch.float32, "half precision knows whole numbers alone at 2000"
    assert back.columns["values"].dtype == torch.float32, "values have units"
    assert [file.name for file in tmp_path.iterdir()] == ["shard-000001.parquet"]


def test_a_shard_is_whole_with_its_own_rows_and_seed_alone(tmp_path: Path) -> None:
    path = shard_path(tmp_path, 1)
    assert not is_whole(path, MANIFEST, 1)
    write_shard(path, shard(), {"index": 1, "seed": MANIFEST.shard_seed(1)})
    assert is_whole(path, MANIFEST, 1)
    assert not is_whole(path, MANIFEST, 0) and not is_whole(path, replace(MANIFEST, seed=4), 1)
    assert not is_whole(path, replace(MANIFEST, samples=15), 1), "then it would have five"
    path.write_bytes(path.read_bytes()[:-100])
    assert not is_whole(path, MANIFEST, 1)
    with pytest.raises(UserError, match="missing or cut short; make it again"):
        read_shard(path)


def test_changed_bytes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    write_shard(path, shard(), {"index": 0, "seed": 0})
    table = pq.read_table(path)
    other = table.set_column(0, table.schema.field(0), table.column(0).take(list(range(9, -1, -1))))
    pq.write_table(other, path)
    with pytest.raises(UserError, match="its SHA-256 is not the recorded one"):
        read_shard(path)
    assert len(read_shard(path, verify=False)) == 10


def test_counts_and_seeds_follow_from_the_manifest(tmp_path: Path) -> None:
    assert (MANIFEST.shards, [MANIFEST.count(i) for i in range(3)]) == (3, [10, 10, 5])
    seeds = {replace(MANIFEST, seed=s).shard_seed(i) for s in range(20) for i in range(20)}
    assert len(seeds) == 400 and all(0 <= seed < 2**63 for seed in seeds)
    assert MANIFEST.shard_seed(0) == replace(MANIFEST, samples=10**7).shard_seed(0), "a folder may grow"
    MANIFEST.write(tmp_path)
    assert Manifest.read(tmp_path) == MANIFEST
    (tmp_path / "answers.json").write_text('{"shards": 3}')
    with pytest.raises(UserError, match=r"answers.json: written by another version"):
        Manifest.read(tmp_path)
