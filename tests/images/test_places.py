"""Folders in which the files of a data set of images lie."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.images.idx import digits_in
from zskt.errors import UserError
from zskt.images.datasets import find_images, read_images
from zskt.images.places import locate, locate_parquet
from zskt.images.published import DATASETS, named_after

MNIST, CIFAR10 = DATASETS["mnist"], DATASETS["cifar10"]


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST"), ("mnist", "mnist")]
)
def test_the_folder_of_mnist_its_parent_and_its_raw_are_the_same(
    name: str, folder: str, ending: str, tmp_path: Path
) -> None:
    pixels = digits_in(tmp_path / folder / "raw", ending=ending)
    digits_in(tmp_path / "other/raw", seed=1)  # nobody means that one
    before = sorted(tmp_path.rglob("*"))
    for place in (tmp_path, tmp_path / folder, tmp_path / folder / "raw"):
        for split in ("train", "test"):
            data = read_images(name, place, split)
            assert torch.equal(data.samples[:, 0], torch.from_numpy(pixels))  # type: ignore[arg-type]
            assert data.labels.tolist() == [0, 1, 2]
    assert sorted(tmp_path.rglob("*")) == before


def test_files_without_raw_are_found_and_names_with_a_dot(tmp_path: Path) -> None:
    digits_in(tmp_path / "mine")
    for file in list((tmp_path / "mine").iterdir()):
        file.rename(file.with_name(file.name.replace("-idx", ".idx")))
    assert len(read_images("mnist", tmp_path / "mine", "test")) == 3


def test_both_data_sets_in_a_folder_are_told_apart(tmp_path: Path) -> None:
    digits, clothes = digits_in(tmp_path / "MNIST/raw"), digits_in(tmp_path / "FashionMNIST/raw", seed=1)
    for name, pixels in (("mnist", digits), ("fashion-mnist", clothes)):
        samples = read_images(name, tmp_path, "test").samples
        assert torch.equal(samples[:, 0], torch.from_numpy(pixels))  # type: ignore[arg-type]


def test_another_data_set_is_named(tmp_path: Path) -> None:
    digits_in(tmp_path / "FashionMNIST/raw")
    for place in (tmp_path, tmp_path / "FashionMNIST", tmp_path / "FashionMNIST/raw"):
        with pytest.raises(UserError, match="holds FashionMNIST, not MNIST; give the folder of MNIST"):
            find_images("mnist", place, "test")
    (tmp_path / "MNIST/raw").mkdir(parents=True)
    with pytest.raises(UserError, match=r"holds neither test\.parquet nor torchvision's MNIST"):
        find_images("mnist", tmp_path, "test")


def test_images_without_labels_are_told(tmp_path: Path) -> None:
    digits_in(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte: its labels are not beside it"):
        locate(MNIST, tmp_path, "test")
    assert locate(MNIST, tmp_path, "train").layout == "idx"


@pytest.mark.parametrize("folder", [".", "data"])
@pytest.mark.parametrize(
    "names",
    [
        ["test.parquet"],
        ["test-00000-of-2.parquet", "test-00001-of-2.parquet"],
        ["test-00000-of-00001-a09b74b3ef9c3b56.parquet"],
    ],
)
def test_parquet_files_of_a_split_are_found_in_either_layout(tmp_path: Path, folder: str, names: list[str]) -> None:
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    for name in (*reversed(names), "train.parquet", "test_corrupted.parquet", "test2.parquet", "test.csv"):
        (place / name).touch()
    assert locate_parquet(tmp_path, "test") == [place / name for name in names]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["test.parquet", "data/test-0-of-1.parquet"],
            r"more than once \(test.parquet, data/test-0-of-1.parquet\); keep",
        ),
        (["test.parquet", "test-00000-of-00001.parquet"], "test images are there more than once"),
        (["test-0-of-1.parquet", "test-0-of-2.parquet", "test-1-of-2.parquet"], "more than once"),
        (["test-00000-of-00002.parquet"], "are not 2 as test-00000-of-00002.parquet says; fetch all of them"),
    ],
)
def test_one_layout_is_read_whole(tmp_path: Path, names: list[str], message: str) -> None:
    (tmp_path / "data").mkdir()
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=message):
        locate_parquet(tmp_path, "test")


def test_the_parent_of_parquet_files_is_enough_where_it_is_unambiguous(tmp_path: Path) -> None:
    for name in ("plain_text", "cifar10", "svhn", "more"):
        (tmp_path / name).mkdir()
    (tmp_path / "plain_text/test.parquet").touch()
    assert locate(CIFAR10, tmp_path, "test").folder == tmp_path / "plain_text"
    (tmp_path / "svhn/test.parquet").touch()  # of another data set
    assert locate(CIFAR10, tmp_path, "test").folder == tmp_path / "plain_text"
    (tmp_path / "more/test.parquet").touch()
    with pytest.raises(UserError, match=r"test images are in several of its folders \(more, plain_text\); name one"):
        locate(CIFAR10, tmp_path, "test")
    (tmp_path / "cifar10/test.parquet").touch()
    assert locate(CIFAR10, tmp_path, "test").folder == tmp_path / "cifar10"


def test_torchvisions_folder_of_cifar10_and_its_parent(tmp_path: Path) -> None:
    inside = tmp_path / "cifar-10-batches-py"
    inside.mkdir()
    for place in (tmp_path, inside):
        found = locate(CIFAR10, place, "test")
        assert (found.layout, found.files, found.folder) == ("torchvision", (tmp_path,), inside)
        with pytest.raises(
            UserError, match=r"cifar-10-batches-py: torchvision finds its CIFAR10 incomplete or damaged"
        ):
            find_images("cifar10", place, "test")
    with pytest.raises(UserError, match="holds CIFAR10, not CIFAR100"):
        locate(DATASETS["cifar100"], tmp_path, "test")
    (tmp_path / "test_32x32.mat").touch()
    assert locate(DATASETS["svhn"], tmp_path, "test").files == (tmp_path,)


@pytest.mark.parametrize(
    ("folder", "title"),
    [("MNIST/raw", "MNIST"), ("fashion_mnist", "FashionMNIST"), ("cifar-10/data", "CIFAR10"), ("mine", None)],
)
def test_folders_are_named_after_data_sets(folder: str, title: str | None) -> None:
    assert named_after(Path("/somewhere") / folder) == title
