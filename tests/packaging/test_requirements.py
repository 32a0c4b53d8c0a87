"""The requirements files, the built package's metadata and the imports of the code agree."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import zskt

ROOT = Path(__file__).parents[2]
PACKAGES = ("zskt", "teachers", "generators")
BUILD = "import sys; from setuptools import build_meta; print(build_meta.prepare_metadata_for_build_wheel(sys.argv[1]))"


def requirements(file: str) -> set[str]:
    """Return the normalised requirements of a file, following its ``-r`` lines."""
    lines: set[str] = set()
    for line in (ROOT / file).read_text().splitlines():
        if line.startswith("-r "):
            lines |= requirements(line.removeprefix("-r ").strip())
        elif line.strip() and not line.startswith("#"):
            lines.add(str(Requirement(line)))
    return lines


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """Build the package's metadata from a copy, so that nothing is left in the repository."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("metadata")
    for file in (*ROOT.glob("requirements*.txt"), ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE"):
        shutil.copy(file, source)
    (source / "zskt").mkdir()
    shutil.copy(ROOT / "zskt" / "__init__.py", source / "zskt")
    build = subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=source, capture_output=True, text=True)
    assert build.returncode == 0, build.stderr
    return Distribution.at(out / build.stdout.splitlines()[-1])


def of_extra(metadata: Distribution, extra: str) -> set[str]:
    """Return what an extra adds, or what every installation needs if it is empty; without the markers."""
    chosen: set[str] = set()
    for text in metadata.requires or ():
        requirement = Requirement(text)
        if (f'extra == "{extra}"' == str(requirement.marker)) if extra else requirement.marker is None:
            requirement.marker = None
            chosen.add(str(requirement))
    return chosen


@pytest.mark.parametrize(
    ("extra", "file"),
    [
        ("", "requirements.txt"),
        ("sim", "requirements-sim.txt"),
        ("fpga", "requirements-fpga.txt"),
        ("keras", "requirements-keras.txt"),
        ("cluster", "requirements-cluster.txt"),
        ("docs", "requirements-docs.txt"),
        ("loggers", "requirements-loggers.txt"),
    ],
)
def test_the_package_requires_what_the_file_says(metadata: Distribution, extra: str, file: str) -> None:
    assert of_extra(metadata, extra) == requirements(file) != set()


def test_the_development_extra_is_the_development_file(metadata: Distribution) -> None:
    assert of_extra(metadata, "") | of_extra(metadata, "dev") == requirements("requirements-dev.txt")


def test_the_package_has_the_version_of_the_library(metadata: Distribution) -> None:
    assert (metadata.metadata["Name"], metadata.version) == ("zskt", zskt.__version__)


def imported(folder: Path) -> dict[str, Path]:
    """Return the top-level modules that the files of a folder import, each with a file that does."""
    modules: dict[str, Path] = {}
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0]: file for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules[node.module.split(".")[0]] = file
    return modules


NOT_INSTALLED = {"mlflow": ["mlflow-skinny"]}
"""Modules of optional packages under another name, where these are not there to say so themselves."""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_required(package: str) -> None:
    optional = set().union(
        *(requirements(f"requirements-{extra}.txt") for extra in ("sim", "fpga", "keras", "cluster", "loggers"))
    )
    required = {Requirement(line).name.lower() for line in requirements("requirements.txt") | optional}
    distributions = packages_distributions()
    for module, file in imported(ROOT / package).items():
        if module in PACKAGES or module in sys.stdlib_module_names:
            continue
        names = {name.lower() for name in distributions.get(module, NOT_INSTALLED.get(module, [module]))}
        assert names & required, f"{file.relative_to(ROOT)} imports {module}, which no requirements file names"
