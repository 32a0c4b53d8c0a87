"""The HTML page on a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .conftest import REFERENCE

Call = Callable[..., tuple[int, str, str]]


def test_a_recorded_run_is_reported(call: Call, tmp_path: Path) -> None:
    run = tmp_path / "jets"
    shutil.copytree(REFERENCE / "jets-embedded-shower-seed0", run)
    code, _, err = call("--mode", "report", "--run", run)
    assert code == 0, err
    page = (run / "report.html").read_text()
    for text in (
        "<h1>pfn distilled from zskt-particlenet</h1>",
        "25,600 teacher queries, 3,000 student steps. Pseudo-samples came from the generator shower.",
        "Scored on 2,000 jets of sample.root",
        "ms per jet",
        "Background rejection",
        " Beside them: sample.root.",
    ):
        assert text in page, text
    assert (run / "physics-sample.json").is_file()
