"""``zskt view``: it begins at once, without torch, and Ctrl-C ends it well."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.conftest import ROOT, Call
from tests.results.view.test_server import make_run

SERVE = "import sys; from zskt.__main__ import main; code = main(sys.argv[1:]); print('torch' in sys.modules, code)"


def test_it_shows_runs_until_it_is_interrupted(tmp_path: Path) -> None:
    make_run(tmp_path, "a", 0.5)
    command = [
        sys.executable,
        "-c",
        f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {SERVE}",
    ]
    process = subprocess.Popen(
        [*command, "view", str(tmp_path), "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"view: (http://127\.0\.0\.1:\d+/) shows (.*), to browsers of this machine alone; .*\n", line)
    assert found is not None and found[2] == str(tmp_path), line
    with urllib.request.urlopen(found[1], timeout=10) as answer:
        assert b'<a href="/run/a">a</a>' in answer.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("view: ended\nFalse 0\n", "", 0)


def test_mistakes_are_told_in_one_line(call: Call) -> None:
    for arguments, message in (
        (("view",), "zskt: --mode view runs: no such folder; give one that holds runs\n"),
        (("view", "a", "b"), "zskt: --mode view a b: is about one folder; give the one that holds all runs\n"),
        (
            ("view", "--port", 99999),
            "zskt: --port 99999: is none; give a number from 0, which takes any that is free, to 65535\n",
        ),
        (("view", "--seed", 1), "zskt: --mode view does not use --seed; see --help\n"),
    ):
        assert call(*arguments) == (2, "", message)
