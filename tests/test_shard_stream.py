"""A shuffled stream of shards: each sample once an epoch, in an order that follows from the seed, exact if resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zskt.errors import UserError
from zskt.forward import Output
from zskt.shard_stream import AnswerShards, ShardStream
from zskt.shards import Manifest, Shard, shard_path, write_shard


def folder_of(path: Path, shards: int, size: int = 10, last: int = 10, width: int = 4) -> Path:
    """Shards whose samples are numbered: x is the number, and so is the answer."""
    path.mkdir()
    samples = (shards - 1) * size + last
    manifest = Manifest(
        preset="p",
        teacher="t",
        teacher_sha256=None,
        generator="g",
        seed=0,
        samples=samples,
        shard_size=size,
        selection={},
        unit="jet",
    )
    manifest.write(path)
    for i in range(shards):
        number = torch.arange(manifest.count(i), dtype=torch.float32) + i * size
        x = number.view(-1, 1, 1).expand(-1, 1, width - i % 2).contiguous()  # shards differ in width
        shard = Shard.of((x,), Output(torch.stack([number, -number], 1)))
        write_shard(shard_path(path, i), shard, {"index": i, "seed": manifest.shard_seed(i)})
    return path


def drawn(stream: ShardStream, batches: int, count: int = 7) -> list[int]:
    numbers = []
    for _ in range(batches):
        (x,), answer = stream.draw(count)
        assert len(x) == count and x.dtype == torch.float32
        assert torch.equal(x[:, 0, 0], answer.logits[:, 0]), "answers go with their samples"
        numbers += x[:, 0, 0].int().tolist()
    return numbers


def test_an_epoch_has_each_sample_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    shards = AnswerShards(folder_of(tmp_path / "a", 6, last=3))
    stream = ShardStream(shards, seed=1, buffer=20)
    numbers = drawn(stream, 3 * 53 // 3, 3)
    epochs = [numbers[i * 53 : (i + 1) * 53] for i in range(3)]
    assert all(sorted(epoch) == list(range(53)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] and epochs[0] != sorted(epochs[0])
    first = epochs[0][:20]
    assert len({number // 10 for number in first}) <= 3, "two shards at once"
    assert len({number // 10 for number in first[:10]}) > 1, "mixed"
    assert ShardStream(shards, seed=1, buffer=20).draw(53)[1].logits[:, 0].int().tolist() == epochs[0]
    assert drawn(ShardStream(shards, seed=2, buffer=20), 1, 53) != epochs[0]


def test_each_file_is_read_once_an_epoch_and_never_again_if_all_fit(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", 6)
    shards = AnswerShards(folder)
    drawn(ShardStream(shards, 0, buffer=20), 40, 3)  # two epochs
    assert 6 < shards.read_count <= 12
    shards = AnswerShards(folder)
    drawn(ShardStream(shards, 0, buffer=1000), 40, 3)
    assert shards.read_count == 6


def test_a_resumed_stream_goes_on_exactly(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", 5)
    whole = drawn(ShardStream(AnswerShards(folder), 3, buffer=20), 30)
    for stop in (1, 7, 8, 19):
        stream = ShardStream(AnswerShards(folder), 3, buffer=20)
        before = drawn(stream, stop)
        other = ShardStream(AnswerShards(folder), 3, buffer=20)
        other.load_state_dict(stream.state_dict())
        assert before + drawn(other, 30 - stop) == whole
        assert other.shards.read_count <= 2 + (30 - stop) * 7 // 10 + 3


def test_memory_holds_the_buffer_whatever_the_number_of_shards(tmp_path: Path) -> None:
    peaks = []
    for shards in (4, 40):
        stream = ShardStream(AnswerShards(folder_of(tmp_path / str(shards), shards, size=50, last=50)), 0, buffer=100)
        held = 0
        for _ in range(shards * 50 // 10):
            stream.draw(10)
            held = max(held, sum(len(shard) for shard in stream._loaded.values()))
        peaks.append(held)
    assert peaks == [100, 100]


def test_shards_that_are_not_there_are_told_at_once(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", 5)
    shard_path(folder, 2).unlink()
    with pytest.raises(UserError, match=r"1 of 5 shards are not there yet; finish --mode answers"):
        AnswerShards(folder)


def test_the_first_samples_are_those_of_the_first_shard(tmp_path: Path) -> None:
    (x,) = AnswerShards(folder_of(tmp_path / "a", 2)).first(4)
    assert x[:, 0, 0].tolist() == [0, 1, 2, 3] and x.dtype == torch.float32
