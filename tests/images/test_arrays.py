"""Images from an .npz: three ways of naming, two places of the channels, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zskt.errors import UserError
from zskt.images.datasets import find_images, read_images
from zskt.images.published import ImageDataset

OWN = ImageDataset("mine", 3, 8, 2, names=("cat", "dog"))
PIXELS = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 1, 0])


@pytest.mark.parametrize("names", [("test_images", "test_labels"), ("x_test", "y_test"), ("images", "labels")])
@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], np.array(["cat", "dog", "dog", "cat"])])
def test_arrays_are_read_by_any_of_their_names(
    names: tuple[str, str], labels: np.typing.NDArray[np.generic], tmp_path: Path
) -> None:
    file = tmp_path / "mine.npz"
    np.savez(file, **dict(zip(names, (PIXELS, labels), strict=True)))  # type: ignore[arg-type]
    data = read_images(OWN, file, "test")
    assert torch.equal(data.samples, torch.from_numpy(PIXELS).permute(0, 3, 1, 2))  # type: ignore[arg-type]
    assert data.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("channels", [1, 2, 4, 8])
def test_images_of_any_number_of_channels_are_read_channels_first_or_last(channels: int, tmp_path: Path) -> None:
    own = ImageDataset("mine", channels, 8, 2)
    first = np.random.default_rng(2).integers(0, 256, (3, channels, 8, 8), dtype=np.uint8)
    shapes = [first] if channels == 8 else [first, first.transpose(0, 2, 3, 1)]
    for images in [*shapes, *([first[:, 0]] if channels == 1 else [])]:
        np.savez(tmp_path / "test.npz", images=images, labels=[0, 1, 0])
        found = read_images(own, tmp_path, "test").samples
        assert torch.equal(found, torch.from_numpy(first))  # type: ignore[arg-type]


def test_images_of_an_unnamed_split_are_never_learned_from(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", images=PIXELS, labels=LABELS)
    with pytest.raises(UserError, match=r"mine\.npz: holds images, labels, but train_images and train_labels, or "):
        read_images(OWN, tmp_path / "mine.npz", "train")
    np.savez(tmp_path / "train.npz", images=PIXELS[:1], labels=LABELS[:1])
    assert len(read_images(OWN, tmp_path, "train")) == 1
    both = {"train_images": PIXELS[:3], "train_labels": LABELS[:3], "test_images": PIXELS, "test_labels": LABELS}
    np.savez(tmp_path / "both.npz", **both)  # type: ignore[arg-type]
    assert [len(read_images(OWN, tmp_path / "both.npz", split)) for split in ("train", "test")] == [3, 4]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": PIXELS}, "holds x, but test_images and test_labels, or x_test and y_test, or images and labels are"),
        ({"images": PIXELS / 255, "labels": LABELS}, "images are float64; give pixels of uint8"),
        ({"images": PIXELS[0, 0], "labels": LABELS}, r"images of shape \(8, 3\); give"),
        ({"images": PIXELS, "labels": LABELS[:3]}, r"4 images, but labels of shape \(3,\); give one class an image"),
        ({"images": PIXELS, "labels": np.zeros((4, 14))}, r"labels of shape \(4, 14\); give one class an image"),
        ({"images": PIXELS, "labels": LABELS + 1}, "label 2, but "),
        ({"images": PIXELS[:, :4], "labels": LABELS}, r"images of \(3, 4, 8\), but mine has \(3, 8, 8\)"),
        ({"images": PIXELS[:0], "labels": LABELS[:0]}, "holds no images"),
        ({"images": np.array([None, {}]), "labels": LABELS}, "not a readable .npz"),
    ],
)
def test_arrays_of_another_kind_are_refused(
    arrays: dict[str, np.typing.NDArray[np.generic]], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "test.npz", **arrays)  # type: ignore[arg-type]
    for reads in (find_images, read_images):
        with pytest.raises(UserError, match=message):
            reads(OWN, tmp_path, "test")


def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", images=PIXELS, labels=LABELS)
    whole = (tmp_path / "test.npz").read_bytes()
    (tmp_path / "test.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"test\.npz: not a readable \.npz of arrays \(BadZipFile\)"):
        read_images(OWN, tmp_path / "test.npz", "test")
