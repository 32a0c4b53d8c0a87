"""Say whether the user trusts the code in a teacher's file.

A TorchScript file is a program. It runs when it is loaded, with all rights of the user: one that was written for a
test overwrote a file of ours by ``torch.from_file``. ``--trust-teacher`` and the variable of the environment say that
its author is known. The variable reaches the processes that a command starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

FLAG = "--trust-teacher"
VARIABLE = "ZSKT_TRUST_TEACHER"


def is_trusted() -> bool:
    """Tell whether the user trusts the code in teachers' files."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


@contextmanager
def trusted(says_so: bool) -> Iterator[None]:
    """Trust teachers' files for a while, if ``says_so``; else leave all as it is."""
    before = os.environ.get(VARIABLE)
    if says_so:
        os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        if says_so:
            os.environ.pop(VARIABLE)
            os.environ.update({} if before is None else {VARIABLE: before})
