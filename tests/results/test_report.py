"""The HTML page on a run: what it says, the files beside it, and how it looks in a browser."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import look_at, require_sound
from zskt.__main__ import catalog as shipped_catalog
from zskt.results.report import report_run

from .conftest import REFERENCE

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on a recorded run, on the sample that ships."""
    run = tmp_path_factory.mktemp("runs") / "jets"
    shutil.copytree(REFERENCE / "jets-embedded-shower-seed0", run)
    return report_run(run, shipped_catalog(), device="cpu")


def test_a_recorded_run_is_reported(page: Path) -> None:
    text = page.read_text().replace("\u00a0", " ")
    for words in (
        "<h1>pfn distilled from zskt-particlenet</h1>",
        "25 600 teacher queries, 3 000 student steps. Pseudo-samples came from the generator shower.",
        "Scored on 2 000 jets of sample.root",
        "ms per jet",
        "Score distributions",
        "Background rejection",
        "Confusion matrix",
        "Class by class",
        "Efficiency and rejection against multiplicity",
        "Generated vs. simulated jets",
        " Beside them: sample.root.",
    ):
        assert words in text, words
    assert (page.parent / "physics-sample.json").is_file()


def test_what_the_shipped_jets_cannot_carry_is_left_out_with_what_would_do(page: Path) -> None:
    text = page.read_text().replace("\u00a0", " ")
    assert "200.0 ± 199.5" not in text
    assert "background jets would do" in text and "zskt --mode simulate" in text
    masses = list((page.parent / "report").glob("mass-of-the-background-*"))
    assert not masses  # a cut leaves fewer than fifty of the 200 QCD jets


def test_every_plot_and_table_is_a_file_beside_the_page(page: Path) -> None:
    files = page.parent / "report"
    for name in ("score-distributions-qcd", "confusion-matrix-student-against-truth", "calibration"):
        assert all((files / f"{name}.{kind}").is_file() for kind in ("svg", "pdf", "csv")), name
    rows = list(csv.DictReader((files / "table-class-by-class.csv").open()))
    assert [row["class"] for row in rows][:3] == ["QCD", "Hbb", "Hcc"] and {row["jets"] for row in rows} == {"200"}


def test_the_page_fits_a_phone_and_a_screen(page: Path) -> None:
    require_sound(look_at(page))


def test_a_report_on_one_run_goes_into_its_folder(call: Call, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    code, _, err = call("--mode", "report", "--run", tmp_path, "--out", tmp_path / "there")
    assert code == 2 and "goes into its folder" in err
