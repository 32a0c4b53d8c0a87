"""The notebooks of the documentation run, and reach what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parent.parent / "docs" / "notebooks"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_notebooks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    left = runpy.run_path(str(path), run_name="notebook")
    assert left["run"].metrics
    for name, least in {"vectors": 0.85, "figures": 0.8}.items():
        figures = left.get(name, 1.0)
        assert min(figures.values() if isinstance(figures, dict) else [figures]) > least
