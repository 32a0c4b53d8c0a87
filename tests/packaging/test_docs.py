"""The documentation follows the code and the recorded results."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

import zskt
from zskt.cli.parser import parse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))
RUNS = ROOT / "runs" / "reference"
PAGES = sorted(DOCS.rglob("*.md"))


def blocks(page: Path, language: str) -> Iterator[str]:
    """Yield the code blocks of a page in a language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def test_generated_pages_are_up_to_date() -> None:
    check = subprocess.run([sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True)
    assert check.returncode == 0, check.stderr


COMMANDS = [
    pytest.param(command, id=f"{page.relative_to(DOCS)}: {' '.join(command)[:60]}")
    for page in PAGES
    for block in blocks(page, "bash")
    for line in block.replace("\\\n", " ").splitlines()
    if (command := shlex.split(line, comments=True))[:1] == ["zskt"]
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_printed_command_is_one(command: list[str]) -> None:
    assert parse(command[1:]).mode


def test_pages_show_commands() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_python_blocks_are_python(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, str(page), "exec")


def leaves(value: object) -> Iterator[float]:
    """Yield the numbers of a JSON document."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from leaves(entry)


def test_every_figure_is_recorded() -> None:
    recorded = {f"{n:.4f}" for line in (RUNS / "index.jsonl").open() for n in leaves(json.loads(line))}
    made = "".join(page.read_text() for page in (DOCS / "results").glob("*.md"))  # means and deviations of the index
    for page in PAGES:
        made += "".join(re.findall(r"<!-- table: .*?<!-- end -->", page.read_text(), flags=re.DOTALL))
    recorded |= set(re.findall(r"\d+\.\d{4}", made))
    figures = {
        (str(page.relative_to(DOCS)), figure)
        for page in PAGES
        if page.name != "config.md"  # defaults of settings, from the code
        for figure in re.findall(r"(?<![\d.])\d+\.\d{4}(?!\d)", re.sub(r"arxiv\S*", "", page.read_text(), flags=re.I))
    }
    assert len(figures) > 60
    assert not {(page, figure) for page, figure in figures if figure not in recorded}


@pytest.mark.slow
def test_the_tutorial_on_your_own_network_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for block in blocks(DOCS / "tutorial" / "your-own-network.md", "python"):
        exec(compile(block, "your-own-network.md", "exec"), namespace)
    figures = zskt.evaluate(namespace["student"], namespace["teacher"], namespace["loader"])
    assert figures["agreement"] > 0.9


@pytest.mark.slow
def test_the_page_on_frames_runs() -> None:
    namespace: dict[str, object] = {}
    for block in blocks(DOCS / "how-to" / "frames.md", "python"):
        exec(compile(block, "frames.md", "exec"), namespace)
    x, labels = namespace["waves"](500, torch.Generator().manual_seed(1))  # type: ignore[operator]
    figures = zskt.evaluate(namespace["run"].student, namespace["teacher"], (x, labels))  # type: ignore[attr-defined]
    assert figures["agreement"] > 0.9
    assert namespace["student"].answers(x).shape == (500, 30, 2)  # type: ignore[attr-defined]


def test_the_pages_load_nothing_from_other_sites() -> None:
    assert re.search(r"^\s+font: false\b", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert "analytics" not in (ROOT / "mkdocs.yml").read_text()


def test_the_shown_diffs_are_the_code_of_today() -> None:
    for page in ("add-a-method", "add-a-loss-term", "add-a-teacher-format"):
        (diff,) = re.findall(r"```diff\n(.*?)\n```", (DOCS / "how-to" / f"{page}.md").read_text(), flags=re.DOTALL)
        for part in diff.split("diff --git ")[1:]:
            code = (ROOT / part.split(" b/")[1].splitlines()[0]).read_text()
            added = [line[1:] for line in part.splitlines() if line.startswith("+") and not line.startswith("+++")]
            assert added
            for line in added:
                assert line in code, f"{page}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_equations_are_read_by_github_and_by_browsers(page: Path) -> None:
    pytest.importorskip("latex2mathml", reason="needs requirements-docs.txt")
    from written.mathml import mathml

    text = page.read_text()
    within = re.findall(r"\$`(.*?)`\$", text)
    assert text.count("$`") == len(within), "an equation goes on in another line"
    for latex in (*blocks(page, "math"), *within):
        assert ElementTree.fromstring(mathml(latex)).tag.endswith("math")


def test_equations_of_a_page() -> None:
    pytest.importorskip("latex2mathml", reason="needs requirements-docs.txt")
    from written.mathml import mathml, on_page_content

    page = on_page_content("<p>With <code>x</code> $<code>\\beta &lt; 1</code>$.</p>")
    assert re.sub("<(?!code|/code|p|/p).*?>", "", page) == "<p>With <code>x</code> &#x003B2;&#x0003C;1.</p>"
    assert "<mi>KL</mi>" in mathml(r"\operatorname{KL}(T \parallel S)")
    assert re.search("<mi>log</mi><mspace [^>]*/><mi>K", mathml(r"\log K"))
    with pytest.raises(ValueError, match="does not know all of its commands"):
        mathml(r"\nonsense{x}")


def test_numbers_in_tables_stay_on_a_line() -> None:
    from written.numbers import on_page_content

    row = "<tr><td>zskt</td><td>0.9840 ± 0.0020</td><td>107 776</td><td>3 of 16</td><td>–</td></tr>"
    marked = row.replace("<td>0", '<td class="number">0').replace("<td>1", '<td class="number">1')
    assert on_page_content(row) == marked
