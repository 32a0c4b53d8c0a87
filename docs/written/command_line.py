"""reference/cli.md: the modes and flags of the parser."""

from __future__ import annotations

import argparse
from pathlib import Path

from written.markdown import HEADER, table
from zskt.cli.modes import MODES
from zskt.cli.parser import build_parser

VALUES: dict[object, str] = {int: "N", float: "X", Path: "PATH"}
"""What stands for a flag's value, by its type; others are names."""


def flag_name(action: argparse.Action) -> str:
    """Return a flag as it is typed, with its value and its older names."""
    name, *older = action.option_strings
    if action.choices is not None and action.metavar is None:
        value = " " + "|".join(map(str, action.choices))
    elif action.nargs == 0:
        value = ""
    else:
        value = f" {action.metavar or VALUES.get(action.type, 'NAME')}"
    more = "..." if action.nargs in ("+", "*") else ""
    also = f" (also `{'`, `'.join(older)}`)" if older else ""
    return f"`{name}{value}{more}`{also}"


def cli_page() -> str:
    """Return reference/cli.md."""
    parser = build_parser()
    parts = [
        HEADER + "# Command line",
        "`zskt --mode MODE [flags]` runs one job. `python -m zskt` and `python train.py` are the same command.",
        "Exit codes: 0 for success, 1 for a run that diverged or lost one of its processes, 2 for a mistake in the "
        "command (one line says what to do), 75 where another process is at work in the run folder, 128 and the "
        "number of the signal for an interruption (130 for Ctrl-C, 143 for SIGTERM). No run is ever overwritten.",
        "## Modes",
    ]
    flags = {action.dest: action.option_strings[0] for action in parser._actions if action.option_strings}
    rows = [
        (f"`{name}`", mode.summary, ", ".join(f"`{flags[flag]}`" for flag in mode.flags if flag in flags) or "none")
        for name, mode in MODES.items()
    ]
    parts.append(table(("mode", "what it does", "flags that it reads"), rows))
    parts.append("A flag that a mode does not read is an error.")
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.dest not in ("help", "mode")]
        if not actions:
            continue
        parts.append(f"## Flags: {group.title}")
        rows = []
        for action in actions:
            modes = [f"`{name}`" for name, mode in MODES.items() if action.dest in mode.flags]
            rows.append((flag_name(action), action.help or "", ", ".join(modes)))
        parts.append(table(("flag", "meaning", "modes"), rows))
    return "\n\n".join(parts).rstrip() + "\n"
