"""One file from a web server that is not trusted: bounded in size and time, gone on with where a connection broke off.

HTTP as of RFC 9110: a range asks for the rest of a file (section 14), 206 is that rest, 416 says that there is none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from requests import Response, Session
    from tqdm import tqdm

CHUNK = 1 << 16
REDIRECTS = 5


class DownloadError(Exception):
    """A file could not be fetched: its message says why, as the end of a sentence."""


@dataclass(frozen=True)
class Limits:
    """What a server may ask of this machine."""

    most_bytes: int = 2 << 30
    most_seconds: float = 3600.0
    """Of a file, however often the connection breaks off."""
    silence_seconds: float = 30.0
    """Without a byte, until a connection is given up."""
    slowest: float = 1024.0
    """Bytes a second, over `patience_seconds`, below which a server is given up."""
    patience_seconds: float = 60.0
    attempts: int = 4
    """Connections for one file."""


class Progress:
    """Counts what comes, shows it, and ends a download that is too large, too long or too slow."""

    def __init__(self, limits: Limits, bar: tqdm[None]) -> None:
        self._limits, self._bar = limits, bar
        self._begin = self._window = time.monotonic()
        self._size = self._bytes = 0

    def start(self, have: int, missing: int | None) -> None:
        """Begin an answer with so many bytes, to go on after ``have``."""
        self._size = self._bar.n = have
        self._bar.total = None if missing is None else have + missing
        if missing is not None and have + missing > self._limits.most_bytes:
            raise DownloadError(f"{have + missing} bytes announced, at most {self._limits.most_bytes} are fetched")

    def add(self, received: int) -> None:
        """Count bytes.

        Raises:
            DownloadError: if a limit is passed.
        """
        self._bar.update(received)
        self._size += received
        self._bytes += received
        now, limits = time.monotonic(), self._limits
        if self._size > limits.most_bytes:
            raise DownloadError(f"more than {limits.most_bytes} bytes")
        if now - self._begin > limits.most_seconds:
            raise DownloadError(f"not done in {limits.most_seconds:g} s")
        if now - self._window > limits.patience_seconds:
            if self._bytes < limits.slowest * (now - self._window):
                raise DownloadError(f"{self._bytes} bytes in {now - self._window:.0f} s are too few")
            self._window, self._bytes = now, 0


def download(session: Session, url: str, part: Path, bar: tqdm[None], limits: Limits) -> None:
    """Fetch what is missing of a file: what ``part`` holds is its beginning.

    Raises:
        DownloadError: if the server has no such file, misbehaves or is too slow; what has come stays in ``part``.
        OSError: if ``part`` cannot be written.
    """
    import requests
    import urllib3

    progress, reason = Progress(limits, bar), ""
    for attempt in range(limits.attempts):
        before = _size(part)
        try:
            with _answer(session, url, before, limits) as response:
                if _append(response, part, progress):
                    return
            reason = "the connection ended before the file did"
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            reason = f"no byte in {limits.silence_seconds:g} s"
        except requests.ConnectionError:
            reason = "no connection"
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            reason = type(error).__name__
        if attempt and _size(part) == before:  # it is not there, or does not go on: more calls would not help
            break
    raise DownloadError(reason)


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _answer(session: Session, url: str, begin: int, limits: Limits) -> Response:
    """Ask for a file from a byte on; follow redirects, to nothing but web servers.

    Raises:
        DownloadError: if the answer is no file.
    """
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
    address = url
    for _ in range(REDIRECTS + 1):
        _require_web(url, address)
        response = session.get(
            address, headers=headers, stream=True, timeout=limits.silence_seconds, allow_redirects=False
        )
        target = session.get_redirect_target(response)
        if target is None:
            if response.status_code in (200, 206, 416):
                return response
            response.close()
            raise DownloadError(f"{response.status_code} {response.reason}")
        response.close()
        address = urljoin(address, target)
    raise DownloadError(f"more than {REDIRECTS} redirects")


def _require_web(url: str, address: str) -> None:
    """Raise `DownloadError` if an address is no web server's, or if a redirect leads to where anybody can listen."""
    scheme = urlsplit(address).scheme
    if scheme not in ({"https", "http"} if urlsplit(url).scheme == "http" else {"https"}):
        redirect = "" if address == url else "a redirect to "
        raise DownloadError(f"{redirect}{address[:200]!r} is not followed: only a web server's https is")


def _append(response: Response, part: Path, progress: Progress) -> bool:
    """Write what comes behind what is there, or in its place; return whether the file is whole."""
    if response.status_code == 416:  # all is there, or more: its hash tells
        return True
    length = response.headers.get("Content-Length", "")
    missing = int(length) if length.isdecimal() else None
    received = 0
    with part.open("ab" if response.status_code == 206 else "wb") as file:
        progress.start(file.tell(), missing)
        while chunk := response.raw.read1(CHUNK):  # returns what has come: a server that trickles is noticed
            file.write(chunk)
            received += len(chunk)
            progress.add(len(chunk))
    return missing is None or received >= missing
