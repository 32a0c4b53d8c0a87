"""Memory that is freed stays with the process: the next tensor of the same size need not be asked of the system.

glibc maps each large block anew and gives it back when it is freed, so that the system has to clear its pages at every
step. That takes more time than a student's arithmetic does. Other C libraries have no such setting, and none is made.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Settings of ``mallopt``, from glibc's malloc.h."""


def keep_freed_memory() -> bool:
    """Take all memory from the heap, and keep what is freed; whether this C library can be told so."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no glibc; Windows has no library without a name
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
