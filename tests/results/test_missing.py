"""Footnotes with the commands of missing runs."""

from __future__ import annotations

from zskt.results.missing import MissingRuns


def test_a_command_has_one_number() -> None:
    missing = MissingRuns()
    assert missing.footnotes() == ""
    assert [missing.cite(command) for command in ("--a", "--b", "--a")] == ["not run [1]", "not run [2]", "not run [1]"]
    assert missing.footnotes() == "Not run:\n\n[1] `python train.py --a`  \n[2] `python train.py --b`"
    assert missing.folded() == (
        '<details markdown="1">\n<summary>Commands of what was not run, [1] to [2]</summary>\n\n'
        f"{missing.footnotes()}\n\n</details>"
    )
