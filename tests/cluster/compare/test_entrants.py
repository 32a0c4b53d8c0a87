"""Who takes part in a comparison."""

from __future__ import annotations

import pytest

from zskt.cluster.compare.entrants import entrants, settings_for
from zskt.errors import UserError
from zskt.methods import METHODS


def test_all_are_the_data_free_ones_the_presets_own_first_and_kd_last() -> None:
    names = [entrant.name for entrant in entrants(["all", "dafl@mlp", "dafl"], "zskt", with_kd=True)]
    assert names[0] == "zskt" and names[-1] == "kd" and "supervised" not in names
    assert {name for name, kind in METHODS.items() if not kind.needs_data} | {"zskt-paper", "dafl@mlp"} == set(
        names[:-1]
    )
    assert len(names) == len(set(names))


def test_kd_takes_part_where_it_is_asked_for_or_has_data() -> None:
    assert [e.name for e in entrants(["kd", "dafl"], "zskt", with_kd=False)] == ["dafl", "kd"]
    assert [e.name for e in entrants(["dafl"], "zskt", with_kd=False)] == ["dafl"]


def test_folders_are_named_after_the_comparison() -> None:
    (one,) = entrants(["dafl@mlp"], "zskt", with_kd=False)
    assert (one.method, one.generator, one.mode) == ("dafl", "mlp", "zero-shot")
    assert one.folder("compare-kin", 2) == "compare-kin-dafl-on-mlp-seed2"
    assert entrants(["kd"], "zskt", with_kd=False)[0].mode == "kd"


@pytest.mark.parametrize(
    ("word", "message"),
    [("dalf", r"unknown method 'dalf': did you mean dafl\?"), ("supervised", "learns from data"), ("kd@mlp", "learns")],
)
def test_what_cannot_be_compared_is_told(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        entrants([word], "zskt", with_kd=False)


def test_settings_for_one_method_or_all() -> None:
    words = ["batch_size=8", "dafl:generator_lr=0.1", "zskt:temperature=2", "dafl@mlp:iterations=3", "terms.a:b=1"]
    one, plain = entrants(["dafl@mlp", "dafl"], "zskt", with_kd=False)
    assert settings_for(plain, words) == ["batch_size=8", "generator_lr=0.1"]
    assert settings_for(one, words) == ["batch_size=8", "generator_lr=0.1", "iterations=3"]
