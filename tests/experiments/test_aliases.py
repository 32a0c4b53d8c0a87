"""Older names of settings and entries."""

from __future__ import annotations

from zskt.experiments.aliases import RESULT_ALIASES, SETTING_ALIASES, rename


def test_no_name_of_today_is_an_older_name_of_another_setting() -> None:
    for aliases in (SETTING_ALIASES, RESULT_ALIASES):
        assert not set(aliases) & set(aliases.values())


def test_rename_keeps_order_and_other_names() -> None:
    values = {"growth": 1.0, "student_lr": 0.1, "pool": 5}
    assert list(rename(values, SETTING_ALIASES).items()) == [
        ("step_growth", 1.0),
        ("student_lr", 0.1),
        ("replay_size", 5),
    ]
