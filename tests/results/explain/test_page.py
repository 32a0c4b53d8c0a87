"""The figures of the page on explanations are those of the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "explain.md"


def scores(name: str, samples: str, student: str = "additive") -> dict[str, Any]:
    record = json.loads((ROOT / "runs/reference/benchmarks" / f"explain-{name}.json").read_text())
    group: dict[str, Any] = record["sets"][samples]["groups"][f"{student} of observables"]
    return group


def test_the_embedded_teacher() -> None:
    text, data, prior = PAGE.read_text(), scores("embedded", "data"), scores("embedded", "prior")
    for group in (data, prior):
        explained = group["all"]["explained"]
        assert f"{100 * explained['mean']:.1f} ± {100 * explained['std']:.1f} %" in text
    assert f"agreement of {data['all']['agreement']['mean']:.3f} and an ADO of {data['all']['ado']['mean']:.3f}" in text
    strength = {name: entry["strength"]["mean"] for name, entry in data["features"].items()}
    assert max(strength, key=lambda name: strength[name]) == "mass" and f"{strength['mass']:.3f} logits" in text
    assert f"{100 * data['features']['mass']['ado']['mean']:.1f} % of pairs" in text
    assert min(strength, key=lambda name: strength[name]) == "abs_eta"
    assert f"explains {100 * scores('embedded', 'data', 'mlp')['all']['explained']['mean']:.1f} %" in text
    assert f"{100 * data['features']['abs_eta']['ado']['mean']:.1f} % of the pairs" in text


def test_the_tagger_of_cms() -> None:
    text, data = PAGE.read_text(), scores("ak8-md", "data")
    for group in (data, scores("ak8-md", "prior")):
        explained = group["all"]["explained"]
        assert f"{100 * explained['mean']:.1f} ± {100 * explained['std']:.1f} %" in text
    assert f"ADO of {data['all']['ado']['mean']:.3f}" in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and line.endswith(" |")]
    groups = ("additive of observables", "additive-pairs of observables", "mlp of observables", "pfn of all inputs")
    record = json.loads((ROOT / "runs/reference/benchmarks/explain-ak8-md.json").read_text())["sets"]["data"]["groups"]
    for group in groups:
        row = f"| {100 * record[group]['all']['explained']['mean']:.1f} % | {record[group]['seeds']} |"
        assert any(line.endswith(row) for line in rows), row
    strength = {name: entry["strength"]["mean"] for name, entry in data["features"].items()}
    order = sorted(strength, key=lambda name: -strength[name])
    assert order[:3] == ["vertices", "sum_significance", "multiplicity"] and order.index("mass") > 6
    for name in (*order[:3], "mass", "charge"):
        assert f"{strength[name]:.3f}" in text
