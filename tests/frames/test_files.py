"""Files of frames: what is read, and mistakes in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from zskt.errors import UserError
from zskt.frames.files import read_frames, read_ts
from zskt.frames.inputs import FrameInputs

VIDEO = FrameInputs(length=2, size=3, mean=(0.5,), std=(0.5,))
SERIES = FrameInputs(length=3, mean=(0.0, 0.0), std=(1.0, 1.0))
CLASSES = ("Standing", "Running")
TS = """# made by hand
@problemName Two
@classLabel true Standing Running
@data
1,2,3:4,5,6:standing
-1,0,1:0.5,0.25,1e-1:Running
"""


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_ts_is_read_with_frames_first_and_names_of_classes_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "two.ts"
    path.write_text(TS)
    data = read_frames(path, SERIES, CLASSES)
    assert isinstance(data.samples, Tensor) and data.labels.tolist() == [0, 1]
    assert data.samples[0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert read_ts(path)[1] == ["standing", "Running"]
    path.write_text(TS, encoding="utf-8-sig")
    assert read_ts(path)[1] == ["standing", "Running"]


def test_npz_has_frames_and_labels_by_number_by_name_or_none(tmp_path: Path) -> None:
    frames = np.arange(36, dtype=np.uint8).reshape(2, 2, 1, 3, 3)
    for labels, expected in (
        ([1, 0], [1, 0]),
        ([1.0, 0.0], [1, 0]),
        (["running", "standing"], [1, 0]),
        ([-1, 1], [-1, 1]),
    ):
        data = read_frames(npz(tmp_path / "a.npz", frames=frames, labels=labels), VIDEO, CLASSES)
        assert isinstance(data.samples, Tensor) and data.labels.tolist() == expected
        assert torch.equal(data.samples, torch.from_numpy(frames))
    assert read_frames(npz(tmp_path / "b.npz", frames=frames), VIDEO, CLASSES).labels.tolist() == [-1, -1]
    values = npz(tmp_path / "c.npz", frames=np.ones((4, 3, 2)))
    assert read_frames(values, SERIES, CLASSES).samples[:2].dtype == torch.float32  # type: ignore[attr-defined]


def test_numbers_that_are_names_are_these_classes_and_case_tells_classes_apart(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", frames=np.ones((2, 3, 2)), labels=[12, 7])
    assert read_frames(path, SERIES, ("7", "12")).labels.tolist() == [1, 0]
    path = npz(tmp_path / "a.npz", frames=np.ones((2, 3, 2)), labels=["b", "B"])
    assert read_frames(path, SERIES, ("b", "B")).labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"frames": np.zeros((2, 2, 1, 3, 3))}, "give pixels of uint8"),
        ({"frames": np.zeros((2, 3, 1, 3, 3), np.uint8)}, r"samples of \(3, 1, 3, 3\), but the network takes"),
        ({"frames": np.zeros((0, 2, 1, 3, 3), np.uint8)}, "holds no samples"),
        ({"frames": np.array(3)}, r"frames of shape \(\); give samples by frames"),
        ({"video": np.zeros(3)}, "with an array frames"),
        ({"frames": np.full((2, 2, 1, 3, 3), np.nan)}, "empty or infinite"),
        ({"frames": np.full((2, 2, 1, 3, 3), "a")}, "no number"),
        ({"frames": np.zeros((2, 2, 1, 3, 3), np.uint8), "labels": [0]}, "labels of shape"),
        ({"frames": np.zeros((2, 2, 1, 3, 3), np.uint8), "labels": [0, 2]}, "label 2, but the classes are Standing"),
        ({"frames": np.zeros((2, 2, 1, 3, 3), np.uint8), "labels": ["Standing", "Flying"]}, "label 'Flying'"),
    ],
)
def test_mistakes_in_arrays_are_told_in_a_line(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = npz(tmp_path / "x.npz", **arrays)
    with pytest.raises(UserError, match=message) as error:
        read_frames(path, VIDEO, CLASSES)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@data\n1,2:3,4:a\n1,2,3:4,5,6:a\n", "line 3: not as many"),
        ("@data\n1,2,3:4,5:a\n", "line 2: is no series"),
        ("@data\n1,?,3:4,5,6:a\n", "line 2: is no series"),
        ("@data\n1,nan,3:4,5,6:a\n", "line 2: not as many finite"),
        ("@data\nabc\n", "line 2: not as many"),
        ("@data\n", "holds no series"),
    ],
)
def test_mistakes_in_ts_are_told_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.ts"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_frames(path, SERIES, ("a",))


def test_other_files_are_no_frames(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 broken")
    (tmp_path / "a.ts").write_bytes(b"\xff\xfe\x00")
    told = {"a.npz": "not a readable", "a.ts": "cannot be read", "a.mp4": "is no .npz", "b.ts": "cannot be read"}
    for name, message in told.items():
        with pytest.raises(UserError, match=message):
            read_frames(tmp_path / name, VIDEO, CLASSES)
