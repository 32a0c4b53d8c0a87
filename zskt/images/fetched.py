"""Images from their publishers, into the cache: addresses and hashes are torchvision's, downloads are ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zskt.errors import UserError
from zskt.images.places import IDX_PREFIX, Split
from zskt.images.published import ImageDataset
from zskt.storage.downloads import cache_folder, fetch

REMEDY = "give the folder of its images as --data"


def fetch_images(dataset: ImageDataset, split: Split) -> Path:
    """Fetch a split, once, and return the folder in which `zskt.images.places.locate` finds it.

    Raises:
        UserError: if it cannot be fetched, or an archive cannot be unpacked.
    """
    folder = cache_folder()
    for addresses, md5, place in _archives(dataset, split):
        _fetch_first(dataset.title, addresses, f"md5:{md5}", folder / place)
    if dataset.title.startswith("CIFAR"):
        _unpack(dataset, folder)
    return folder


def _archives(dataset: ImageDataset, split: Split) -> Iterator[tuple[list[str], str, str]]:
    """Yield the files that hold a split: their addresses, MD5 and place in the cache."""
    from torchvision import datasets  # takes a second to import

    kind = getattr(datasets, dataset.torchvision)
    if hasattr(kind, "resources"):  # of MNIST's kind: images and labels of each split
        for name, md5 in kind.resources:
            if name.startswith(IDX_PREFIX[split]):
                yield [f"{mirror}{name}" for mirror in kind.mirrors], md5, f"{dataset.folder}/{name}"
    elif hasattr(kind, "split_list"):  # SVHN
        url, name, md5 = kind.split_list[split]
        yield [url], md5, name
    else:
        yield [kind.url], kind.tgz_md5, kind.filename


def _fetch_first(title: str, addresses: list[str], known_hash: str, place: Path) -> None:
    """Fetch a file from the first address that has it."""
    for address in addresses[:-1]:
        try:
            fetch(title, address, known_hash, REMEDY, place)
        except UserError:
            continue
        return
    fetch(title, addresses[-1], known_hash, REMEDY, place)


def _unpack(dataset: ImageDataset, folder: Path) -> None:
    """Unpack an archive, unless that was done: torchvision compares the MD5 of what it holds."""
    from torchvision import datasets

    try:
        getattr(datasets, dataset.torchvision)(folder, train=False, download=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{folder / dataset.folder}: cannot unpack {dataset.title} ({error}); {REMEDY}") from error
