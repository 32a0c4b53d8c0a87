"""A site's file: what it may say, and one line for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.cluster.site import Site, read_site
from zskt.errors import UserError


def test_a_file_is_read_and_nothing_is_all_defaults(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('processes = 2\ncores = 8\nmemory = "16 GB"\ntime = "1-02:30:00"\ndirectives = ["--exclusive"]\n')
    site = read_site(path)
    assert site == Site(processes=2, cores=8, memory="16 GB", time="1-02:30:00", directives=("--exclusive",))
    assert (site.threads, site.seconds) == (4, 26 * 3600 + 1800)
    assert read_site(None) == Site()


@pytest.mark.parametrize(
    ("time", "lifetime"), [("", None), ("00:10:00", 540), ("01:00:00", 3300), ("24:00:00", 86_100), ("00:00:30", 1)]
)
def test_runs_save_before_their_job_ends(time: str, lifetime: int | None) -> None:
    assert Site(time=time).lifetime == lifetime


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("memry = '1 GB'", "unknown setting of a site 'memry': did you mean memory?"),
        ("memory = 16", "memory is 16, but must be of kind str"),
        ("memory = '16'", "memory is '16', but must be a size"),
        ("gpus = true", "gpus is True, but must be of kind int"),
        ("gpus = -1", "gpus is -1, but must be at least 0"),
        ("time = '4h'", "time is '4h', but must be written as HH:MM:SS"),
        ("directives = '--x'", "directives is '--x', but must be a list of lines"),
        ("prologue = [1]", "prologue is [1], but must be a list of lines"),
        ("processes = 3\ncores = 2", "cores is 2, but must be at least processes, 3"),
        ("cores = ", "not a readable TOML file"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_site(path)
    assert str(error.value).startswith(f"--site {path}: ") and line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--site .*none.toml: no such file"):
        read_site(tmp_path / "none.toml")
