"""Exit codes of the command line, and the one line that goes with each."""

from __future__ import annotations

import argparse
import io
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from zskt.__main__ import catalog
from zskt.cli.commands import COMMANDS
from zskt.cli.main import main
from zskt.errors import FolderInUse, NonFiniteLoss, UserError
from zskt.experiments.interrupt import Interrupted

StandIn = Callable[[BaseException | None], int]


@pytest.fixture
def exit_code(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The exit code of a command that ends so."""

    def run(end: BaseException | None) -> int:
        def command(flags: argparse.Namespace, known: Any) -> None:
            assert flags.mode == "toy" and "pfn" in known.students
            if end is not None:
                raise end

        monkeypatch.setitem(COMMANDS, "toy", command)
        return main(["--mode", "toy"], catalog)

    return run


@pytest.mark.parametrize(
    ("end", "code", "line"),
    [
        (None, 0, ""),
        (NonFiniteLoss("step 3: loss/kl is nan"), 1, "zskt: stopped at step 3: loss/kl is nan\n"),
        (UserError("a: no such file; give another"), 2, "zskt: a: no such file; give another\n"),
        (FolderInUse("a: process 7 is at work there"), 75, "zskt: a: process 7 is at work there\n"),
        (OSError(28, "No space left on device", "runs/a"), 2, "zskt: runs/a: No space left on device; mend that"),
        (Interrupted(signal.SIGTERM), 143, "zskt: interrupted by SIGTERM; nothing was begun yet; start the same"),
        (KeyboardInterrupt(), 130, "zskt: interrupted; nothing was begun yet"),
    ],
)  # fmt: skip
def test_each_end_has_its_exit_code_and_at_most_one_line(
    exit_code: StandIn, capsys: pytest.CaptureFixture[str], end: BaseException | None, code: int, line: str
) -> None:
    assert exit_code(end) == code
    out, err = capsys.readouterr()
    assert not out and line in err and err.count("\n") == (code != 0)


def test_a_pipe_whose_reader_has_left_is_no_error(exit_code: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert exit_code(BrokenPipeError()) == 0
    assert stream.closed  # the interpreter would complain there of what it cannot write


def test_mistakes_of_ours_are_not_hidden(exit_code: StandIn) -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code(ZeroDivisionError())


def test_names_are_checked_before_a_command_begins(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> Any:
        raise AssertionError("the catalogue was made")

    assert main(["--mode", "evaluate", "--run", "no/such/run"], never) == 2
    assert "no/such/run" in capsys.readouterr().err
