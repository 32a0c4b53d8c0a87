"""Which commit the last release is."""

from __future__ import annotations

import pytest

import zskt
from benchmarks import release
from benchmarks.bench import Skipped


def test_the_last_release_is_the_latest_commit_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"c": zskt.__version__, "b": "0.1.0", "a": "0.0.1"}

    def git(*arguments: str) -> str:
        if arguments[0] == "log":
            return "c\nb\na\n"
        return f'__version__ = "{versions[arguments[1].partition(":")[0]]}"\n'

    monkeypatch.setattr(release, "_git", git)
    assert release.last_release() == "b"
    versions |= dict.fromkeys("ab", zskt.__version__)
    with pytest.raises(Skipped, match="no earlier version"):
        release.last_release()
