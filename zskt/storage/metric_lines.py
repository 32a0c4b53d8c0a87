"""Read ``metrics.jsonl``, what a run logged: a JSON object of numbers a line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.terminal import note

LARGEST = 2**63
"""Whole numbers of a line are below it."""


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a ``metrics.jsonl``; none where there is no such file.

    What is damaged is left out, and one line on standard error counts it.

    Raises:
        UserError: if the file cannot be read.
    """
    if not path.is_file():
        return []
    try:
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); mend that") from error
    read = [values for values in map(_numbers, lines) if values is not None]
    if len(read) < len(lines):
        note(f"zskt: {path}: {len(lines) - len(read)} of {len(lines)} lines are damaged, left out")
    return read


def _numbers(line: bytes) -> dict[str, Any] | None:
    """Return the numbers of a line by name; None if it is no object of numbers with a finite step."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):  # no text, no JSON, or a number of thousands of digits
        return None
    if not isinstance(values, dict) or not all(value is None or _is_number(value) for value in values.values()):
        return None
    step = values.get("step")
    return values if step is not None and math.isfinite(step) else None


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < LARGEST
