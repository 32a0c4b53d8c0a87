"""The figures of the page about models of scikit-learn are those of the table of recorded runs."""

from __future__ import annotations

import re

from .conftest import REFERENCE

DOCS = REFERENCE.parent.parent / "docs"
FIGURE = re.compile(r"0\.\d{4} ± 0\.\d{4}")


def test_its_figures_are_recorded() -> None:
    page, table = ((DOCS / name).read_text() for name in ("how-to/scikit-learn.md", "results/vectors.md"))
    rows = {
        "scaler and perceptron": "digits-pipeline",
        "random forest": "digits-forest",
        "boosted trees": "cancer-boosted",
    }
    for model, teacher in rows.items():
        (line,) = (line for line in page.splitlines() if line.startswith(f"| {model}"))
        recorded = table.split(f"teacher {teacher}")[1].split("**vectors**")[0]
        agreements = [FIGURE.search(row).group() for row in recorded.splitlines() if "±" in row]  # type: ignore[union-attr]
        assert FIGURE.findall(line) == agreements
