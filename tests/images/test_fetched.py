"""Images from their publishers: the files that torchvision records, in the places where they are read."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from zskt.errors import UserError
from zskt.images.datasets import read_images
from zskt.images.fetched import _archives
from zskt.images.published import DATASETS

MD5_OF_MNIST = {
    "train": ["f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432"],
    "test": ["9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c"],
}
"""MD5 of images and labels, as their publisher's mirror lists them."""


def test_files_are_those_that_torchvision_records() -> None:
    for split, expected in MD5_OF_MNIST.items():
        files = list(_archives(DATASETS["mnist"], split))
        assert [md5 for _, md5, _ in files] == expected
        assert all(place.startswith("MNIST/raw/") and len(addresses) > 1 for addresses, _, place in files)
    (cifar,) = _archives(DATASETS["cifar10"], "test")
    assert cifar[1:] == ("c58f30108f718f92721af3b95e74349a", "cifar-10-python.tar.gz")
    (svhn,) = _archives(DATASETS["svhn"], "test")
    assert svhn[1:] == ("eb5a983be6a315427106f1b164d9cef3", "test_32x32.mat")


def idx(numbers: np.ndarray) -> bytes:
    """Pack bytes as MNIST's files are: a magic number, sizes of the axes, the bytes."""
    head = bytes([0, 0, 8, numbers.ndim]) + b"".join(size.to_bytes(4, "big") for size in numbers.shape)
    return gzip.compress(head + numbers.astype(np.uint8).tobytes())


@pytest.mark.usefixtures("offline")
def test_packed_files_of_the_cache_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.arange(20 * 784).reshape(20, 28, 28) % 251
    raw, resources = tmp_path / "cache/MNIST/raw", []
    raw.mkdir(parents=True)
    for name, numbers in (("t10k-images-idx3-ubyte.gz", pixels), ("t10k-labels-idx1-ubyte.gz", np.arange(20) % 10)):
        (raw / name).write_bytes(idx(numbers))
        resources.append((name, hashlib.md5((raw / name).read_bytes()).hexdigest()))
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    read = read_images("mnist", None, "test")
    assert torch.equal(read.samples[:, 0], torch.from_numpy(pixels).byte())
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(b"half")
    with pytest.raises(UserError, match="t10k-labels"):
        read_images("mnist", None, "test")


@pytest.mark.usefixtures("offline")
def test_an_archive_of_the_cache_is_unpacked_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.arange(20 * 3072).reshape(20, 3072).astype(np.uint8)
    files = {
        "test_batch": pickle.dumps({"data": pixels, "labels": [k % 10 for k in range(20)]}),
        "batches.meta": pickle.dumps({"label_names": list("abcdefghij")}),
    }
    cache = tmp_path / "cache"
    cache.mkdir()
    with tarfile.open(cache / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    packed = (cache / "cifar-10-python.tar.gz").read_bytes()
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in {**files, "packed": packed}.items()}
    for name, value in {
        "tgz_md5": md5["packed"],
        "train_list": [],
        "test_list": [["test_batch", md5["test_batch"]]],
        "meta": {"filename": "batches.meta", "key": "label_names", "md5": md5["batches.meta"]},
    }.items():
        monkeypatch.setattr(datasets.CIFAR10, name, value)
    for _ in range(2):  # the second time a file that was half unpacked is unpacked again
        assert torch.equal(read_images("cifar10", None, "test").samples, torch.from_numpy(pixels).view(20, 3, 32, 32))
        (cache / "cifar-10-batches-py/test_batch").write_bytes(b"half")
