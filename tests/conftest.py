"""What tests share: where the stand-ins for downloads are, and a way to call the command line."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
import torch
from PIL import Image

from zskt.jets.sample import SAMPLE

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
SHARED = ROOT.parent / "shared"

if "PYTEST_XDIST_WORKER" in os.environ:  # test processes side by side: more threads than cores make all of them slow
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start
    torch.set_num_threads(1)


@pytest.fixture
def shared() -> Path:
    """Published teachers and simulated jets, which do not ship with the project."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the published teachers and jets in {SHARED}, which do not ship with zskt")
    return SHARED


@pytest.fixture(autouse=True)
def _short_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are not what tests are about."""
    monkeypatch.setattr("zskt.export.latency.N_TIMING_ROUNDS", 1)
    monkeypatch.setattr("zskt.export.latency.MIN_SECONDS", 1e-3)


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A shell starts background jobs deaf to SIGINT: tests of Ctrl-C hear it wherever they run."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def _trusted_teachers() -> Iterator[None]:
    """TorchScript that tests write themselves is loaded; tests of trust take this back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZSKT_TRUST_TEACHER", "1")
        yield


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    torch.manual_seed(0)


COUNTED = "faults"
"""Property of a test's report: what it injected, and how often that ended well."""


@pytest.fixture
def count_faults(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Called with a line such as "kill -9: 20 of 20 bit-identical", which the summary of all tests prints."""
    return lambda line: record_property(COUNTED, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was injected, and how often that ended well."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    lines = [str(line) for report in reports for name, line in report.user_properties if name == COUNTED]
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a network, on which nothing was fetched before."""

    def get(*_: object, **__: object) -> None:
        raise requests.ConnectionError("no route to host")

    monkeypatch.setenv("ZSKT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZSKT_MIRROR", raising=False)
    monkeypatch.setattr("requests.Session.get", get)


def _last_of_each(arguments: list[str]) -> list[str]:
    """Leave out what a flag that comes again makes void; some flags may be repeated."""
    from zskt.cli.parser import build_parser

    actions = build_parser()._option_string_actions
    parts: dict[object, list[str]] = {}
    key: object = None
    for argument in arguments:
        action = actions.get(argument.partition("=")[0])
        if action is not None:
            key = len(parts) if type(action).__name__ == "_AppendAction" else action.dest
            parts[key] = []
        parts.setdefault(key, []).append(argument)
    return [argument for part in parts.values() for argument in part]


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """``zskt`` with these arguments, in an empty folder: exit code, standard output, standard error.

    A flag that comes again takes the place of the earlier one, so that a test can change one of several calls.
    """
    monkeypatch.chdir(tmp_path)
    from zskt.__main__ import main

    def run(*arguments: object) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(_last_of_each([str(a) for a in arguments]))
            except SystemExit as leaving:  # argparse's way
                code = int(leaving.code or 0)
        return code, out.getvalue(), err.getvalue()

    return run


@pytest.fixture(scope="session")
def few_jets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few jets of the sample that ships."""
    import uproot  # tests of other domains do without

    path = tmp_path_factory.mktemp("data") / "few.root"
    with uproot.open(SAMPLE) as file:
        jets = file["tree"].arrays(entry_stop=200)
    with uproot.recreate(path) as out:
        out["tree"] = {name: jets[name] for name in jets.fields}
    return path


def png(pixels: np.ndarray) -> bytes:  # type: ignore[type-arg]
    code = io.BytesIO()
    Image.fromarray(pixels).save(code, "PNG")
    return code.getvalue()


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Forty "digits" a split that a network can tell apart: a bright square whose place is the class."""
    place = tmp_path / "digits"
    place.mkdir()
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        labels = np.arange(40) % 10
        pixels = rng.integers(0, 60, (40, 28, 28), dtype=np.uint8)
        for image, label in zip(pixels, labels, strict=True):
            row, column = 4 * (label // 5) + 6, 4 * (label % 5) + 4
            image[row : row + 4, column : column + 4] = 255
        rows = [{"bytes": png(image), "path": None} for image in pixels]
        pq.write_table(pa.table({"image": rows, "label": labels}), place / f"{split}-00000-of-00001.parquet")
    return place


def drawn_images(generator: Any, n: int = 64, seed: int = 0) -> torch.Tensor:
    """Intensities of so many pseudo-images, (B, C, H, W)."""
    rng = torch.Generator().manual_seed(seed)
    x = generator(torch.randn(n, generator.latent_size, generator=rng), rng).x[0]
    intensities: torch.Tensor = generator.inputs.intensities(x)
    return intensities
