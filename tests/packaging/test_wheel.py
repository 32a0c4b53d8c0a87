"""The wheel holds the three packages with their data, and nothing else of the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("zskt", "teachers", "generators")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in the wheel, built from a copy of the repository that has other folders beside."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for file in (*ROOT.glob("requirements*.txt"), ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE"):
        shutil.copy(file, source)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("tests", "runs", "benchmarks", "docs"):
        (source / folder).mkdir()
        (source / folder / "__init__.py").touch()
    build = subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=source, capture_output=True, text=True)
    assert build.returncode == 0, build.stderr
    (wheel,) = out.glob("*.whl")
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_only_the_three_packages_are_inside(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == set(PACKAGES)


def test_every_module_and_every_data_file_is_inside(names: set[str]) -> None:
    files = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert files == names
    assert {
        "zskt/sample/sample.root",
        "zskt/results/report.html.j2",
        "generators/images/objects.csv",
        "teachers/embedded/zskt-particlenet.safetensors",
    } <= names
