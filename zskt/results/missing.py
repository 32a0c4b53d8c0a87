"""Runs that a table would show and that are not recorded, with the commands that make them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class MissingRuns:
    """Commands of missing runs, numbered in the order in which tables ask for them."""

    commands: list[str] = field(default_factory=list)

    def cite(self, command: str) -> str:
        """Return the text of a cell without a run, with the number of the command that makes it."""
        if command not in self.commands:
            self.commands.append(command)
        return f"not run [{self.commands.index(command) + 1}]"

    def footnotes(self) -> str:
        """Return the numbered commands; empty if nothing is missing."""
        lines = [f"[{i}] `python train.py {command}`" for i, command in enumerate(self.commands, 1)]
        return "Not run:\n\n" + "  \n".join(lines) if lines else ""

    def folded(self) -> str:
        """Return the same as an element of HTML that a click unfolds, for pages, of which they would fill the half."""
        if not self.commands:
            return ""
        numbers = f"[1] to [{len(self.commands)}]" if len(self.commands) > 1 else "[1]"
        summary = f"<summary>Commands of what was not run, {numbers}</summary>"
        return f'<details markdown="1">\n{summary}\n\n{self.footnotes()}\n\n</details>'
