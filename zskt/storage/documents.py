"""Read JSON, YAML and TOML that others wrote: bounded in size, depth and numbers, and checked by types.

The types are the dataclasses that a file becomes anyway, so a new setting of a method is declared once. msgspec checks
them: it takes frozen dataclasses as they are, names the field that is wrong, needs no other package, and is imported
in 40 ms, where pydantic takes 60 ms and brings four packages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from zskt.errors import UserError
from zskt.markdown import integer

T = TypeVar("T")

MAX_BYTES = {"JSON": 64 * 2**20, "YAML": 2 * 2**20, "TOML": 2 * 2**20}
"""Size of the largest file that is read, by kind: PyYAML takes seconds for a megabyte."""
MAX_DEPTH = 64
"""How deep lists and tables may lie in each other."""
MAX_ENTRIES = 2_000_000
"""Values of a file, one that YAML's aliases repeat counted each time."""
MAX_NUMBER = 2**63
"""Whole numbers are below it."""
MAX_FLOAT = 1e100
"""Other numbers of files that hold finite ones are below it."""
FEW_CHARACTERS = 60
"""Characters of a value in a message."""


def read_text(path: Path, kind: str, remedy: str) -> str:
    """Read the text of a file of a kind that is at most so large.

    Raises:
        UserError: if it cannot be read, is larger, or no text in UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES[kind]:
            raise UserError(f"{path}: {integer(size)} bytes, at most {integer(MAX_BYTES[kind])} for {kind}; {remedy}")
        return path.read_text(encoding="utf-8-sig")  # editors of Windows begin with a mark
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable {kind} file ({_one_line(error)}); {remedy}") from error


def read_document(path: Path, kind: str, remedy: str, *, finite: bool = False) -> Any:
    """Read a JSON, YAML or TOML file, within bounds.

    Args:
        kind: "JSON", "YAML" or "TOML".
        remedy: what to do where it is none, for messages.
        finite: refuse NaN and infinity, as in files that are written without.

    Raises:
        UserError: if it cannot be read, is none of that kind, or out of bounds.
    """
    return parse(read_text(path, kind, remedy), kind, path, remedy, finite=finite)


def parse(text: str, kind: str, where: Path | str, remedy: str, *, finite: bool = False) -> Any:
    """Parse a text of one of the three kinds; arguments and errors as of `read_document`."""
    try:
        value = PARSERS[kind](text)
    except (ValueError, RecursionError, AttributeError, TypeError) as error:  # as PyYAML does on dates that are none
        raise UserError(f"{where}: not a readable {kind} file ({_one_line(error)}); {remedy}") from error
    except Exception as error:  # YAMLError is a plain Exception
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        raise UserError(f"{where}: not a readable {kind} file ({_one_line(error)}); {remedy}") from error
    problem = next(_out_of_bounds(value, finite), None)
    if problem is not None:
        raise UserError(f"{where}: {problem}; {remedy}")
    return value


def _yaml(text: str) -> Any:
    import yaml  # only few need it

    return yaml.safe_load(text)


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


PARSERS: dict[str, Callable[[str], Any]] = {"JSON": json.loads, "YAML": _yaml, "TOML": _toml}
"""Kind of a file -> what parses it."""


def _out_of_bounds(value: Any, finite: bool) -> Iterator[str]:
    """Yield what is too deep, too much or too large in a document, without recursion."""
    waiting: list[tuple[Any, int, str]] = [(value, 0, "")]
    for count, (entry, depth, name) in enumerate(_walk(waiting)):
        if count > MAX_ENTRIES:
            yield f"more than {integer(MAX_ENTRIES)} values"
        if depth > MAX_DEPTH:
            yield f"lists and tables lie in each other more than {MAX_DEPTH} deep"
        if isinstance(entry, int) and abs(entry) >= MAX_NUMBER:
            yield f"{name or 'it'} is {_short(entry)}, at most 2^63"
        if finite and isinstance(entry, float) and not abs(entry) < MAX_FLOAT:
            yield f"{name or 'it'} is {entry}, no finite number below {MAX_FLOAT:g}"
        if isinstance(entry, str) and not _is_text(entry):
            yield f"{name or 'it'} is {_short(entry)}, which is no text"


def _walk(waiting: list[tuple[Any, int, str]]) -> Iterator[tuple[Any, int, str]]:
    """Yield every value, how deep it lies, and its name."""
    while waiting:
        entry, depth, name = waiting.pop()
        yield entry, depth, name
        pairs = entry.items() if isinstance(entry, dict) else enumerate(entry) if isinstance(entry, list) else ()
        waiting += [(inner, depth + 1, _short(key).strip("'")) for key, inner in pairs]
        if isinstance(entry, dict):
            waiting += [(key, depth + 1, "a name") for key in entry]


def _is_text(text: str) -> bool:
    """Tell whether a text can be written: halves of surrogate pairs, which JSON may name, cannot."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def checked(value: Any, kind: type[T], where: Path | str, remedy: str = "mend it, or fetch it again") -> T:
    """Convert plain values into a type: a dataclass, a `msgspec.Struct`, a table or a list of such.

    Raises:
        UserError: if a value is of another type or out of its bounds: the message names the file and the field.
    """
    import msgspec  # tens of milliseconds: nobody waits for them who reads no file

    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        wrong, _, place = str(error).partition(" - at ")
        keys = _keys(value, kind, place.strip("`").removeprefix("$"), wrong)
        raise UserError(f"{where}: {_in_words(wrong, keys, value)}; {remedy}") from error
    except RecursionError as error:
        raise UserError(f"{where}: lists and tables lie too deep in each other; {remedy}") from error


def _keys(value: Any, kind: Any, place: str, wrong: str) -> list[str | int]:
    """Return the keys that lead to a wrong value; msgspec writes ``[...]`` for any key of a table."""
    keys: list[str | int] = []
    for word in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", place):
        name, index = word
        if index == "...":
            keys.append(_culprit(value, kind, keys, wrong))
        else:
            keys.append(int(index) if index else name)
    return keys


def _culprit(value: Any, kind: Any, keys: list[str | int], wrong: str) -> str:
    """Find the entry of a table that is wrong: the one that is wrong alone."""
    import msgspec

    table = _at(value, keys)
    for key in table if isinstance(table, dict) else ():
        try:
            msgspec.convert(_with(value, keys, {key: table[key]}), kind)
        except msgspec.ValidationError as error:
            if str(error).startswith(wrong):
                return cast(str, key)
    return "..."


def _at(value: Any, keys: list[str | int]) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _with(value: Any, keys: list[str | int], entry: Any) -> Any:
    """Copy, with another entry at the end of the keys."""
    if not keys:
        return entry
    inner = _with(value[keys[0]], keys[1:], entry)
    if isinstance(value, dict):
        return {**value, keys[0]: inner}
    return [inner if i == keys[0] else old for i, old in enumerate(value)]


def _in_words(wrong: str, keys: list[str | int], value: Any) -> str:
    """Say what is wrong: "pf_features.max_length is 1000000000, expected a number <= 10000"."""
    name = ".".join(map(str, keys))
    missing = re.match(r"Object missing required field `(.*)`", wrong)
    if missing is not None:
        return f"has no entry {'.'.join([*([name] if name else []), missing[1]])}"
    expected = wrong.partition(", got")[0].replace("`", "").replace("Expected", "expected").replace("null", "nothing")
    expected = re.sub(r"\b(\d+)\.0\b", r"\1", expected)
    return f"{name or 'it'} is {_short(_at(value, keys))}, {expected}"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a whole number of thousands of digits"
    return text if len(text) <= FEW_CHARACTERS else f"{text[:FEW_CHARACTERS]}..."


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
