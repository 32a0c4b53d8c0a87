"""The lock file pins what the requirements ask for, each release with its hashes."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.test_requirements import ROOT, requirements

PINS = {
    canonicalize_name(name): (version, hashes)
    for name, version, hashes in re.findall(
        r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)[^\n]*\n((?:    --hash=sha256:[0-9a-f]{64}[^\n]*\n)*)",
        (ROOT / "requirements.lock").read_text(),
        re.MULTILINE,
    )
}
"""Package -> its version, and the lines of its hashes."""


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-test.txt"])
def test_every_requirement_is_pinned_within_its_bounds(file: str) -> None:
    for line in requirements(file):
        wanted = Requirement(line)
        version, _ = PINS[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), f"{line}, but requirements.lock has {version}: run .ci/lock"


def test_every_pin_has_hashes() -> None:
    assert len(PINS) > 60
    assert all(hashes.count("sha256:") >= 1 for _, hashes in PINS.values())
