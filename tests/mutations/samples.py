"""Kinds of files of samples: jets, images, vectors, frames and series."""

from __future__ import annotations

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import uproot

from tests.conftest import png
from tests.images.idx import idx
from tests.mutations.kind import Kind
from tests.mutations.mutate import of_json, of_lines
from zskt.frames.files import read_frames
from zskt.frames.inputs import FrameInputs
from zskt.images.files import decoded, open_parquet, read_idx
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.jets.read import read_for_tagger
from zskt.jets.sample import SAMPLE
from zskt.vectors.inputs import VectorInputs
from zskt.vectors.tables import read_table

DESCRIPTION = {"features": [{"name": "a", "low": 0, "high": 1}, {"name": "b"}, {"name": "c", "kind": "category",
                                                                             "values": ["x", "y"]}]}  # fmt: skip


def _jets(folder: Path) -> None:
    with uproot.open(SAMPLE) as file:
        jets = file["tree"].arrays(entry_stop=20)
    with uproot.recreate(folder / "jets.root") as out:
        out["tree"] = {name: jets[name] for name in jets.fields}
    ak.to_parquet(jets, folder / "jets.parquet")


def _read_jets(path: Path) -> None:
    read_for_tagger(path, JETCLASS_CLASSES, 0.8)


def _digits(folder: Path) -> None:
    idx(folder / "images", np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256)
    idx(folder / "images.gz", np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256)
    idx(folder / "labels", np.arange(3))


def _images(folder: Path) -> None:
    import pyarrow as pa

    rows = [{"bytes": png(np.full((8, 8), i, dtype=np.uint8)), "path": None} for i in range(5)]
    pq.write_table(pa.table({"image": rows, "label": list(range(5))}), folder / "test.parquet")


def _read_images(path: Path) -> None:
    decoded(open_parquet([path]).pictures)


def _png(folder: Path) -> None:
    (folder / "image.png").write_bytes(png(np.arange(64, dtype=np.uint8).reshape(8, 8)))


def _read_png(path: Path) -> None:
    """A damaged picture in a sound parquet file."""
    import pyarrow as pa

    table = path.with_suffix(".parquet")
    pq.write_table(pa.table({"image": [{"bytes": path.read_bytes(), "path": None}], "label": [0]}), table)
    _read_images(table)


def _description(folder: Path) -> None:
    (folder / "vectors.json").write_text(json.dumps(DESCRIPTION))


def _table(folder: Path) -> None:
    (folder / "vectors.json").write_text(json.dumps(DESCRIPTION))
    (folder / "table.csv").write_text("a,b,c=x,c=y,label\n" + "0.5,1,0,1,0\n" * 9)


def _read_table(path: Path) -> None:
    read_table(path, VectorInputs.from_json(path.with_name("vectors.json")), ("p", "q"))


def _values(folder: Path) -> None:
    """Categories as values, in a table of parquet."""
    import pyarrow as pa

    _description(folder)
    rows = {"a": [0.5] * 9, "b": [1] * 9, "c": ["x", "y", "x"] * 3, "label": ["p", None, "q"] * 3}
    pq.write_table(pa.table(rows), folder / "table.parquet")


VIDEO = FrameInputs(length=3, mean=(0.5,), std=(0.25,), size=4)
SERIES = FrameInputs(length=5, mean=(0.0, 0.0), std=(1.0, 1.0))


def _frames(folder: Path) -> None:
    frames = (np.arange(6 * 3 * 16) % 256).astype(np.uint8).reshape(6, 3, 1, 4, 4)
    np.savez(folder / "frames.npz", frames=frames, labels=np.array(["p", "q"] * 3))
    np.savez_compressed(folder / "series.npz", frames=np.linspace(-1, 1, 60).reshape(6, 5, 2), labels=np.arange(6) % 2)


def _series(folder: Path) -> None:
    row = ":".join(",".join(f"{t / 7 + f:.3f}" for t in range(5)) for f in range(2))
    head = "@problemName a\n@classLabel true p q\n@data\n"
    (folder / "series.ts").write_text(head + "".join(f"{row}:{'pq'[i % 2]}\n" for i in range(9)))


def _read_video(path: Path) -> None:
    read_frames(path, VIDEO, ("p", "q"))


def _read_series(path: Path) -> None:
    read_frames(path, SERIES, ("p", "q"))


SAMPLES = (
    Kind("ROOT", "jets.root", _jets, _read_jets),
    Kind("parquet of jets", "jets.parquet", _jets, _read_jets),
    Kind("IDX", "images", _digits, lambda path: read_idx(path, path.with_name("labels"))),
    Kind("packed IDX", "images.gz", _digits, lambda path: read_idx(path, path.with_name("labels"))),
    Kind("parquet of images", "test.parquet", _images, _read_images),
    Kind("PNG", "image.png", _png, _read_png),
    Kind("description of vectors", "vectors.json", _description, VectorInputs.from_json, of_json),
    Kind("table of vectors", "table.csv", _table, _read_table),
    Kind("table of values", "table.parquet", _values, _read_table),
    Kind("frames", "frames.npz", _frames, _read_video),
    Kind("packed series", "series.npz", _frames, _read_series),
    Kind("series of .ts", "series.ts", _series, _read_series),
    Kind("lines of .ts", "series.ts", _series, _read_series, of_lines),
)  # fmt: skip
