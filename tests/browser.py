"""Pages in a real browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
"""The distribution's; Playwright's own is not downloaded."""
WIDTHS = (400, 900, 1400)
"""A phone, half a screen, a screen: pixels."""
LOOK = """() => ({
    wide: document.documentElement.scrollWidth - window.innerWidth,
    images: document.images.length,
    broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.alt),
    sideBySide: Math.max(0, ...[...document.querySelectorAll('.panels')].map(
        p => getComputedStyle(p).gridTemplateColumns.split(' ').length)),
    background: getComputedStyle(document.body).backgroundColor,
    unnamed: [...document.images].filter(i => !i.alt).length,
    dangling: [...document.querySelectorAll('nav a')].filter(
        a => !document.querySelector(a.getAttribute('href'))).length,
})"""
"""What is measured of a page."""


def look_at(page: Path, scheme: str = "light", widths: Sequence[int] = WIDTHS) -> dict[int, dict[str, object]]:
    """Open a page at each width, and return what was measured, with what the console complained of as "errors"."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    if not CHROMIUM.is_file():
        pytest.skip(f"needs the distribution's Chromium as {CHROMIUM}")
    found = {}
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for width in widths:
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            tab.set_default_timeout(120_000)
            errors: list[str] = []
            tab.on("console", lambda m, kept=errors: kept.append(m.text) if m.type in ("error", "warning") else None)
            tab.on("pageerror", lambda error, kept=errors: kept.append(str(error)))
            tab.on("requestfailed", lambda request, kept=errors: kept.append(request.url[:80]))
            tab.goto(page.resolve().as_uri())
            tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
            found[width] = tab.evaluate(LOOK) | {"errors": errors}
            tab.close()
        browser.close()
    return found


def require_sound(found: dict[int, dict[str, object]]) -> None:
    """Assert that a page fits its window at each width, shows every image, and has no complaint."""
    for width, seen in found.items():
        assert seen["errors"] == [], f"at {width} pixels: {seen['errors']}"
        assert isinstance(seen["wide"], int) and seen["wide"] <= 0, f"at {width} pixels: {seen['wide']} too wide"
        assert seen["broken"] == [] and seen["unnamed"] == 0, f"at {width} pixels: {seen}"
        assert seen["dangling"] == 0, f"at {width} pixels: a link of the page leads nowhere"
        if width < 700:
            assert seen["sideBySide"] == 1, f"at {width} pixels: {seen['sideBySide']} plots a row"
