"""A server of runs for the browsers of this machine alone.

It answers GET and HEAD, and only to its own name: a page of somebody else's that has made its name mean 127.0.0.1 in
the browser is refused. It serves files of the folder by their kind, nothing that a link outside leads to, and lets no
page of a run execute anything.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlsplit

from zskt.errors import UserError
from zskt.results.view import pages
from zskt.results.view.shown_runs import ShownRun, curves, find_runs, is_within
from zskt.storage.run_files import CONFIG, RESULT

HOST = "127.0.0.1"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".csv": "text/csv; charset=utf-8",
    ".tex": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "text/plain; charset=utf-8",
}
"""Files of runs that are served, by the end of their name. Networks and checkpoints are not."""
OWN = {"/view.js": "text/javascript; charset=utf-8", "/view.css": "text/css; charset=utf-8"}
MAX_COMPARED = 12
SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
OF_OURS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'"
)
OF_RUNS = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox allow-downloads"
"""What pages of ours may do, and pages of runs, which anybody may have written: pictures and styles, and no scripts."""
Jets = Callable[[Path], dict[str, Any]]
"""Folder of a run -> its pseudo-jets, as `zskt.results.view.pseudo_jets` has them."""


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    policy: str = OF_OURS


class NotThere(Exception):
    """There is no such page."""


class Viewer(ThreadingHTTPServer):
    """The server; it runs by ``serve_forever``.

    Args:
        root: folder of runs, or a run.
        jets: makes pseudo-jets of a run.
        port: 0 for a free one.

    Raises:
        UserError: if there is no such folder, or the port is taken.
    """

    daemon_threads = True

    def __init__(self, root: Path, jets: Jets, port: int = 0) -> None:
        if not root.is_dir():
            raise UserError(f"--mode view {root}: no such folder; give one that holds runs")
        self.root, self.jets = root.resolve(), jets
        self.made: dict[Path, dict[str, Any]] = {}
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise UserError(f"--port {port}: cannot be had ({error.strerror}); give another, or 0 for any") from error

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://{HOST}:{self.server_port}/"

    @property
    def names(self) -> tuple[str, ...]:
        """What requests may call it, as their header Host."""
        return tuple(f"{host}:{self.server_port}" for host in (HOST, "localhost"))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has left."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Viewer
    timeout = 20
    server_version, sys_version = "zskt", ""

    def do_GET(self) -> None:
        """Answer with a page or a file."""
        self._send(self._answer(), body=True)

    def do_HEAD(self) -> None:
        """Answer as GET, without its body."""
        self._send(self._answer(), body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: a name in a request is no line for a terminal."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer to what is no request, or of a method that is none of ours: nothing of it is repeated."""
        status = HTTPStatus(code)
        status = HTTPStatus.METHOD_NOT_ALLOWED if status is HTTPStatus.NOT_IMPLEMENTED else status
        self.close_connection = True
        self._send(_refusal(status, "this server answers GET and HEAD"), body=self.command != "HEAD")

    def _send(self, answer: Answer, *, body: bool) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        for name, value in {**SAFETY, "Content-Security-Policy": answer.policy}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(answer.body)

    def _answer(self) -> Answer:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0] not in self.server.names:
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST, f"this server is {self.server.address}")
        try:
            return self._page()
        except NotThere:
            return _refusal(HTTPStatus.NOT_FOUND, "there is no such page")
        except UserError as error:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    def _page(self) -> Answer:
        target = urlsplit(self.path)
        if target.scheme or target.netloc or not target.path.startswith("/"):
            raise NotThere
        place = os.fsdecode(unquote_to_bytes(target.path))
        if place in OWN:
            return Answer((Path(__file__).parent / place[1:]).read_bytes(), OWN[place])
        first, _, rest = place[1:].partition("/")
        if first == "files":
            return self._file(rest)
        runs = find_runs(self.server.root)
        if place == "/":
            return Answer(pages.listing(self.server.root, runs).encode())
        if place in ("/compare", "/curves.json"):
            names = parse_qs(target.query, errors="surrogateescape").get("run", [])[:MAX_COMPARED]
            chosen = [_known(runs, name) for name in names]
            if place == "/compare":
                return Answer(pages.comparison(chosen).encode())
            return _json({run.title: curves(run) for run in chosen})
        if first == "run":
            run = _known(runs, rest)
            return Answer(pages.single(run, self._offered(run)).encode())
        if first in ("jets", "jets.json"):
            run = _known(runs, rest)
            return Answer(pages.jets(run).encode()) if first == "jets" else _json(self._jets(run))
        raise NotThere

    def _file(self, rest: str) -> Answer:
        """Return a file of a run, or beside runs."""
        if "\0" in rest or any(part in ("", ".", "..") or part.startswith(".") for part in rest.split("/")):
            raise NotThere
        root = self.server.root
        base = root.parent if _is_run(root) else root
        path = base / rest
        kind = KINDS.get(path.suffix)
        if kind is None or not is_within(path, root) or not path.is_file():
            raise NotThere
        return Answer(path.read_bytes(), kind, policy=OF_RUNS)

    def _offered(self, run: ShownRun) -> list[tuple[str, str]]:
        """Return the files of a run that can be looked at, name and address each, pages first."""
        files = [path for path in run.path.iterdir() if path.suffix in KINDS and not path.name.startswith(".")]
        files = [path for path in files if path.is_file() and is_within(path, self.server.root)]
        first = {name: place for place, name in enumerate(pages.PAGES)}
        ordered = sorted(files, key=lambda path: (first.get(path.name, len(first)), path.suffix != ".html", path.name))
        return [(path.name, address("files", f"{run.name}/{path.name}")) for path in ordered]

    def _jets(self, run: ShownRun) -> dict[str, Any]:
        made = self.server.made
        if run.path not in made:
            made[run.path] = self.server.jets(run.path)
        return made[run.path]


def address(kind: str, name: str) -> str:
    """Return the address of a page about a run, or of a file."""
    return f"/{kind}/{quote(os.fsencode(name))}"


def _known(runs: dict[str, ShownRun], name: str) -> ShownRun:
    if name not in runs:
        raise NotThere
    return runs[name]


def _is_run(root: Path) -> bool:
    return any((root / name).is_file() for name in (CONFIG, RESULT))


def _json(value: Any) -> Answer:
    return Answer(json.dumps(value).encode(), "application/json")


def _refusal(status: HTTPStatus, why: str) -> Answer:
    return Answer(pages.refusal(f"{status.value} {status.phrase}", why).encode(), status=status)
