"""How far a run is: lines for a log file, a bar for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from zskt.experiments.progress import Progress, duration

METRICS = {"loss/student": 0.25, "agreement/pseudo": 0.5, "test/agreement": None, "rate/student": 1.0}


class Terminal(io.StringIO):
    """A terminal of a hundred columns."""

    def isatty(self) -> bool:
        return True


def every(seconds: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (3540, "59 min"), (5940, "99 min"), (6000, "1 h 40 min")],
)
def test_times_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_log_file_gets_a_line_a_minute_with_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    clock = every(40)
    with Progress("run", 10, 4, None, lambda: next(clock)) as progress:
        for step in range(5, 11):
            progress.update(step, METRICS, 1280)
    assert capsys.readouterr().err.splitlines() == [
        "run: iteration 4 of 10",
        # 80 seconds for two iterations, four are left, 160 seconds; the last is no news: the table comes next
        "run: iteration 6 of 10, loss 0.250, agreement 0.500, queries 1 280, about 3 min left",
        "run: iteration 8 of 10, loss 0.250, agreement 0.500, queries 1 280, about 80 s left",
    ]


def test_without_figures_a_line_says_how_far(capsys: pytest.CaptureFixture[str]) -> None:
    clock = every(61)
    with Progress("run", 3, 0, None, lambda: next(clock)) as progress:
        progress.update(1, {})
    assert capsys.readouterr().err.splitlines()[1] == "run: iteration 1 of 3, about 2 min left"


def test_a_terminal_gets_a_bar_and_explained_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    terminal, clock = Terminal(), every(10)
    with Progress("a[red]b\x1b[31m", 4, 0, terminal, lambda: next(clock)) as progress:
        progress.update(1, METRICS, 128)
        progress.update(2, {"test/agreement": 0.75}, 256)
    shown = terminal.getvalue()
    assert shown.count("loss: the student's loss on pseudo-samples") == 1
    assert shown.count("queries: samples that the teacher was asked about") == 1
    assert "loss 0.250, agreement 0.500, on test samples 0.750, queries 256" in shown
    assert "about 20 s left" in shown and "2/4" in shown
    assert "a[red]b\\x1b[31m" in shown  # names of folders are no markup, and no colours
    assert "\x1b[?25l" not in shown  # the cursor stays


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

        def flush(self) -> None:
            raise OSError(5, "Input/output error")

    clock = every(10)
    with Progress("run", 2, 0, Gone(), lambda: next(clock)) as progress:
        progress.update(1, METRICS, 1)
        progress.update(2, METRICS, 2)
