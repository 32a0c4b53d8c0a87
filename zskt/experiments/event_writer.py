"""TensorBoard's writer of a run's events."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVENTS = "events.out.tfevents.*"
"""TensorBoard's files, whose names it makes."""


def open_writer(folder: Path, purge_step: int | None = None) -> SummaryWriter:
    """Open a writer into a run folder.

    It writes in a thread. What fails there, as on a full disk, its next call raises here; Python would print a
    traceback of the thread beside, and does not.

    Args:
        purge_step: TensorBoard forgets what is known from this iteration on: the run writes it again.
    """
    from torch.utils.tensorboard import SummaryWriter  # takes a second to import

    before = threading.excepthook
    if getattr(before, "__name__", "") != _quiet_on_full_disk.__name__:
        _Hook.before = before
        threading.excepthook = _quiet_on_full_disk
    return SummaryWriter(str(folder), purge_step=purge_step)


class _Hook:
    before = staticmethod(threading.excepthook)


def _quiet_on_full_disk(failure: threading.ExceptHookArgs) -> None:
    if not (isinstance(failure.exc_value, OSError) and type(failure.thread).__module__.startswith("tensorboard.")):
        _Hook.before(failure)
