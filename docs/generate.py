#!/usr/bin/env python3
"""Write the reference pages that follow from the code: cli.md, config.md and result-json.md; tables in other pages.

python docs/generate.py            writes docs/reference
python docs/generate.py --check    exits with 1 if a page is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from written.command_line import cli_page
from written.markdown import METHOD_PAGES, ROOT
from written.result import result_page
from written.settings import config_page
from written.within_pages import written_page

REFERENCE = ROOT / "docs" / "reference"
PAGES: dict[Path, Callable[[], str]] = {
    REFERENCE / "cli.md": cli_page,
    REFERENCE / "config.md": config_page,
    REFERENCE / "result-json.md": result_page,
}
PAGES |= {
    path: partial(written_page, path)
    for path in (
        REFERENCE / "teachers.md",
        REFERENCE / "generators.md",
        ROOT / "docs/how-to/compress.md",
        *sorted(METHOD_PAGES.glob("*.md")),
    )
}


def main() -> int:
    """Write the pages, or compare them with those that are there."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, page in PAGES.items():
        text = page()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run python docs/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
