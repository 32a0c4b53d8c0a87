"""reference/config.md: the settings of methods and runs.

Descriptions are the docstrings below the fields; ranges are the fields' metadata.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from written.markdown import HEADER, field_docstrings, first_paragraph, table
from zskt.experiments.aliases import SETTING_ALIASES
from zskt.experiments.config import RunConfig
from zskt.methods import METHODS

FIRST = ("iterations", "epochs", "batch_size")
"""What every method has, which a reader looks for first; inherited fields come before a method's own."""
BOUNDS = {"minimum": "at least", "maximum": "at most", "above": "above", "below": "below"}


def limits(metadata: Mapping[str, Any]) -> str:
    """Return the bounds of a setting, as `zskt.settings.setting` declares them."""
    words = [f"{word} {metadata[name]}" for name, word in BOUNDS.items() if name in metadata]
    if metadata.get("choices"):
        words.append("one of " + ", ".join(f"`{choice}`" for choice in metadata["choices"]))
    if metadata.get("domains"):
        words.append(f"{' or '.join(metadata['domains'])} only")
    return ", ".join(words)


def value(text: object) -> str:
    """Return a default as it is written in Python."""
    return f"`{text!r}`"


def settings_table(config: type, without: tuple[str, ...] = ()) -> str:
    """Return the table of a settings dataclass."""
    texts, rows = field_docstrings(config), []
    for field in sorted(dataclasses.fields(config), key=lambda field: field.name not in FIRST):
        if field.name in without:
            continue
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = "required" if missing else value(field.default)
        if field.default_factory is not dataclasses.MISSING:
            default = value(field.default_factory())
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        rows.append((f"`{field.name}`", f"`{kind}`", default, limits(field.metadata), texts.get(field.name, "")))
    head: tuple[str, ...] = ("name", "type", "default", "range", "meaning")
    if not any(row[3] for row in rows):
        head, rows = (*head[:3], head[4]), [(*row[:3], row[4]) for row in rows]
    return table(head, rows)


def config_sections() -> Iterator[str]:
    """Yield the sections of reference/config.md."""
    for name, method in METHODS.items():
        yield f"## Method `{name}`"
        yield first_paragraph(method.Config, method)
        yield settings_table(method.Config)
    yield "## The run around it"
    yield first_paragraph(RunConfig)
    yield settings_table(RunConfig, without=("settings",))
    yield "## Earlier names"
    yield "These names are still understood on the command line and in recorded runs."
    yield table(("earlier", "today"), [(f"`{old}`", f"`{new}`") for old, new in SETTING_ALIASES.items()])


def config_page() -> str:
    """Return reference/config.md."""
    introduction = (
        "Each method has its own settings. On the command line, change one with `--set NAME=VALUE`; in Python, give it "
        "to `zskt.distill` as a keyword. A setting that the method does not have is an error. The preset supplies the "
        "values that you do not give: `zskt --mode list` shows the presets. A run records all of its settings in "
        "`config.json`."
    )
    return "\n\n".join([HEADER + "# Settings", introduction, *config_sections()]).rstrip() + "\n"
