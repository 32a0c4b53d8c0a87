"""Downloads from a server that lies, stalls, drips and cuts off: bounded, resumed, verified; nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lying_server import CONTENT, LyingServer, serving
from zskt.errors import UserError
from zskt.storage import downloads
from zskt.storage.downloads import cache_folder, fetch
from zskt.storage.http_file import DownloadError, Limits, _require_web

HASH = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
STRICT = Limits(most_bytes=1 << 20, most_seconds=20, silence_seconds=0.5, patience_seconds=0.3, attempts=4)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingServer]:
    """A server, a cache of our own, and limits that end a test soon."""
    monkeypatch.setenv("ZSKT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZSKT_MIRROR", raising=False)
    monkeypatch.setattr(downloads, "LIMITS", STRICT)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as running:
        yield running


def left_behind() -> list[str]:
    """Files of the cache, but for its lock."""
    return sorted(file.name for file in cache_folder().iterdir() if file.name != ".lock")


@pytest.mark.parametrize("kind", ["whole", "to-whole", "cut-off", "no-ranges"])
def test_a_file_is_fetched_whole_however_often_the_connection_ends(kind: str, server: LyingServer) -> None:
    path = fetch("net", server.url(f"{kind}.pt"), HASH, "give --file")
    assert path.read_bytes() == CONTENT and left_behind() == [path.name] and path.name.endswith(f"-{kind}.pt")
    if kind == "cut-off":
        assert [wanted for _, wanted in server.asked] == [None, "bytes=40000-", "bytes=80000-"]
    asked = len(server.asked)
    assert fetch("net", server.url(f"{kind}.pt"), HASH, "give --file") == path and len(server.asked) == asked


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "404 Not Found"),
        ("other", "it sends another file than the recorded one, whose hash is sha256:"),
        ("huge", r"1099511627776 bytes announced, at most 1048576 are fetched"),
        ("endless", "more than 1048576 bytes"),
        ("stall", "no byte in 0.5 s"),
        ("drip", r"\d+ bytes in \d+ s are too few"),
        ("to-file", "a redirect to 'file:///etc/passwd' is not followed"),
        ("to-ftp", "a redirect to 'ftp://127.0.0.1/whole' is not followed"),
        ("circle", "more than 5 redirects"),
    ],
)
def test_a_server_that_misbehaves_is_told_in_a_line(kind: str, reason: str, server: LyingServer) -> None:
    begin = time.monotonic()
    with pytest.raises(UserError, match=rf"net: cannot fetch {server.url(kind)}: 127.*{reason}.*give --file") as told:
        fetch("net", server.url(kind), HASH, "give --file")
    assert "\n" not in str(told.value) and time.monotonic() - begin < STRICT.most_seconds
    assert all(name.endswith(".part") for name in left_behind())


def test_what_takes_too_long_in_all_is_given_up(server: LyingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "LIMITS", Limits(most_seconds=0.3))
    with pytest.raises(UserError, match=r"not done in 0.3 s"):
        fetch("net", server.url("drip"), HASH, "give --file")


def test_a_part_of_another_file_is_no_beginning(server: LyingServer) -> None:
    url = server.url("whole")
    part = fetch("net", url, HASH, "give --file")
    part.replace(part.with_name(f"{part.name}.part")).write_bytes(b"of last year")
    assert fetch("net", url, HASH, "give --file").read_bytes() == CONTENT
    part.replace(part.with_name(f"{part.name}.part")).write_bytes(CONTENT + b"more")  # the server says 416
    assert fetch("net", url, HASH, "give --file").read_bytes() == CONTENT and left_behind() == [part.name]


def test_a_damaged_file_of_the_cache_is_fetched_again(server: LyingServer) -> None:
    path = fetch("net", server.url("whole"), HASH, "give --file")
    path.write_bytes(CONTENT[:-1])
    assert fetch("net", server.url("whole"), HASH, "give --file").read_bytes() == CONTENT


def test_a_killed_download_leaves_a_part_and_is_gone_on_with(
    server: LyingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"from zskt.storage.downloads import fetch; fetch('net', {server.url('stall')!r}, {HASH!r}, 'give --file')"
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(Path.cwd())}) as process:
        while not (cache_folder().is_dir() and any(path.stat().st_size for path in cache_folder().glob("*.part"))):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    (part,) = left_behind()
    assert part.endswith("-stall.part")
    monkeypatch.setattr(downloads, "_file_name", lambda url: part.removesuffix(".part"))
    assert fetch("net", server.url("whole"), HASH, "give --file").read_bytes() == CONTENT
    assert server.asked[-1] == ("/whole", "bytes=1000-") and left_behind() == [part.removesuffix(".part")]


def test_processes_that_want_one_file_fetch_it_once(server: LyingServer) -> None:
    def get() -> None:
        fetch("net", server.url("whole"), HASH, "give --file")

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1 and len(left_behind()) == 1


def test_a_mirror_is_asked_before_the_publisher(server: LyingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSKT_MIRROR", server.url("mirror/"))
    place = cache_folder() / "MNIST" / "raw" / "whole.gz"
    assert fetch("net", "https://no.where/else.gz", HASH, "give --file", place).read_bytes() == CONTENT
    assert server.asked == [("/mirror/MNIST/raw/whole.gz", None)]
    path = fetch("net", server.url("whole"), HASH, "give --file")  # the mirror has no such file
    assert [asked for asked, _ in server.asked[1:]] == [f"/mirror/{path.name}", "/whole"]


def test_a_cache_that_cannot_be_written_is_told(
    server: LyingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZSKT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(
        UserError, match=r"file.*: Not a directory; make room or mend that, or keep files elsewhere: ZSKT_CACHE=FOLDER"
    ):
        fetch("net", server.url("whole"), HASH, "give --file")


def test_a_machine_without_a_network_takes_what_another_one_fetched(server: LyingServer) -> None:
    path = fetch("net", server.url("whole"), HASH, "give --file")
    moved = path.with_name(downloads._file_name("http://127.0.0.1:9/whole"))
    with pytest.raises(UserError, match=rf"no connection; give --file, or copy {moved.name} into {path.parent} from"):
        fetch("net", "http://127.0.0.1:9/whole", HASH, "give --file")
    path.replace(moved)
    assert fetch("net", "http://127.0.0.1:9/whole", HASH, "give --file") == moved


def test_a_redirect_never_leaves_encryption() -> None:
    _require_web("http://a.b/c", "https://a.b/c")
    _require_web("https://a.b/c", "https://d.e/f")
    for begin, address in (("https://a.b/c", "http://a.b/c"), ("file:///c", "file:///c")):
        with pytest.raises(DownloadError, match="is not followed"):
            _require_web(begin, address)
