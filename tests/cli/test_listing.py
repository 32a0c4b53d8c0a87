"""``--mode list``: everything, in its domain, and what has the words that were asked for."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT, Call
from zskt.cli.listing import FIGURES, KINDS, list_names
from zskt.cli.names import read_names


def sections(text: str) -> dict[str, list[str]]:
    """Heads without what stands in brackets, and the lines below each."""
    found: dict[str, list[str]] = {}
    head = ""
    for line in text.splitlines():
        if line.startswith("  "):
            found[head].append(line)
        else:
            head = re.sub(r" \(.*\)", "", line)
            found[head] = []
    return found


def test_everything_is_listed_once(call: Call) -> None:
    code, out, _ = call("--mode", "list")
    assert code == 0 and out.strip() == list_names(read_names())
    lines = [line for head, below in sections(out).items() if head != "figures:" for line in below]
    names = [line.split("  ")[1] for line in lines]
    assert sorted(names) == sorted(name for kind in KINDS for name in read_names()[kind])
    assert len(sections(out)["figures:"]) == len(FIGURES)


def test_entries_stand_in_their_domain_with_what_is_known_of_them() -> None:
    found = sections(list_names(read_names()))
    (shipped,) = (line for line in found["jets: teachers:"] if "zskt-particlenet" in line)
    assert re.search(r"  51 032  MIT +ships  +a small ParticleNet", shipped)
    (fetched,) = (line for line in found["jets: teachers:"] if "cms-particlenet-ak4 " in line)
    assert re.search(r" \?  none stated  fetched", fetched)
    (trained,) = (line for line in found["images: teachers:"] if "cifar100-wrn-40-2" in line)
    assert re.search(r"2 255 156  MIT +trained by you", trained)
    (student,) = (line for line in found["jets: students:"] if "pfn-small" in line)
    assert "  8 920  particle-flow" in student
    assert any("tabular-prior" in line for line in found["vectors: generators:"])
    assert any(" vectors " in line for line in found["vectors: presets:"])
    assert any(" zskt " in line for line in found["methods:"])


def test_words_choose(call: Call) -> None:
    code, out, _ = call("list", "CMS", "teachers")
    found = sections(out)
    assert code == 0 and list(found) == ["jets: teachers:"]
    assert [line.split()[0] for line in found["jets: teachers:"]] == [
        "cms-particlenet-ak4",
        "cms-particlenet-ak8-md",
        "cms-hlt-particlenet-ak4",
    ]
    assert sections(call("--mode", "list", "figures", "agreement")[1]) == {
        "figures:": [f"  agreement       {FIGURES['agreement']}"]
    }
    code, out, err = call("--mode", "list", "x\x1b[31m")
    assert code == 2 and not out
    assert err == "zskt: --mode list x\\x1b[31m: nothing has these words; --mode list alone shows everything\n"


@pytest.mark.parametrize("arguments", [("--mode", "tables", "cms"), ("zero-shot", "cms"), ("--mode", "list", "--cms")])
def test_words_elsewhere_are_mistakes(call: Call, arguments: tuple[str, ...]) -> None:
    code, _, err = call(*arguments)
    assert code == 2 and err.startswith(f"zskt: unknown argument {arguments[-1]}") and err.count("\n") == 1


def test_the_list_imports_no_torch() -> None:
    code = "import sys; from zskt.__main__ import main; main(['list', 'cms']); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"


def test_views_and_variations_stand_in_their_domain() -> None:
    found = sections(list_names(read_names()))
    assert [line.split()[0] for line in found["jets: views:"]] == [
        "features:VARIABLES",
        "leading:N",
        "observables:NAMES",
    ]
    assert [line.split()[0] for line in found["vectors: views:"]] == ["features:NAMES"]
    assert [line.split()[0] for line in found["frames: views:"]] == ["until:T", "flow"]
    (boost,) = (line for line in found["jets: variations:"] if "boost" in line)
    assert boost.endswith("rapidity along the jet's axis: 0, 0.1, 0.2, 0.4, 0.8")
    assert "images: variations:" not in found
