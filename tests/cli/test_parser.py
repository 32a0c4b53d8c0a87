"""The parser: flags by mode, aliases, and one line for each mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zskt.cli.modes import MODES
from zskt.cli.parser import build_parser, parse


def test_flags_that_are_not_given_are_none_or_false() -> None:
    flags = parse(["--mode", "zero-shot"])
    assert flags.device == "auto" and flags.preset is None and flags.resume is False and flags.iterations is None


@pytest.mark.parametrize("flag", ["--iterations", "--pseudo-batches"])
def test_iterations_have_an_older_name(flag: str) -> None:
    assert parse(["--mode", "zero-shot", flag, "7"]).iterations == 7


@pytest.mark.parametrize("flag", ["--samples-per-class", "--images-per-class"])
def test_samples_per_class_have_an_older_name(flag: str) -> None:
    assert parse(["--mode", "few-shot", flag, "7"]).samples_per_class == 7


def test_settings_and_runs_are_lists_and_paths_are_paths() -> None:
    flags = parse(["--mode", "zero-shot", "--set", "a=1", "--set", "b=2", "--data", "x/y"])
    assert flags.set == ["a=1", "b=2"] and flags.data == Path("x/y")
    assert parse(["--mode", "evaluate", "--run", "a", "b"]).run == [Path("a"), Path("b")]
    assert parse(["--mode", "zero-shot", "--without-evaluation", "--without-evaluation"]).without_evaluation


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode", "dance"], "unknown --mode 'dance': choose one of zero-shot, kd, few-shot"),
        (["--mode", "zero-shoot"], "unknown --mode 'zero-shoot': did you mean zero-shot?"),
        (["--mode", "kd", "--generator", "mlp"], "--mode kd does not use --generator"),
        (["--mode", "few-shot", "--generator", "x", "--method", "kd"], "does not use --generator, --method"),
        (["--mode", "zero-shot", "--samples-per-class", "3"], "--mode zero-shot does not use --samples-per-class"),
        (["--mode", "zero-shot", "--without-teacher"], "--mode zero-shot does not use --without-teacher"),
        (["--mode", "zero-shot", "--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--mode", "zero-shot", "--iteration", "3"], "unknown argument --iteration: did you mean --iterations?"),
        (["--mode", "zero-shot", "--device", "tpu"], "argument --device: invalid choice: 'tpu'"),
        (
            ["--mode", "evaluate", "--run", "r/a", "--run", "r/b"],
            "--run: given twice; give it once, with all its values;",
        ),
        (["--mode", "compress", "--bits", "8", "--bits=4"], "--bits: given twice; give it once;"),
        (["list", "--mode", "kd"], "--mode: given twice; give it once;"),
        (
            ["--mode", "zero-shot", "--iterations", "3", "--pseudo-batches", "4"],
            "--iterations/--pseudo-batches: given twice; give it once;",
        ),
        (
            ["--mode", "zero-shot", "--teacher-path", "a", "--teacher-path", "b"],
            "--teacher-path: given twice; give it once, with all its values;",
        ),
        ([], "the following arguments are required: --mode"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        parse(arguments)
    err = capsys.readouterr().err
    assert leaving.value.code == 2 and message in err and err.startswith("zskt: ") and err.count("\n") == 1


def test_help_names_every_mode_and_every_flag_is_of_some_mode() -> None:
    text = build_parser().format_help()
    assert all(f"\n  {mode} " in text for mode in MODES)
    flags = {action.dest for action in build_parser()._actions} - {"help", "mode"}
    assert flags == {flag for mode in MODES.values() for flag in mode.flags}


def test_help_lists_and_mistakes_need_no_torch() -> None:
    code = "import sys; from zskt.__main__ import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += "assert 'torch' not in sys.modules"
    for arguments in (["--help"], ["--mode", "list"], ["--mode", "kd", "--student", "x"], ["--mode", "dance"]):
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("flag", ["--seed", "--queries", "--images", "--rank"])
def test_zero_is_a_value_which_a_mode_may_not_use(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        parse(["--mode", "evaluate", "--run", "r", flag, "0"])
    assert error.value.code == 2 and f"--mode evaluate does not use {flag}" in capsys.readouterr().err
