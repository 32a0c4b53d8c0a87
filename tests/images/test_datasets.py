"""Images from files, and the data sets that they belong to."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from teachers import TEACHERS
from tests.conftest import png
from tests.images.idx import digits_in, idx
from zskt.errors import MissingSamples, UserError
from zskt.images.datasets import find_images, read_images
from zskt.images.inputs import ImageInputs
from zskt.images.published import DATASETS, ImageDataset


def test_parquet_gives_back_what_was_written(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    rows = [{"bytes": png(image), "path": "x"} for image in pixels]
    pq.write_table(pa.table({"img": rows, "label": [3, 0, 9]}), tmp_path / "test.parquet")
    data = read_images("cifar10", tmp_path, "test")
    assert torch.equal(data.samples, torch.from_numpy(pixels).permute(0, 3, 1, 2))  # type: ignore[arg-type]
    assert data.labels.tolist() == [3, 0, 9]


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
    cards = [card for card in TEACHERS.values() if card.domain == "images" and card.dataset is not None]
    assert {card.dataset for card in cards} == set(DATASETS)
    for card in cards:
        assert card.dataset is not None and isinstance(card.inputs, ImageInputs)
        dataset = DATASETS[card.dataset]
        assert (len(set(card.classes)), card.inputs.channels) == (dataset.classes, dataset.channels)
        (x,) = card.inputs(torch.zeros(2, dataset.channels, dataset.side, dataset.side, dtype=torch.uint8))
        assert card.build().eval()(x).shape == (2, dataset.classes)


def test_packed_mnist_is_read_whole(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSKT_CACHE", str(tmp_path))
    data = read_images("mnist", shared / "data", "test")
    assert data.samples.shape == (10000, 1, 28, 28)  # type: ignore[attr-defined]
    assert torch.bincount(data.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"picture": ["a"], "label": [1]}, "img or image, and label are needed"),
        ({"img": [{"bytes": b"no image", "path": None}], "label": [1]}, "row 0: not an image"),
        (
            {"img": [{"bytes": png(np.zeros((28, 28), np.uint8)), "path": None}], "label": [1]},
            r"images of \(1, 28,",
        ),
        ({"img": [{"bytes": png(np.zeros((64, 64, 3), np.uint8)), "path": None}], "label": [1]}, r"images of \(3, 64"),
        (
            {"img": [{"bytes": png(np.zeros((32, 32, 3), np.uint8)), "path": None}], "label": [10]},
            "label 10, but the classes have no names but their numbers, 0 to 9",
        ),
    ],
)
def test_images_of_another_kind_are_refused(columns: dict[str, object], message: str, tmp_path: Path) -> None:
    pq.write_table(pa.table(columns), tmp_path / "test.parquet")
    with pytest.raises(UserError, match=message):
        read_images("cifar10", tmp_path, "test")


@pytest.mark.usefixtures("offline")
def test_images_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_images("mnist", tmp_path / "nothing", "test")
    (tmp_path / "test.parquet").touch()
    with pytest.raises(UserError, match=r"is a file; give a folder with test\.parquet"):
        read_images("mnist", tmp_path / "test.parquet", "test")
    (tmp_path / "test.parquet").unlink()
    with pytest.raises(
        UserError,
        match=r"neither test\.parquet nor torchvision's CIFAR10; give the folder that does, or its parent",
    ):
        read_images("cifar10", tmp_path, "test")

    with pytest.raises(MissingSamples, match=r"cannot fetch http.*no connection; give the folder of its images as --d"):
        read_images("mnist", None, "test")


COLOUR = png(np.zeros((32, 32, 3), np.uint8))
GREY_16 = png(np.zeros((32, 32), np.uint16))
PALETTE = io.BytesIO()
Image.fromarray(np.zeros((32, 32, 3), np.uint8)).convert("P").save(PALETTE, "PNG")


@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (
            [COLOUR, png(np.zeros((28, 32, 3), np.uint8))],
            [0, 1],
            r"images of \(3, 28, 32\), but cifar10 has",
        ),
        ([GREY_16], [0], "an image of Pillow's mode I;16; 8 bits a channel are needed"),
        ([PALETTE.getvalue()], [0], "an image of Pillow's mode P; 8 bits"),
        ([COLOUR], [-2], "label -2, but the classes have no names but their numbers, 0 to 9"),
        ([COLOUR], [0.5], "label 0.5, but the classes have"),
        ([COLOUR], [[1, 2]], "column label holds list<.*>; a class for each image is needed"),
        ([COLOUR, b""], [0, 1], r"test.parquet row 1: not an image, or a damaged one"),
        ([], [], "holds no images"),
    ],
)
def test_wrong_images_are_noticed_before_a_run(
    codes: list[bytes], labels: list[object], message: str, tmp_path: Path
) -> None:
    rows = pa.array([{"bytes": code} for code in codes], pa.struct([("bytes", pa.binary())]))
    pq.write_table(pa.table({"img": rows, "label": labels}), tmp_path / "test.parquet")
    for reads in (find_images, read_images):
        with pytest.raises(UserError, match=message):
            reads("cifar10", tmp_path, "test")


def test_files_of_mnists_kind_that_are_not_mnists_are_told(tmp_path: Path) -> None:
    digits_in(tmp_path, side=28)
    find_images("mnist", tmp_path, "test")
    digits_in(tmp_path, side=32)
    with pytest.raises(UserError, match=r"images-idx3-ubyte: images of \(1, 32, 32\), but mnist has \(1, 28, 28\)"):
        find_images("mnist", tmp_path, "test")
    digits_in(tmp_path, labels=[0, 1, 11])
    with pytest.raises(UserError, match="labels from 0 to 11, but mnist has classes 0 to 9"):
        find_images("mnist", tmp_path, "test")
    digits_in(tmp_path)
    idx(tmp_path / "t10k-labels-idx1-ubyte", np.arange(2))
    with pytest.raises(UserError, match="t10k-labels-idx1-ubyte: 2 labels of 3 images"):
        find_images("mnist", tmp_path, "test")
    idx(tmp_path / "t10k-images-idx3-ubyte", np.zeros((3, 28, 28), np.int16))
    with pytest.raises(UserError, match=r"holds numbers of int16 and 3 axes; grey images of 8 bits"):
        find_images("mnist", tmp_path, "test")
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
    with pytest.raises(UserError, match="not a whole file of MNIST's kind"):
        find_images("mnist", tmp_path, "test")


def test_clothes_are_no_digits(shared: Path, tmp_path: Path) -> None:
    for name, other, folder in (("mnist", "FashionMNIST", "FashionMNIST"), ("fashion-mnist", "MNIST", "MNIST")):
        for place in (shared / "data" / folder, shared / "data" / folder / "raw"):
            with pytest.raises(UserError, match=f"holds {other}, not "):
                find_images(name, place, "test")
        plain = tmp_path / f"plain-{folder}"  # a name that says nothing: the labels tell
        plain.symlink_to(tmp_path / "there", target_is_directory=True)
        (tmp_path / "there").mkdir(exist_ok=True)
        for file in (shared / "data" / folder / "raw").glob("t10k*"):
            (tmp_path / "there" / file.name).unlink(missing_ok=True)
            (tmp_path / "there" / file.name).symlink_to(file)
        with pytest.raises(UserError, match=f"holds {other}, not "):
            find_images(name, plain, "test")


def test_images_of_a_network_of_the_users_are_those_of_its_size_and_classes(tmp_path: Path) -> None:
    own = ImageDataset("my-network", 3, 32, 2)
    pq.write_table(pa.table({"img": [{"bytes": COLOUR}] * 2, "label": [0, 1]}), tmp_path / "test.parquet")
    assert read_images(own, tmp_path, "test").labels.tolist() == [0, 1]
    with pytest.raises(MissingSamples, match="my-network: no test images are known; give them as --data"):
        read_images(own, None, "test")
    pq.write_table(pa.table({"img": [{"bytes": COLOUR}], "label": [2]}), tmp_path / "test.parquet")
    with pytest.raises(UserError, match="label 2, but the classes have no names but"):
        find_images(own, tmp_path, "test")


NAMED = replace(ImageDataset("mine", 3, 32, 2), names=("cat", "dog"))


def write(place: Path, labels: object, names: list[str] | None = None, codes: list[bytes] | None = None) -> None:
    """Write images as Hugging Face does, the names of classes in its words."""
    images = [{"bytes": code} for code in codes or [COLOUR] * len(labels)]  # type: ignore[arg-type]
    table = pa.table({"image": images, "label": labels})
    if names is not None:
        features = {"label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, place / "test.parquet")


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        ([0, 1, 1], ["dog", "cat"], [1, 0, 0]),
        ([0, -1, None], ["Dog", "Cat"], [1, -1, -1]),
        ([0, 1], ["0", "1"], [0, 1]),
        ([0, 1], None, [0, 1]),
        (["dog", "cat", ""], None, [1, 0, -1]),
        ([1.0, None], None, [1, -1]),
    ],
)
def test_labels_of_images_are_matched_by_name(
    tmp_path: Path, labels: list[object], names: list[str] | None, expected: list[int]
) -> None:
    write(tmp_path, labels, names)
    assert read_images(NAMED, tmp_path, "test").labels.tolist() == expected
    find_images(NAMED, tmp_path, "test")


def test_other_names_are_refused_and_numbers_stand_where_the_network_has_none(tmp_path: Path) -> None:
    write(tmp_path, [0, 1], ["mouse", "cat"])
    with pytest.raises(
        UserError, match="its label 0 is 'mouse', but the network's classes are cat, dog; its run needs --classes"
    ):
        read_images(NAMED, tmp_path, "test")
    assert read_images(ImageDataset("mine", 3, 32, 2), tmp_path, "test").labels.tolist() == [0, 1]
    clothes = replace(DATASETS["cifar10"], names=TEACHERS["cifar10-resnet20"].classes)
    write(tmp_path, [0, 1], ["plane", "automobile"])  # a publisher's other words for the same number
    assert read_images(clothes, tmp_path, "test").labels.tolist() == [0, 1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_images_are_turned_as_their_camera_says(tmp_path: Path, kind: str) -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:8] = 255  # bright above
    image = Image.fromarray(np.rot90(pixels, 1).copy())
    tag = image.getexif()
    tag[0x0112] = 6
    code = io.BytesIO()
    image.save(code, kind, exif=tag)
    write(tmp_path, [0], codes=[code.getvalue()])
    samples = read_images(NAMED, tmp_path, "test").samples
    assert int((samples[0].int() - torch.from_numpy(pixels).permute(2, 0, 1).int()).abs().max()) < 8  # type: ignore


def folders(place: Path, *names: str) -> Path:
    for k, name in enumerate(names):
        (place / "test" / name).mkdir(parents=True)
        (place / "test" / name / "a.png").write_bytes(png(np.full((32, 32, 3), k, np.uint8)))
    return place


@pytest.mark.parametrize(
    ("names", "classes", "expected"),
    [
        (("cat", "dog"), ("dog", "cat"), [1, 0]),
        (("0", "1"), (), [0, 1]),
        (("1",), (), [1]),
        (("bird", "zebra"), (), [0, 1]),
    ],
)
def test_folders_of_images_are_classes(
    tmp_path: Path, names: tuple[str, ...], classes: tuple[str, ...], expected: list[int]
) -> None:
    data = read_images(replace(NAMED, names=classes), folders(tmp_path, *names), "test")
    assert data.labels.tolist() == expected
    assert data.samples[:, 0, 0, 0].tolist() == list(range(len(names)))  # type: ignore[index, union-attr]


def test_folders_of_images_that_do_not_fit_are_told(tmp_path: Path) -> None:
    folders(tmp_path, "cat", "horse")
    with pytest.raises(UserError, match="label 'horse', but the classes are cat, dog"):
        read_images(NAMED, tmp_path, "test")
    with pytest.raises(UserError, match="2 folders of images, but the network has 3 classes without names"):
        read_images(ImageDataset("mine", 3, 32, 3), tmp_path, "test")
    (tmp_path / "test" / "cat" / "a.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"test/cat/a\.png: not an image"):
        find_images(NAMED, tmp_path, "test")
