"""What mode ``fetch`` does: it fills the cache, for machines that have no network."""

from __future__ import annotations

import argparse

from zskt.errors import UserError, lookup
from zskt.experiments.catalog import Catalog
from zskt.storage.downloads import CACHE, cache_folder
from zskt.terminal import note, say


def fetch(flags: argparse.Namespace, catalog: Catalog) -> None:
    """Run mode ``fetch``: the files of a teacher, and the images that it is judged on and that kd learns from.

    Raises:
        UserError: if neither a teacher nor a preset is named, or a file cannot be had.
    """
    from zskt.domains import DOMAINS

    if flags.teacher is None and flags.preset is None:
        raise UserError("--mode fetch: say of what: --teacher NAME, or --preset NAME")
    name = flags.teacher or lookup(catalog.presets, flags.preset, "preset").teacher
    if not name:
        raise UserError(f"--preset {flags.preset}: is for a teacher from a file of yours; nothing is fetched for it")
    card = lookup(catalog.teachers, name, "teacher")
    for role, path in card.files().items():
        say(f"{role}: {path}")
    if card.dataset is not None:
        for source in DOMAINS[card.domain].sources(card, None, True):
            if source is not None:
                note(f"fetching {source.name}")
                source.check()
        say(f"data: {card.dataset}")
    say(f"cache: {cache_folder()} (a machine without a network takes a copy of it: {CACHE}=FOLDER)")
