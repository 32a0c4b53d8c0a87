"""Images from files, and the data sets that they belong to."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from teachers import TEACHERS
from tests.conftest import png
from zskt.errors import UserError
from zskt.images.datasets import DATASETS, locate_parquet, read_images
from zskt.images.inputs import ImageInputs


def test_parquet_gives_back_what_was_written(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    rows = [{"bytes": png(image), "path": "x"} for image in pixels]
    pq.write_table(pa.table({"img": rows, "label": [3, 0, 9]}), tmp_path / "test.parquet")
    data = read_images("cifar10", tmp_path, "test")
    assert torch.equal(data.samples, torch.from_numpy(pixels).permute(0, 3, 1, 2))  # type: ignore[arg-type]
    assert data.labels.tolist() == [3, 0, 9]


def idx(file: Path, array: np.ndarray) -> None:  # type: ignore[type-arg]
    """A file of MNIST's format, packed."""
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}i", *array.shape)
    file.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_packed_files_of_its_kind_are_read_and_left_alone(name: str, folder: str, tmp_path: Path) -> None:
    raw = tmp_path / folder / "raw"
    raw.mkdir(parents=True)
    pixels = np.random.default_rng(2).integers(0, 256, (3, 28, 28))
    for split, share in {"train": pixels, "t10k": pixels[:2]}.items():
        idx(raw / f"{split}-images-idx3-ubyte.gz", share)
        idx(raw / f"{split}-labels-idx1-ubyte.gz", np.arange(len(share)))
    (raw / "t10k-labels-idx1-ubyte").write_bytes(gzip.decompress((raw / "t10k-labels-idx1-ubyte.gz").read_bytes()))
    before = sorted(tmp_path.rglob("*"))
    data = read_images(name, tmp_path, "train")
    assert torch.equal(data.samples[:, 0], torch.from_numpy(pixels).byte())  # type: ignore[arg-type]
    assert data.labels.tolist() == [0, 1, 2] and len(read_images(name, tmp_path, "test")) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_images_of_few_classes_are_not_those_of_a_hundred(tmp_path: Path) -> None:
    code = {"bytes": png(np.zeros((32, 32, 3), np.uint8)), "path": None}
    columns = {"img": [code] * 2000, "fine_label": [*range(90)] * 22 + [0] * 20, "coarse_label": [0] * 2000}
    pq.write_table(pa.table(columns), tmp_path / "test.parquet")
    with pytest.raises(UserError, match=r"none of class 90 \(10 of 100 classes are missing\): not those of cifar100"):
        read_images("cifar100", tmp_path, "test")
    columns["fine_label"] = [*range(100)] * 20
    pq.write_table(pa.table(columns), tmp_path / "test.parquet")
    assert torch.bincount(read_images("cifar100", tmp_path, "test").labels).tolist() == [20] * 100


def test_every_data_set_has_a_teacher_that_fits_it() -> None:
    cards = [card for card in TEACHERS.values() if card.dataset is not None]
    assert {card.dataset for card in cards} == set(DATASETS)
    for card in cards:
        assert card.dataset is not None and isinstance(card.inputs, ImageInputs)
        dataset = DATASETS[card.dataset]
        assert (len(set(card.classes)), card.inputs.channels) == (dataset.classes, dataset.channels)
        (x,) = card.inputs(torch.zeros(2, dataset.channels, dataset.side, dataset.side, dtype=torch.uint8))
        assert card.build().eval()(x).shape == (2, dataset.classes)


def test_packed_mnist_is_read_whole(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = read_images("mnist", shared / "data", "test")
    assert data.samples.shape == (10000, 1, 28, 28)  # type: ignore[attr-defined]
    assert torch.bincount(data.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"picture": ["a"], "label": [1]}, "img or image, and label are needed"),
        ({"img": [{"bytes": b"no image", "path": None}], "label": [1]}, "not a readable parquet file of images"),
        (
            {"img": [{"bytes": png(np.zeros((28, 28), np.uint8)), "path": None}], "label": [1]},
            r"images of \(1, 28,",
        ),
        ({"img": [{"bytes": png(np.zeros((64, 64, 3), np.uint8)), "path": None}], "label": [1]}, r"images of \(3, 64"),
        ({"img": [{"bytes": png(np.zeros((32, 32, 3), np.uint8)), "path": None}], "label": [10]}, "up to 10"),
    ],
)
def test_images_of_another_kind_are_refused(columns: dict[str, object], message: str, tmp_path: Path) -> None:
    pq.write_table(pa.table(columns), tmp_path / "test.parquet")
    with pytest.raises(UserError, match=message):
        read_images("cifar10", tmp_path, "test")


def test_images_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_images("mnist", tmp_path / "nothing", "test")
    (tmp_path / "test.parquet").touch()
    with pytest.raises(UserError, match=r"is a file; give a folder with test\.parquet"):
        read_images("mnist", tmp_path / "test.parquet", "test")
    (tmp_path / "test.parquet").unlink()
    with pytest.raises(UserError, match="torchvision's cifar10, whole"):
        read_images("cifar10", tmp_path, "test")

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", offline)
    with pytest.raises(UserError, match=r"cannot fetch it .*give its folder as --data"):
        read_images("mnist", None, "test")


def test_parquet_files_of_a_split_are_found_in_either_layout(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in (
        "test-00001-of-2.parquet",
        "test-00000-of-2.parquet",
        "train.parquet",
        "data/test.parquet",
        "test.csv",
    ):
        (tmp_path / name).touch()
    names = [str(path.relative_to(tmp_path)) for path in locate_parquet(tmp_path, "test")]
    assert names == ["data/test.parquet", "test-00000-of-2.parquet", "test-00001-of-2.parquet"]
