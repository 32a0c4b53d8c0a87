"""TensorBoard's writer of a run's events."""

from __future__ import annotations

import threading
import time
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

    TensorBoard reads the files of a folder in the order of their names: of the second, then of the process, then of
    the writer, whose tenth sorts before its ninth. One that would come before an earlier one waits for the next second.

    Args:
        purge_step: TensorBoard forgets what is known from this iteration on: the run writes it again.
    """
    from torch.utils.tensorboard import SummaryWriter  # takes a second to import

    before = threading.excepthook
    if getattr(before, "__name__", "") != _quiet_on_full_disk.__name__:
        _Hook.before = before
        threading.excepthook = _quiet_on_full_disk
    earlier = {path.name for path in folder.glob(EVENTS)}
    writer = SummaryWriter(as_text(folder), purge_step=purge_step)
    for name in {path.name for path in folder.glob(EVENTS)} - earlier:
        if any(_second(other) == _second(name) and other > name for other in earlier):
            writer.close()
            (folder / name).unlink()
            time.sleep(1)
            return open_writer(folder, purge_step)
    return writer


def _second(events: str) -> str:
    """Return when a file of events was opened, as its name has it."""
    return events.split(".")[3]


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
