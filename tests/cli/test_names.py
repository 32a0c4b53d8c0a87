"""The names that the command line knows without torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.__main__ import catalog
from zskt.cli.names import KINDS, names_of, read_names, require_names
from zskt.cli.parser import parse
from zskt.errors import UserError
from zskt.methods import METHODS


def test_the_file_of_names_is_what_the_catalogue_has() -> None:
    # After a change of the catalogue: python -m zskt --write-names
    assert read_names() == names_of(catalog())


def test_every_name_has_a_summary() -> None:
    names = read_names()
    assert all(summary for kind in KINDS for summary in names[kind].values())
    assert names["settings"]["kd"] == list(METHODS["kd"].Config.names())


@pytest.mark.parametrize("flag", ["preprocess", "classes", "inputs"])
def test_a_folder_in_place_of_a_file_is_told(flag: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^--{flag} {tmp_path}: is a folder; give "):
        require_names(parse(["--mode", "zero-shot", f"--{flag}", str(tmp_path)]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--teacher", "x"), "unknown teacher 'x': choose one of cifar10-resnet20"),
        (("--teacher", "mnist-lenet"), "unknown teacher 'mnist-lenet': did you mean mnist-lenet5"),
        (("--student", "x"), "unknown student 'x': choose one of additive, additive-pairs, deepsets, frame-gru, "),
        (("--generator", "x"), "unknown generator 'x': choose one of cutouts-prior, frames, image, leaves-prior, mlp"),
        (("--generator", "none"), "unknown generator 'none': did you mean noise"),
        (("--preset", "x"), "unknown preset 'x': choose one of"),
        (("--method", "x"), "unknown method 'x': choose one of adadfkd, "),
        (("--method", "zksd"), "unknown method 'zksd': did you mean zskt?"),
        (("--method", "supervized"), "unknown method 'supervized': choose one of adadfkd, "),
        (("--teacher-path", "none.pt"), "--teacher-path none.pt: no such file; give the teacher's file"),
        (("--preprocess", "no.json"), "--preprocess no.json: no such file; give the preprocess.json"),
        (
            ("--out", "/proc/nowrite/run"),
            "--out /proc/nowrite/run: cannot be made in /proc (No such file or directory)",
        ),
        (
            ("--out", "pyproject.toml/run"),
            f"--out pyproject.toml/run: cannot be made in {Path('pyproject.toml').absolute()}",
        ),
        (("--data", "none.root"), "--data none.root: no such file; give a file of jets, or a folder of images"),
    ],
)
def test_unknown_names_and_files_are_told(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError) as error:
        require_names(parse(["--mode", "zero-shot", *arguments]))
    assert str(error.value).startswith(message)


def test_a_pattern_of_files_is_told_from_a_file_that_is_missing(tmp_path: Path) -> None:
    for i in range(2):
        (tmp_path / f"part_{i}.root").touch()
    with pytest.raises(UserError, match=r"part_\*.root: is a pattern of 2 files of jets; --data takes one file: merge"):
        require_names(parse(["--mode", "zero-shot", "--data", str(tmp_path / "part_*.root")]))
