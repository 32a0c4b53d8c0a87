"""The table of object parts."""

from __future__ import annotations

import csv

from generators.images.object_parts import (
    OBJECT_KINDS,
    PALETTE_INDEX,
    PART_COLUMNS,
    PARTS_FILE,
    load_parts,
    parse_colours,
)


def test_every_line_of_the_table_is_a_part_that_can_be_drawn() -> None:
    with PARTS_FILE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"] for row in rows} == {kind.name for kind in OBJECT_KINDS}
    assert {row["colour"] for row in rows} <= set(PALETTE_INDEX)
    for row in rows:
        x, y, long, wide, angle, power, often, corner = (float(row[name]) for name in PART_COLUMNS)
        assert abs(x) < 1.5 and abs(y) < 1.5 and abs(angle) <= 180, row
        assert 0 < long < 3 and 0 < wide < 3 and power >= 1 and 0 < often <= 1 and 0 <= corner < 0.5, row
    numbers, paints = load_parts()
    assert numbers.shape[:2] == paints.shape and set(paints.unique().tolist()) <= {0, *PALETTE_INDEX.values()}
    assert (numbers[..., PART_COLUMNS.index("often")] > 0).sum() == sum(1 + int(row["pair"]) for row in rows)
    tones, scenes = (
        parse_colours([kind.tones for kind in OBJECT_KINDS]),
        parse_colours([kind.scenes for kind in OBJECT_KINDS]),
    )
    assert tones.shape[2:] == (3,) and scenes.shape[2:] == (2, 3)
