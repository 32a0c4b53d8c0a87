"""A file of a run folder by which a budget holds when a run is killed: queries are noted before they are asked.

A checkpoint knows what was asked until it was saved. What was asked since is asked again by a run that goes on, and
counts once more. So that no write waits for each question, some are set aside at once, at most a hundredth of the
budget: after a kill these count as asked. A run that saves before it ends gives back what it did not ask.
"""

from __future__ import annotations

import os
from pathlib import Path

from zskt.errors import UserError
from zskt.storage.files import read_json
from zskt.storage.whole_files import replacing

SET_ASIDE = 100
"""Of a budget, one part in so many is set aside at once."""


class QueryLedger:
    """The file of a run with a budget; its number is never less than what was asked.

    Args:
        limit: the budget.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit, self.noted = path, limit, noted(path)

    def reserve(self, asked: int) -> None:
        """Note that so many will have been asked, and some more, unless that is noted."""
        if asked > self.noted:
            self._note(min(asked + self.limit // SET_ASIDE, self.limit))

    def settle(self, asked: int) -> None:
        """Note what was asked, which a checkpoint knows."""
        if asked != self.noted:
            self._note(asked)

    def _note(self, count: int) -> None:
        with replacing(self.path) as temporary, temporary.open("w") as file:
            file.write(f'{{"noted": {count}}}\n')
            file.flush()
            os.fsync(file.fileno())  # a machine that loses power has asked no more
        self.noted = count


def noted(path: Path) -> int:
    """Return the number of a ledger; 0 where there is none.

    Raises:
        UserError: if the file is damaged.
    """
    if not path.is_file():
        return 0
    count = read_json(path).get("noted")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise UserError(f'{path}: says not how many queries were asked; write it: {{"noted": NUMBER}}')
    return count
