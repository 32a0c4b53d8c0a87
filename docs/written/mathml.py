"""Equations as MathML, which browsers draw by themselves: no page loads a script for them.

Pages hold LaTeX as GitHub reads it: a fenced block of ``math``, or a code span between dollar signs. mkdocs calls the
functions named ``on_...`` (``hooks`` in mkdocs.yml).
"""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

INLINE = re.compile(r"\$<code>(.*?)</code>\$", re.DOTALL)


def mathml(latex: str, display: str = "inline") -> str:
    """Convert LaTeX.

    Raises:
        ValueError: if a command is unknown.
    """
    text: str = convert(latex, display=display)
    if "\\" in text:
        raise ValueError(f"{latex.strip()}: latex2mathml does not know all of its commands")
    text = re.sub(r"<mo>([A-Za-z]{2,})</mo>", r"<mi>\1</mi>", text)  # a name, which needs no space around it
    return text.replace("<mi>log</mi><mi", "<mi>log</mi><mspace width='0.17em'/><mi")


def on_config(config: Any, **_: Any) -> Any:
    """Let fenced blocks of ``math`` be equations."""
    fence = {"name": "math", "class": "math", "format": lambda source, *_, **__: mathml(source, "block")}
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [fence]}
    return config


def on_page_content(content: str, **_: Any) -> str:
    """Replace the equations within the lines of a page, HTML."""
    return INLINE.sub(lambda found: mathml(html.unescape(found[1])), content)
