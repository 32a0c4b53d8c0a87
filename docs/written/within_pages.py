"""What is made anew inside pages that are written by hand: tables of the code, and figures of the records."""

from __future__ import annotations

import json
import re
from pathlib import Path

from generators import GENERATORS
from teachers import TEACHERS
from written.markdown import METHOD_PAGES, ROOT, RUNS, first_paragraph, table
from zskt.__main__ import catalog
from zskt.experiments.method_recipes import RECIPES, VARIANTS
from zskt.methods import METHODS
from zskt.networks.students import STUDENTS
from zskt.results.compression_table import compression_table
from zskt.results.method_pages import measured
from zskt.results.records import read_records


def teachers_table() -> str:
    """Return the table of the teachers' cards."""
    rows = [(f"`{name}`", card.summary, card.licence, card.source) for name, card in TEACHERS.items()]
    return table(("name", "what it is", "licence", "source"), rows)


def students_table() -> str:
    """Return the table of the students."""
    return table(("name", "domain", "what it is"), [(f"`{n}`", s.domain, s.summary) for n, s in STUDENTS.items()])


def generators_table() -> str:
    """Return the table of the generators."""
    return table(("name", "domain", "what it draws"), [(f"`{n}`", g.domain, g.summary) for n, g in GENERATORS.items()])


def methods_table() -> str:
    """Return the table of the methods, each with its page if it has one."""
    rows = []
    for name, method in METHODS.items():
        page = METHOD_PAGES / f"{name.replace('_', '-')}.md"
        link = f"[`{name}`]({page.name})" if page.is_file() else f"`{name}`"
        rows.append((link, first_paragraph(method), "data" if method.needs_data else "pseudo-samples"))
    return table(("name", "what it does", "its student learns from"), rows)


def recipes_table() -> str:
    """Return the table of the methods' recipes."""
    rows = []
    for (place, method), recipe in sorted(RECIPES.items()):
        if method not in {*METHODS, *VARIANTS}:
            continue
        settings = ", ".join(f"`{name}={setting}`" for name, setting in recipe.settings.items())
        rows.append(
            (
                f"`{place or 'anywhere'}`",
                f"`{method}`",
                settings,
                _generator(recipe.generator),
                recipe.summary,
            )
        )
    return table(("where", "method", "settings", "generator", "remark"), rows)


def _generator(name: str | None) -> str:
    """Return a recipe's generator as the table has it; words stay words."""
    return "" if name is None else name if " " in name else f"`{name}`"


def smaller_table() -> str:
    """Return the table of the students that mode compress made smaller."""
    speeds = json.loads((RUNS / "benchmarks/smaller.json").read_text())["ratios"]
    return compression_table(read_records(RUNS), speeds)


TABLES = {
    "smaller": smaller_table,
    "methods": methods_table,
    "recipes": recipes_table,
    "teachers": teachers_table,
    "students": students_table,
    "generators": generators_table,
}


def with_tables(page: str) -> str:
    """Return a page with the text between ``<!-- table: NAME -->`` and ``<!-- end -->`` written anew."""
    pattern = r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n\n{match[3]}", page, flags=re.DOTALL)


def with_measurements(page: str) -> str:
    """Return a page with the text between ``<!-- measured: NAME -->`` and ``<!-- end -->`` made anew of records."""

    def section(match: re.Match[str]) -> str:
        return f"{match[1]}\n{measured(match[2], RUNS, catalog(), ROOT / 'docs' / 'results')}\n\n{match[3]}"

    return re.sub(r"(<!-- measured: ([\w-]+) -->\n).*?(<!-- end -->)", section, page, flags=re.DOTALL)


def written_page(path: Path) -> str:
    """Return a page that is written by hand, with what is made in it made anew."""
    return with_measurements(with_tables(path.read_text()))
