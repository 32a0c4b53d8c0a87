"""The viewer over HTTP: what it shows, and whom and what it refuses."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zskt.errors import UserError
from zskt.results.view.server import Viewer

EVIL = '<img src=x onerror="alert(1)">'


def make_run(folder: Path, name: str, agreement: float | None = None, **config: Any) -> Path:
    """Make a run's files by hand."""
    run = folder / name
    run.mkdir(parents=True)
    recorded = {"mode": "zero-shot", "preset": "jets", "method": "zskt", "teacher": "T", "student": "S", "seed": 0}
    (run / "config.json").write_text(json.dumps(recorded | config))
    if agreement is not None:
        student = {"name": "S", "agreement": agreement, "parameters": 45784}
        result = {"student": student, "teacher": {"name": "T", "accuracy": 0.75}, "steps": 15, "data": {"unit": "jet"}}
        (run / "result.json").write_text(json.dumps(result))
    lines = [{"step": i, "loss/student": 1 / i, "test/agreement": float("nan")} for i in range(1, 1001)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs, one that goes on, one in a folder of its own, and a secret beside them all."""
    folder = tmp_path / "runs"
    make_run(folder, "a", 0.5)
    make_run(folder, "sweep/b", 0.75, seed=1)
    make_run(folder, EVIL, method=EVIL)
    (folder / "a" / "report.html").write_text("<p>the report of a</p>")
    (folder / "a" / "checkpoint.pt").write_text("weights")
    (folder / "a" / ".lock.json").write_text("{}")
    (tmp_path / "secret.json").write_text("secret")
    return folder


@pytest.fixture
def viewer(runs: Path) -> Iterator[Viewer]:
    with Viewer(runs, lambda run: {"made of": run.name}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


Answer = tuple[int, dict[str, str], str]


def ask(viewer: Viewer, path: str, method: str = "GET", hosts: tuple[str, ...] | None = None) -> Answer:
    """Send a request as it is written, without what a client would put right."""
    client = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=10)
    client.putrequest(method, path, skip_host=True)
    for host in (f"127.0.0.1:{viewer.server_port}",) if hosts is None else hosts:
        client.putheader("Host", host)
    client.endheaders()
    answer = client.getresponse()
    body = answer.read().decode()
    client.close()
    return answer.status, dict(answer.getheaders()), body


def test_it_listens_to_this_machine_alone(viewer: Viewer) -> None:
    assert viewer.server_address[0] == "127.0.0.1"
    assert viewer.address == f"http://127.0.0.1:{viewer.server_port}/"


def test_the_list_has_every_run_with_its_figures(viewer: Viewer) -> None:
    status, _, page = ask(viewer, "/")
    assert status == 200
    assert '<a href="/run/a">a</a>' in page and '<a href="/run/sweep/b">sweep/b</a>' in page
    assert 'data-value="0.75">0.7500<' in page and 'data-value="45784">45 784<' in page
    assert page.count("not finished") == 1


def test_names_are_escaped(viewer: Viewer) -> None:
    for path in (
        "/",
        "/run/" + "%3Cimg%20src%3Dx%20onerror%3D%22alert%281%29%22%3E",
        "/compare?run=" + EVIL.replace(" ", "+").replace('"', "%22"),
    ):
        status, _, page = ask(viewer, path)
        assert status == 200 and "&lt;img" in page and "<img src=x" not in page, path


def test_a_run_offers_its_report_and_what_can_be_looked_at(viewer: Viewer) -> None:
    status, _, page = ask(viewer, "/run/a")
    assert status == 200 and '<a class="main" href="/files/a/report.html">Report</a>' in page
    assert 'href="/files/a/metrics.jsonl"' in page and 'href="/jets/a"' in page
    assert "checkpoint" not in page and ".lock" not in page
    assert f"zskt --mode report --run {viewer.root / 'sweep' / 'b'}</code>" in ask(viewer, "/run/sweep/b")[2]
    assert "0.7500" in ask(viewer, "/run/a")[2]  # the teacher's accuracy


def test_the_comparison_marks_the_best_and_what_differs(viewer: Viewer) -> None:
    _, _, page = ask(viewer, "/compare?run=a&run=sweep/b")
    row = next(line for line in page.splitlines() if "<th>agreement</th>" in line)
    assert '<td class="number">0.5000</td><td class="number best">0.7500</td>' in row
    seed = next(line for line in page.splitlines() if "<th>seed</th>" in line)
    assert seed.startswith('<tr class="differs">') and ">0</td>" in seed and ">1</td>" in seed
    same = next(line for line in page.splitlines() if "<th>parameters</th>" in line)
    assert "best" not in same
    method = next(line for line in page.splitlines() if "<th>method</th>" in line)
    assert method.startswith("<tr><th>")


def test_curves_are_thinned_and_finite(viewer: Viewer) -> None:
    curves = json.loads(ask(viewer, "/curves.json?run=a")[2])
    assert set(curves["a"]) == {"loss/student"}
    points = curves["a"]["loss/student"]
    assert 300 <= len(points) <= 401 and points[0] == [1, 1] and points[-1] == [1000, 0.001]


def test_jets_are_made_once(viewer: Viewer) -> None:
    assert json.loads(ask(viewer, "/jets.json/a")[2]) == {"made of": "a"}
    viewer.jets = lambda run: pytest.fail("a second time")
    assert json.loads(ask(viewer, "/jets.json/a")[2]) == {"made of": "a"}
    viewer.jets = refuse
    status, _, page = ask(viewer, "/jets.json/sweep/b")
    assert status == 422 and "of images, &lt;b&gt;" in page


def refuse(run: Path) -> dict[str, Any]:
    raise UserError("of images, <b>")


def test_files_of_runs_may_execute_nothing(viewer: Viewer) -> None:
    status, heads, page = ask(viewer, "/files/a/report.html")
    assert (status, page) == (200, "<p>the report of a</p>")
    policy = heads["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "script" not in policy
    assert heads["X-Content-Type-Options"] == "nosniff" and heads["X-Frame-Options"] == "DENY"
    ours = ask(viewer, "/")[1]["Content-Security-Policy"]
    assert "script-src 'self'" in ours and "unsafe" not in ours


@pytest.mark.parametrize(
    "path",
    [
        "/files/../secret.json",
        "/files/a/../../../secret.json",
        "/files/%2e%2e/secret.json",
        "/files/a/%2e%2e/%2e%2e/%2e%2e/secret.json",
        "/files//etc/hosts.json",
        "/files/a%00.json",
        "/files/a/checkpoint.pt",
        "/files/a/.lock.json",
        "/files/a",
        "/files/none.json",
        "/files/",
        "/run/../secret.json",
        "/run/none",
        "/jets.json/none",
        "/compare?run=none",
        "/curves.json?run=../secret.json",
        "/view.py",
        "//evil/",
        "http://evil/",
        "*",
        "/server.py",
    ],
)
def test_what_is_not_there_is_refused_and_not_repeated(viewer: Viewer, path: str) -> None:
    status, _, page = ask(viewer, path)
    assert status == 404 and "secret" not in page and "evil" not in page


def test_links_that_lead_outside_are_refused(viewer: Viewer, runs: Path, tmp_path: Path) -> None:
    outside = make_run(tmp_path / "elsewhere", "c", 1.0)
    (runs / "c").symlink_to(outside)
    (runs / "a" / "link.json").symlink_to(tmp_path / "secret.json")
    (runs / "a" / "inside.json").symlink_to(runs / "a" / "result.json")
    (runs / "d").mkdir()
    (runs / "d" / "config.json").symlink_to(outside / "config.json")
    make_run(runs, "e")
    (runs / "e" / "result.json").symlink_to(outside / "result.json")
    (runs / "e" / "metrics.jsonl").unlink()
    (runs / "e" / "metrics.jsonl").symlink_to(outside / "metrics.jsonl")
    for path in ("/files/c/result.json", "/files/a/link.json", "/run/c", "/run/d"):
        assert ask(viewer, path)[0] == 404, path
    assert ask(viewer, "/files/a/inside.json")[0] == 200
    listed = ask(viewer, "/")[2]
    assert "/run/c" not in listed and "/run/d" not in listed
    assert "link.json" not in ask(viewer, "/run/a")[2]
    assert "result.json: is a link; copy the file" in ask(viewer, "/run/e")[2]
    assert ask(viewer, "/curves.json?run=e")[0] == 422


@pytest.mark.parametrize(
    "hosts",
    [(), ("evil.example",), ("127.0.0.1",), ("127.0.0.1:1",), ("localhost.evil:PORT",), ("localhost:PORT", "evil")],
)
def test_other_names_are_refused(viewer: Viewer, hosts: tuple[str, ...]) -> None:
    named = tuple(host.replace("PORT", str(viewer.server_port)) for host in hosts)
    for path in ("/", "/files/a/report.html", "/view.js"):
        status, _, page = ask(viewer, path, hosts=named)
        assert status == 421 and "report of a" not in page and "evil" not in page
    assert ask(viewer, "/", hosts=(f"localhost:{viewer.server_port}",))[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"])
def test_other_methods_are_refused(viewer: Viewer, runs: Path, method: str) -> None:
    status, heads, _ = ask(viewer, "/files/a/report.html", method)
    assert status == 405 and heads["Allow"] == "GET, HEAD" and (runs / "a" / "report.html").exists()


def test_heads_come_without_bodies(viewer: Viewer) -> None:
    status, heads, body = ask(viewer, "/files/a/report.html", "HEAD")
    assert (status, body, heads["Content-Length"]) == (200, "", str(len("<p>the report of a</p>")))


def test_a_damaged_run_is_told_in_its_place(viewer: Viewer, runs: Path) -> None:
    make_run(runs, "f", 0.5)
    (runs / "f" / "result.json").write_text("{")
    status, _, page = ask(viewer, "/")
    assert status == 200 and page.count("cannot be read") == 1
    assert "not a readable JSON file" in ask(viewer, "/run/f")[2]
    (runs / "f" / "result.json").write_text('{"student": 3, "teacher": [], "data": "x", "steps": "many"}')
    assert ask(viewer, "/run/f")[0] == 200


def test_a_run_that_ends_is_seen_to(viewer: Viewer, runs: Path) -> None:
    make_run(runs, "g")
    assert "Not finished" in ask(viewer, "/run/g")[2]
    (runs / "g" / "result.json").write_text('{"student": {"agreement": 0.625}, "teacher": {}}')
    assert "0.6250" in ask(viewer, "/run/g")[2]
    (runs / "g" / "result.json").write_text('{"student": {"agreement": 0.6875}, "teacher": {}}')
    page = ask(viewer, "/run/g")[2]
    assert "0.6875" in page and "Not finished" not in page


def test_a_run_by_itself_is_shown_and_nothing_beside_it(runs: Path) -> None:
    with Viewer(runs / "a", lambda run: {}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert '<a href="/run/a">a</a>' in ask(server, "/")[2] and "sweep" not in ask(server, "/")[2]
        assert ask(server, "/files/a/report.html")[0] == 200
        assert ask(server, "/files/sweep/b/config.json")[0] == 404
        server.shutdown()


def test_a_folder_or_a_port_that_cannot_be_had_is_told(viewer: Viewer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none: no such folder; give one that holds runs"):
        Viewer(tmp_path / "none", lambda run: {})
    with pytest.raises(UserError, match=r"--port \d+: cannot be had .*; give another, or 0 for any"):
        Viewer(tmp_path, lambda run: {}, viewer.server_port)
