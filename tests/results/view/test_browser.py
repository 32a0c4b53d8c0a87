"""The viewer in a real browser: sort, filter, compare, curves, jets, on a phone and offline."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.results.view.test_server import EVIL, make_run
from zskt.__main__ import catalog
from zskt.results.view.pseudo_jets import pseudo_jets
from zskt.results.view.server import Viewer

CHROMIUM = Path("/usr/bin/chromium")
Open = Callable[[str, int], Any]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of requirements-test.txt")
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}")
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    runs = tmp_path_factory.mktemp("runs")
    made = {"teacher": "zskt-particlenet", "student": "pfn", "preset": "jets-embedded", "generator": "shower"}
    run = make_run(runs, "alpha", 0.5, **made)
    config = catalog().presets["jets-embedded"].to_dict()
    (run / "config.json").write_text(json.dumps(config))
    make_run(runs, "beta", 0.75, teacher="cms")
    make_run(runs, "gamma")
    make_run(runs, EVIL, 0.25)
    with Viewer(runs, lambda run: pseudo_jets(run, catalog())) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def visit(chromium: Any, viewer: Viewer) -> Iterator[Open]:
    """Opens pages; at the end, nothing was complained of, and nothing was asked of anybody else."""
    context = chromium.new_context()
    complaints: list[str] = []
    asked: list[str] = []

    def visit(path: str, width: int = 1300) -> Any:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append("a dialog"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(viewer.address + path)
        return page

    yield visit
    context.close()
    assert complaints == []
    assert all(url.startswith((viewer.address, "data:")) for url in asked)


def names(page: Any) -> list[str]:
    return [row.inner_text() for row in page.locator("#runs tbody tr:visible .name a").all()]


def test_the_list_is_filtered_sorted_and_compared(visit: Open, viewer: Viewer) -> None:
    page = visit("", 1300)
    assert names(page) == [EVIL, "alpha", "beta", "gamma"]
    page.get_by_role("button", name="agreement").click()
    assert names(page) == [EVIL, "alpha", "beta", "gamma"]  # 0.25, 0.5, 0.75, none
    page.get_by_role("button", name="agreement").click()
    assert names(page) == ["beta", "alpha", EVIL, "gamma"]
    page.get_by_role("button", name="run", exact=True).click()
    assert names(page)[1:] == ["alpha", "beta", "gamma"]
    page.locator("#filter").fill("zero-shot CMS")
    assert names(page) == ["beta"] and page.locator("#count").inner_text() == "1 of 4 runs"
    page.locator("#filter").fill("")
    assert page.locator("#compare").is_disabled()
    for name in ("alpha", "beta"):
        page.get_by_label(f"compare {name}").check()
    page.locator("#compare").click()
    assert page.url == f"{viewer.address}compare?run=alpha&run=beta"
    assert page.locator("#comparison td.best").first.inner_text() == "0.7500"
    page.wait_for_selector("#curves[data-ready] canvas")
    keys = page.locator(".key").evaluate_all("keys => keys.map(key => getComputedStyle(key).backgroundColor)")
    assert keys == ["rgb(0, 114, 178)", "rgb(230, 159, 0)"]


def test_a_run_has_curves_that_are_drawn(visit: Open) -> None:
    page = visit("run/gamma", 900)
    page.wait_for_selector("#curves[data-ready]")
    assert page.locator("#curves h3").all_inner_texts() == ["loss/student"]
    assert page.locator("#curves canvas").evaluate(INKED) > 100


INKED = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .filter((x, i) => i % 4 === 3 && x > 0).length"""
"""How many pixels of a canvas are not empty."""


def test_pseudo_jets_turn(visit: Open) -> None:
    page = visit("jets/alpha", 1300)
    page.wait_for_selector("#jets[data-ready]", timeout=60_000)
    canvas, words = page.locator("#jets"), page.locator("#jet")
    assert words.inner_text().startswith("1 of 12: ") and canvas.evaluate(INKED) > 1000
    image = "canvas => canvas.toDataURL()"
    first = canvas.evaluate(image)
    page.get_by_role("button", name="Next").click()
    second = canvas.evaluate(image)
    assert words.inner_text().startswith("2 of 12: ") and second != first
    page.get_by_role("button", name="Previous").click()
    assert canvas.evaluate(image) == first
    canvas.press("ArrowRight")
    turned = canvas.evaluate(image)
    assert turned != first
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 250)
    page.mouse.up()
    assert canvas.evaluate(image) != turned
    page.get_by_label("simulated jets instead").check()
    assert words.inner_text().startswith("1 of 12: ")


@pytest.mark.parametrize("width", [400, 900, 1400])
@pytest.mark.parametrize("path", ["", "run/alpha", "compare?run=alpha&run=beta&run=gamma"])
def test_no_page_is_wider_than_the_screen(visit: Open, path: str, width: int) -> None:
    page = visit(path, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
