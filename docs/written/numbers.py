"""Numbers in the tables of pages, which stay on one line: mean ± deviation, and thousands, are written with spaces.

mkdocs calls the function named ``on_...`` (``hooks`` in mkdocs.yml); a style sheet does the rest.
"""

from __future__ import annotations

import re
from typing import Any

NUMBER = re.compile(r"<td>([^<A-Za-z&]*\d[^<A-Za-z&]*)</td>")
"""A cell of digits, and of neither letters nor tags."""


def on_page_content(content: str, **_: Any) -> str:
    """Mark the cells of a page, HTML, that hold a number and nothing else."""
    return NUMBER.sub(r'<td class="number">\1</td>', content)
