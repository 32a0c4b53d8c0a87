"""Published files: fetched once into a cache, and verified. What a server says is not believed; the recorded hash is.

A file that is half there lies beside its place with the suffix ``.part``, and the next call goes on with it. Nothing
else is left behind by a process that is killed.

Two variables of the environment say where files are. ``ZSKT_CACHE`` names the folder that keeps them: a machine without
a network takes a copy of another one's. ``ZSKT_MIRROR`` is the address of such a folder behind a web server, which is
asked before the publisher.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from zskt.errors import UserError
from zskt.storage.http_file import DownloadError, Limits, download

if TYPE_CHECKING:
    from requests import Session

CACHE, MIRROR = "ZSKT_CACHE", "ZSKT_MIRROR"
"""Variables of the environment: the folder of fetched files, and the address of a copy of it."""
LIMITS = Limits()


def cache_folder() -> Path:
    """Return the folder that keeps fetched files: that of ``ZSKT_CACHE``, or the system's place for caches."""
    named = os.environ.get(CACHE)
    if named:
        return Path(named).expanduser()
    import pooch  # takes a second to import

    return Path(pooch.os_cache("zskt"))


def fetch(name: str, url: str, known_hash: str, remedy: str, place: Path | None = None) -> Path:
    """Fetch a published file, once, and verify it.

    Args:
        name: what it is, for messages.
        known_hash: its hash, as ``ALGORITHM:HEXADECIMAL DIGITS``.
        remedy: what a user can do instead, such as "give --teacher-path FILE".
        place: where it belongs; by default a file of the cache that is named after the address.

    Returns:
        Its path.

    Raises:
        UserError: if there is no network, the server misbehaves, the file is not the recorded one, or the cache
            cannot be written.
    """
    target = cache_folder() / _file_name(url) if place is None else place
    try:
        if not _is(target, known_hash):
            target.parent.mkdir(parents=True, exist_ok=True)
            _fetch(name, url, known_hash, target)
    except DownloadError as error:
        raise UserError(
            f"{name}: cannot fetch {url}: {error}; {remedy}, or copy {target.name} into {target.parent} from a machine "
            "that could fetch it (--mode fetch)"
        ) from error
    except OSError as error:
        where = error.filename or target.parent
        raise UserError(
            f"{where}: {error.strerror or error}; make room or mend that, or keep files elsewhere: {CACHE}=FOLDER"
        ) from error
    return target


def _fetch(name: str, url: str, known_hash: str, target: Path) -> None:
    """Fetch a file, while no other process of this machine does."""
    import requests
    from filelock import FileLock

    with FileLock(str(target.parent / ".lock")), requests.Session() as session:
        if _is(target, known_hash):  # the process before this one has fetched it
            return
        part = target.with_name(f"{target.name}.part")
        reasons = []
        for address in _addresses(url, target):
            try:
                _fetch_verified(name, session, address, known_hash, part)
            except DownloadError as error:
                reasons.append(f"{urlsplit(address).netloc}: {error}")
            else:
                part.replace(target)
                return
    raise DownloadError("; ".join(reasons))


def _addresses(url: str, target: Path) -> Iterator[str]:
    """Yield where a file may be had: the mirror's copy of the cache, then the publisher."""
    mirror, cache = os.environ.get(MIRROR), cache_folder()
    if mirror and target.is_relative_to(cache):
        yield f"{mirror.rstrip('/')}/{quote(target.relative_to(cache).as_posix())}"
    yield url


def _fetch_verified(name: str, session: Session, url: str, known_hash: str, part: Path) -> None:
    """Fetch a file to ``part``, which is removed if it is not the recorded one.

    What an earlier call has left may be the beginning of another file: then it is fetched once more as a whole.
    """
    from tqdm import tqdm

    for _ in range(2 if part.is_file() else 1):
        with tqdm(desc=name, unit="B", unit_scale=True, leave=False, disable=None) as bar:
            download(session, url, part, bar, LIMITS)
        if _is(part, known_hash):
            return
        part.unlink()
    raise DownloadError(f"it sends another file than the recorded one, whose hash is {known_hash}")


def _file_name(url: str) -> str:
    """Name the file of an address in the cache: by a hash of the address, and its last part."""
    import pooch

    name: str = pooch.utils.unique_file_name(url)
    return name


def _is(path: Path, known_hash: str) -> bool:
    """Return whether a file is there and is the recorded one."""
    if not path.is_file():
        return False
    import pooch

    algorithm, _, expected = known_hash.partition(":")
    found: str = pooch.file_hash(str(path), alg=algorithm)
    return found == expected
