"""What is printed: control characters and bytes that are no text are written as escapes."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.conftest import Call
from zskt.terminal import PrintableStream, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a – b\u202fc ä 日", "a – b\u202fc ä 日"),
        ("a\x1b[31mb\nc\r\x07", "a\\x1b[31mb\\nc\\r\\x07"),
        ("\u202egnp.exe\u200b", "\\u202egnp.exe\\u200b"),
        (os.fsdecode(b"r\xff"), "r\\udcff"),
    ],
)
def test_nothing_moves_the_cursor(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable("a\n\tb", lines=True) == "a\n\tb"


def test_a_stream_prints_what_its_encoding_lacks_as_escapes() -> None:
    kept = io.BytesIO()
    stream = PrintableStream(io.TextIOWrapper(kept, encoding="ascii"))
    print("1 – 2\x1b[2J", file=stream)
    stream.flush()
    assert kept.getvalue() == b"1 \\u2013 2\\x1b[2J\n"


def test_folders_of_any_name_hold_runs(call: Call, few_jets: Path) -> None:
    folder = Path(os.fsdecode(b"r\xff\xe9\n\x1b[31mred"))
    code, out, err = call("--mode", "zero-shot", "--iterations", 1, "--data", few_jets, "--out", folder)
    assert code == 0, err
    shown = printable(str(folder))
    assert out.rstrip().endswith(f"run: {shown}") and "\x1b" not in out + err and folder.is_dir()
    for flags in (
        ("zero-shot", "--out", folder, "--resume"),
        ("evaluate", "--run", folder),
        ("report", "--run", folder),
        ("compare", "--run", folder, "--out", f"{folder}-page"),
        ("export", "--run", folder, "--out", f"{folder}-student"),
    ):
        code, out, err = call("--mode", *flags)
        assert code == 0 and "\x1b" not in out + err, err
    code, _, err = call("--mode", "evaluate", "--run", f"{folder}-none")
    assert code == 2 and f"{shown}-none" in err and err.count("\n") == 1


def test_mistakes_are_told_without_what_they_hold(call: Call) -> None:
    for flags in (
        ("--mode", "zero-shot", "--teacher-path", "no\n\x1b[31mred"),
        ("--mode", "zero-shot\x1b[2J"),
        ("--mode", "zero-shot", "--preset", "\x1b[2J"),
    ):
        code, _, err = call(*flags)
        assert code == 2 and "\\x1b[" in err and "\x1b" not in err and err.count("\n") == 1
