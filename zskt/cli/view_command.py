"""Mode ``view``: pages of finished and running runs, for the browsers of this machine. It begins without torch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zskt.errors import UserError
from zskt.terminal import say

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog

PORT, MAX_PORT = 8017, 65535
RUNS = Path("runs")


def view(flags: argparse.Namespace, catalog: Callable[[], Catalog]) -> None:
    """Serve the runs of a folder until Ctrl-C.

    Raises:
        UserError: if there is no such folder, or the port is taken.
    """
    from zskt.results.view.server import Viewer

    if len(flags.words) > 1:
        raise UserError(f"--mode view {' '.join(flags.words)}: is about one folder; give the one that holds all runs")

    port = PORT if flags.port is None else flags.port
    if not 0 <= port <= MAX_PORT:
        raise UserError(f"--port {port}: is none; give a number from 0, which takes any that is free, to {MAX_PORT}")

    def jets(run: Path) -> dict[str, Any]:
        from zskt.results.view.pseudo_jets import pseudo_jets

        return pseudo_jets(run, catalog())

    with Viewer(Path(flags.words[0]) if flags.words else RUNS, jets, port) as viewer:
        say(f"view: {viewer.address} shows {viewer.root}, to browsers of this machine alone; Ctrl-C ends it")
        try:
            viewer.serve_forever()
        except KeyboardInterrupt:  # how it ends
            say("view: ended")
