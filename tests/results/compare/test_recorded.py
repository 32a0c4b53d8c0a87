"""Comparisons among the recorded results, and their pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.results.compare.imagined import leave_run
from tests.results.compare.test_page import FAILURES
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.results.compare.group import read_groups
from zskt.results.compare.markdown import comparison_page
from zskt.results.compare.page import Circumstances, write_comparison
from zskt.results.compare.recorded import add_comparison, is_comparison, read_comparisons, runs_of_comparison
from zskt.results.method_pages import measured
from zskt.results.pages import write_pages
from zskt.results.recording import new_runs, record_runs
from zskt.results.records import read_records
from zskt.storage.files import write_json


def comparison(folder: Path, seeds: int) -> Path:
    """Leave a comparison with its runs in it."""
    runs: dict[str, list[Path]] = {"zskt": [], "dafl": []}
    for method, several in runs.items():
        for seed in range(seeds):
            run = folder / f"{folder.name}-{method}-seed{seed}"
            if not run.exists():
                agreement = 0.8 if method == "zskt" else 0.3
                leave_run(run, agreement=agreement + 0.01 * seed, seed=seed, method=method, preset="jetclass-kin")
                write_json(run / "environment.json", {"command": "python train.py", "python": "3"})
            several.append(run)
    circumstances = Circumstances(command="python train.py --mode compare", budget={"minutes": 20.0, "queries": None},
                                  failures=FAILURES)  # fmt: skip
    write_comparison(folder, read_groups(runs), circumstances)
    return folder


def record(folder: Path, reference: Path) -> None:
    record_runs(new_runs(runs_of_comparison(folder), reference), reference)
    add_comparison(folder, reference)


def test_a_comparison_is_recorded_and_again_with_more_seeds(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    folder = comparison(tmp_path / "compare-kin", 2)
    assert is_comparison(folder) and not is_comparison(runs_of_comparison(folder)[0])
    record(folder, reference)
    record(comparison(folder, 3), reference)
    (kept,) = read_comparisons(reference).values()
    assert kept.entrants["dafl"] == [f"compare-kin-dafl-seed{seed}" for seed in range(3)]
    groups = {group.label: group for group in kept.groups(read_records(reference))}
    assert groups["zskt"].values("agreement") == pytest.approx([0.80, 0.81, 0.82])
    assert groups["zskt"].curve("agreement", "steps")  # curves survive the thinning


def test_a_run_of_the_same_name_and_another_result_is_not_overwritten(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    record(comparison(tmp_path / "compare-kin", 1), reference)
    other = comparison(tmp_path / "elsewhere" / "compare-kin", 1)
    path = other / "compare-kin-dafl-seed0" / "result.json"
    path.write_text(path.read_text().replace('"steps": 70', '"steps": 71'))
    with pytest.raises(UserError, match="has a run of this name already"):
        record(other, reference)


def test_a_page_of_runs_from_elsewhere_cannot_be_recorded_as_one(tmp_path: Path) -> None:
    run = leave_run(tmp_path / "a", agreement=0.5)
    write_comparison(tmp_path / "out", read_groups({"a": [run]}), Circumstances())
    with pytest.raises(UserError, match="its run a is not in it"):
        runs_of_comparison(tmp_path / "out")


def test_the_page_of_the_documentation(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    record(comparison(tmp_path / "compare-kin", 3), reference)
    (kept,) = read_comparisons(reference).values()
    page = comparison_page("compare-kin", kept, kept.groups(read_records(reference)), with_picture=True)
    assert "![Learning curves of compare-kin](compare-kin.png)" in page
    row = "| cmi | cannot play | the teacher has no normalisation |"
    for text in ("each run had 20 minutes", "zskt is first", row, "python train.py --mode compare"):
        assert text in page, text


def test_pages_are_written_and_compared_runs_stay_out_of_the_presets_tables(tmp_path: Path, catalog: Catalog) -> None:
    reference, out = tmp_path / "reference", tmp_path / "out"
    record(comparison(tmp_path / "compare-kin", 2), reference)
    lone = leave_run(tmp_path / "alone", agreement=0.5, preset="jetclass-kin", generator="noise")
    write_json(lone / "environment.json", {"command": "python train.py"})
    record_runs([lone], reference)
    write_pages(reference, out, catalog)
    assert (out / "compare-kin.png").is_file() and (out / "method-dafl.png").is_file()
    assert "dafl" in (out / "compare-kin.md").read_text() and "dafl" not in (out / "jets.md").read_text()
    assert not (out / "comparison-published.md").exists()  # which is of images
    write_pages(reference, out, catalog)  # a second time, over its own


def test_what_was_measured_of_a_method(tmp_path: Path, catalog: Catalog) -> None:
    reference = tmp_path / "reference"
    record(comparison(tmp_path / "compare-kin", 2), reference)
    section = measured("dafl", reference, catalog)
    assert "| `cifar10-resnet34-to-resnet18` | DAFL | 92.22 | not run [1] |" in section
    assert "--preset cifar10-resnet34-to-resnet18 --method dafl" in section
    assert "[compare-kin](../results/compare-kin.md), 20 minutes | dafl | 2 of 2 | 0.3050 ± 0.0071" in section
    cannot = measured("cmi", reference, catalog)
    assert "the teacher has no normalisation" in cannot and "90.01" in cannot
    assert measured("nobody", reference, catalog) == "Nobody has recorded a run yet."
