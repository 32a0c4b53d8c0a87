"""TensorBoard's writer of a run's events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.storage.folder_names import as_text

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVENTS = "events.out.tfevents.*"
"""TensorBoard's files, whose names it makes."""


def open_writer(folder: Path, purge_step: int | None = None) -> SummaryWriter:
    """Open a writer into a run folder.

    It writes in a thread. What fails there, as on a full disk, its next call raises here, or `close_writer`; Python
    would print a traceback of the thread beside, and does not.

    Args:
        purge_step: TensorBoard forgets what is known from this iteration on: the run writes it again.
    """
    from torch.utils.tensorboard import SummaryWriter  # takes a second to import

    before = threading.excepthook
    if getattr(before, "__name__", "") != _quiet_on_full_disk.__name__:
        _Hook.before = before
        threading.excepthook = _quiet_on_full_disk
    return SummaryWriter(as_text(folder), purge_step=purge_step)


def close_writer(writer: SummaryWriter) -> None:
    """Write what is left, and close.

    Raises:
        OSError: if that failed, or its thread had failed, of which TensorBoard's own ``close`` says nothing.
    """
    writer.close()
    failure, _Hook.failure = _Hook.failure, None
    if failure is not None:
        raise failure


class _Hook:
    """What was called for errors of threads, and the last error of a writer's."""

    before: Callable[[threading.ExceptHookArgs], object] = threading.__excepthook__
    failure: OSError | None = None


def _quiet_on_full_disk(failure: threading.ExceptHookArgs) -> None:
    if isinstance(failure.exc_value, OSError) and type(failure.thread).__module__.startswith("tensorboard."):
        _Hook.failure = failure.exc_value
    else:
        _Hook.before(failure)
