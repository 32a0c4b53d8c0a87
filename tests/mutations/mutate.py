"""Damage files as disks, networks and strangers do: bytes anywhere, and values of JSON, YAML and TOML."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 10**9, 10**30, -(10**18), 0.5, 1e-320, 1e308, -1e30, float("nan"), float("inf"),
    "", "x", "x" * 10_000, "../../etc/passwd", "\x1b[31m\n\x00", "\ud800", "nan", "1e9", [], {}, [[]], [None],
    [1e9] * 3, {"a": None}, {"name": "x"}, {"$ref": "#"},
)  # fmt: skip
"""What nobody expects in the place of a value."""


def flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def swapped(content: bytes, rng: random.Random) -> bytes:
    """Two blocks in each other's place."""
    size = rng.choice((1, 4, 16, 256))
    changed, (i, j) = bytearray(content), (rng.randrange(len(content)) for _ in range(2))
    changed[i : i + size], changed[j : j + size] = content[j : j + size], content[i : i + size]
    return bytes(changed)


def overwritten(content: bytes, rng: random.Random) -> bytes:
    """A block of zeros, ones or noise."""
    i, size = rng.randrange(len(content)), rng.choice((1, 4, 8, 64, 512))
    block = rng.choice((b"\x00" * size, b"\xff" * size, rng.randbytes(size), b"\x7f\xff\xff\xff" * (size // 4)))
    return content[:i] + block + content[i + size :]


def grown(content: bytes, rng: random.Random) -> bytes:
    """Bytes more, or a part twice."""
    i, size = rng.randrange(len(content)), rng.choice((1, 7, 100))
    return content[:i] + rng.choice((rng.randbytes(size), content[i : i + size])) + content[i:]


def without_a_part(content: bytes, rng: random.Random) -> bytes:
    i = rng.randrange(len(content))
    return content[:i] + content[i + rng.choice((1, 4, 100)) :]


OF_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flipped, flipped, cut, swapped, overwritten, overwritten, grown, without_a_part,
)  # fmt: skip


def of_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return a file with one damage of its bytes."""
    return rng.choice(OF_BYTES)(content, rng) if content else content


def of_values(value: Any, rng: random.Random) -> Any:
    """Return a document in which one value or key, anywhere, is another, missing, or deep."""
    changed = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 1, 3))):
        holders = [entry for entry in _all(changed) if isinstance(entry, dict | list) and entry]
        if not holders:
            return rng.choice(ODD_VALUES)
        _damage(rng.choice(holders), rng)
    return rng.choice((None, [], 7, "x", [changed])) if rng.random() < 0.02 else changed


def _all(value: Any) -> list[Any]:
    found, waiting = [], [value]
    while waiting:
        entry = waiting.pop()
        found.append(entry)
        waiting += entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ()
    return found


def _damage(holder: Any, rng: random.Random) -> None:
    key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    kind = rng.random()
    if kind < 0.6:
        holder[key] = rng.choice(ODD_VALUES)
    elif kind < 0.65:
        holder[key] = _deep(rng.choice((10, 100, 900)))
    elif kind < 0.8:
        del holder[key]
    elif isinstance(holder, dict):
        holder[rng.choice(("unknown", "", "name", f"{key} "))] = holder.pop(key) if kind < 0.9 else holder[key]
    else:
        holder.extend([holder[key]] * rng.choice((1, 2, 300)))


def _deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def of_json(content: bytes, rng: random.Random) -> bytes:
    """Return a JSON file with damaged values, or, less often, bytes."""
    if rng.random() < 0.2:
        return of_bytes(content, rng)
    if rng.random() < 0.02:
        return rng.choice((b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000, b'{"preset": ' + b"9" * 9999 + b"}"))
    try:
        return json.dumps(of_values(json.loads(content), rng)).encode("utf-8", "replace")
    except (ValueError, RecursionError):  # an odd value was put into itself
        return of_bytes(content, rng)


def of_lines(content: bytes, rng: random.Random) -> bytes:
    """Return a file of JSON lines of which a few are damaged."""
    lines = content.splitlines()
    for _ in range(rng.choice((1, 3))):
        i = rng.randrange(len(lines))
        lines[i] = of_json(lines[i], rng) if lines[i].startswith(b"{") and _is_json(lines[i]) else lines[i]
    return b"\n".join(lines) if rng.random() < 0.8 else of_bytes(content, rng)


def _is_json(line: bytes) -> bool:
    try:
        json.dumps(json.loads(line))
    except (ValueError, RecursionError):
        return False
    return len(line) < 5000


def of_yaml(content: bytes, rng: random.Random) -> bytes:
    """Return a YAML file with damaged values, bytes, or aliases without end."""
    import yaml

    if rng.random() < 0.3:
        return of_bytes(content, rng)
    if rng.random() < 0.03:
        lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
        bomb = "\n".join(["a0: &a0 [x]", *lines]).encode()
        return rng.choice(
            (bomb, b"a: &a [*a]", b"[" * 3000, b"a: !!python/object/apply:os.system [exit 3]", b"- " * 3000)
        )
    values = of_values(yaml.safe_load(content), rng)
    try:
        return yaml.safe_dump(values).encode("utf-8", "replace")
    except RecursionError:  # of values that are nested deeper than the library writes
        return b"model: " + b"[" * 2000 + b"]" * 2000


def of_toml(content: bytes, rng: random.Random) -> bytes:
    """Return a TOML file with damaged values or bytes."""
    if rng.random() < 0.4:
        return of_bytes(content, rng)
    lines = content.decode().splitlines()
    i = rng.randrange(len(lines))
    values = ("1", "-1", "1e9", "nan", "inf", "true", "''", "[]", "{}", "[[1]]", "1" * 30, "1979-05-27",
              "[" * 900 + "]" * 900, "'x y'")  # fmt: skip
    lines[i] = f"{lines[i].partition('=')[0]}= {rng.choice(values)}"
    return "\n".join(lines).encode()
