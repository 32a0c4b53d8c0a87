"""The pages of ``docs/results`` are what the recorded runs say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.result import ScoredSamples
from zskt.results.pages import INTRODUCTIONS, MARK, TITLES, render_pages, write_pages

from .conftest import REFERENCE, record

Call = Callable[..., tuple[int, str, str]]
COMMITTED = REFERENCE.parent.parent / "docs" / "results"


def test_the_committed_pages_are_made_from_the_reference_runs(tmp_path: Path, catalog: Catalog) -> None:
    write_pages(REFERENCE, tmp_path / "pages", catalog)
    by_hand = {"index.md"}
    assert {path.name for path in (tmp_path / "pages").iterdir()} == {p.name for p in COMMITTED.iterdir()} - by_hand
    for page in TITLES:
        assert (tmp_path / f"pages/{page}.md").read_text() == (COMMITTED / f"{page}.md").read_text(), page
    write_pages(REFERENCE, tmp_path / "pages", catalog)  # its own it may renew


@pytest.mark.parametrize("page", TITLES)
def test_a_page_begins_with_two_sentences(page: str) -> None:
    text = (COMMITTED / f"{page}.md").read_text()
    assert text.startswith(f"{MARK}\n\n# {TITLES[page]}\n\n{INTRODUCTIONS[page]}\n\n")
    assert INTRODUCTIONS[page].count(". ") == 1 and INTRODUCTIONS[page].endswith(".")


def test_a_page_without_a_table_is_left_out(catalog: Catalog) -> None:
    pages = render_pages([record()], catalog)
    assert set(pages) == {"jets"} and "| mlp | 1 000 |" in pages["jets"]


def test_published_experiments_are_shown_to_those_who_ran_some_on_images(catalog: Catalog) -> None:
    data = ScoredSamples(name="MNIST", sha256=None, count=10, unit="image")
    pages = render_pages([record(), record(preset="mnist-lenet5-to-lenet5-half", data=data)], catalog)
    assert set(pages) == {"jets", "images", "paper", "ablations", "comparison-published"}


def test_pages_are_never_written_over_something_else(call: Call, tmp_path: Path) -> None:
    for name in ("notes.md", "jets.md"):
        place = tmp_path / name.removesuffix(".md")
        place.mkdir()
        (place / name).write_text("precious")
        code, _, err = call("--mode", "tables", "--run", REFERENCE, "--out", place)
        assert code == 2 and "is not a folder of tables" in err and err.count("\n") == 1
        assert (place / name).read_text() == "precious" and len(list(place.iterdir())) == 1


def test_a_file_is_no_place_for_pages(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "pages").write_text("mine")
    with pytest.raises(UserError, match=r"is not a folder of tables"):
        write_pages(REFERENCE, tmp_path / "pages", catalog)
