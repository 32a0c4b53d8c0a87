"""A web server on this machine that does what servers should not, for tests of downloads."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

CONTENT = bytes(range(256)) * 400
"""What it has: 100 kB."""


@dataclass
class LyingServer:
    """What was asked of it, and where it is."""

    address: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and range of each request."""

    def url(self, path: str) -> str:
        """Return the address of one of its files: the path says what it does."""
        return f"{self.address}/{path}"


def _handler(server: LyingServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            kind = self.path.rpartition("/")[2].partition(".")[0]
            with contextlib.suppress(OSError):
                getattr(self, f"_{kind.replace('-', '_')}", self._missing)(wanted)

        def _head(self, status: int, length: int | None, **headers: str) -> None:
            self.send_response(status)
            if length is not None:
                self.send_header("Content-Length", str(length))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True

        def _begin(self, wanted: str | None) -> int:
            found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            return int(found[1]) if found else 0

        def _missing(self, _: str | None) -> None:
            self._head(404, 0)

        def _whole(self, wanted: str | None, most: int | None = None) -> None:
            begin = self._begin(wanted)
            if begin >= len(CONTENT):
                self._head(416, 0)
                return
            self._head(206 if begin else 200, len(CONTENT) - begin)
            self.wfile.write(CONTENT[begin:][:most])

        def _cut_off(self, wanted: str | None) -> None:
            self._whole(wanted, 40_000)

        def _no_ranges(self, _: str | None) -> None:
            self._head(200, len(CONTENT))
            self.wfile.write(CONTENT[: 40_000 if len(server.asked) == 1 else None])

        def _other(self, _: str | None) -> None:
            self._head(200, 5)
            self.wfile.write(b"other")

        def _stall(self, _: str | None) -> None:
            self._head(200, len(CONTENT))
            self.wfile.write(CONTENT[:1000])
            self.wfile.flush()
            time.sleep(3)

        def _drip(self, _: str | None) -> None:
            self._head(200, len(CONTENT))
            for i in range(100):
                self.wfile.write(CONTENT[i : i + 1])
                self.wfile.flush()
                time.sleep(0.05)

        def _huge(self, _: str | None) -> None:
            self._head(200, 1 << 40)
            self.wfile.write(CONTENT)

        def _endless(self, _: str | None) -> None:
            self._head(200, None)
            for _ in range(1000):
                self.wfile.write(CONTENT)

        def _to_file(self, _: str | None) -> None:
            self._head(302, 0, Location="file:///etc/passwd")

        def _to_ftp(self, _: str | None) -> None:
            self._head(302, 0, Location="ftp://127.0.0.1/whole")

        def _to_whole(self, _: str | None) -> None:
            self._head(302, 0, Location="/whole")

        def _circle(self, _: str | None) -> None:
            self._head(302, 0, Location="/circle")

    return Handler


@contextlib.contextmanager
def serving() -> Iterator[LyingServer]:
    """Serve on a free port while entered."""
    known = LyingServer()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(known)) as server:
        server.daemon_threads = True
        known.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield known
        server.shutdown()
