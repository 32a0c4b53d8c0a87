"""The gallery's pictures are there, and small enough for a page."""

from __future__ import annotations

import re

from PIL import Image

from tests.conftest import ROOT

DOCS = ROOT / "docs"


def test_every_picture_is_shown_and_small() -> None:
    shown = set(re.findall(r"\]\(gallery/([\w.-]+)\)", (DOCS / "gallery.md").read_text()))
    assert shown == {path.name for path in (DOCS / "gallery").iterdir()}
    assert all((DOCS / "gallery" / name).stat().st_size < 2 * 10**6 for name in shown)


def test_the_game_in_the_plane_moves() -> None:
    with Image.open(DOCS / "gallery" / "plane.gif") as picture:
        assert getattr(picture, "n_frames", 1) > 30
