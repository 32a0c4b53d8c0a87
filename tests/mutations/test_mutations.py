"""Files that were damaged by chance or by a stranger: one line, and never a traceback, a crash, a hang or all memory.

``ZSKT_MUTATIONS=1000 pytest -m faults tests/mutations`` damages each kind a thousand times. Seeds are fixed: mutation
7 of a kind is the same everywhere.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.mutations.children import GOOD, outcome
from tests.mutations.kinds import KINDS, Kind

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore")]
COUNT = int(os.environ.get("ZSKT_MUTATIONS", "12"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_damaged_file_is_read_or_refused(kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = tmp_path / "sound"
    sound.mkdir()
    kind.make(sound)
    content = (sound / kind.file).read_bytes()
    assert outcome(kind.read, sound / kind.file, 60)[0] == kind.sound
    shutil.copytree(sound, tmp_path / "damaged")
    target, counts, bad = tmp_path / "damaged" / kind.file, Counter[str](), []
    for i in range(COUNT):
        target.write_bytes(kind.damage(content, random.Random(f"{kind.name} {i}")))
        ended, said = outcome(kind.read, target)
        counts[ended] += 1
        if ended not in GOOD:
            bad.append(f"{kind.name} {i}: {ended}: {said}")
            if place := os.environ.get("ZSKT_MUTATIONS_KEEP"):
                shutil.copy(target, Path(place) / f"{kind.name.replace(' ', '-')}-{i}-{kind.file}")
    with capsys.disabled():
        print(f"\n{kind.name}: {dict(counts)}", end="")
    assert not bad, f"{len(bad)} of {COUNT}; the first: {bad[0]}"
