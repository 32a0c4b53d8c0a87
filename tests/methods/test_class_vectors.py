"""Vectors of class names: what ships, what jets are called, and that no two classes have the same."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity

from teachers.images import DATA
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.methods.class_vectors import PARTICLE_WORDS, class_vectors, orthogonal_vectors, word_vectors, words_of


def test_every_word_of_our_classes_ships() -> None:
    names = [name for task in DATA.values() for name in task.classes]
    words = {word for name in names for word in words_of(name)}
    words |= {word for text in PARTICLE_WORDS.values() for word in text.split()}
    assert words <= set(word_vectors()) and len(words) > 150
    assert {len(vector) for vector in word_vectors().values()} == {50}


def test_names_are_split_into_words_and_those_of_jets_into_particles() -> None:
    assert words_of("aquarium_fish") == ["aquarium", "fish"] and words_of("T-shirt") == ["t", "shirt"]
    assert words_of("7") == ["seven"]
    assert words_of("Hqql", jets=True) == ["higgs", "boson", "quark", "quark", "lepton"]
    assert words_of("probQCDbb", jets=True)[:2] == ["background", "quark"]


def test_like_classes_are_near_and_a_vector_is_the_mean_of_its_words() -> None:
    cat, dog, truck = class_vectors(("cat", "dog", "truck"))
    assert cosine_similarity(cat, dog, dim=0) > 0.8 > 0.5 > cosine_similarity(cat, truck, dim=0)
    known = word_vectors()
    (fish,) = class_vectors(("aquarium_fish",))
    assert torch.allclose(fish, (known["aquarium"] + known["fish"]) / 2)


def test_no_two_classes_are_alike_and_unknown_ones_depend_on_their_names_alone() -> None:
    for names in (JETCLASS_CLASSES, ("probb", "probbb", "probc", "probcc", "probuds", "probg", "probundef", "probpu")):
        vectors = class_vectors(names, jets=True)
        assert torch.pdist(vectors).min() > 0.1
    one, other = class_vectors(("qwxyz", "zyxwq")), class_vectors(("zyxwq", "qwxyz"))
    assert torch.equal(one, other.flip(0)) and not torch.equal(one[0], one[1])


def test_random_vectors_are_at_right_angles() -> None:
    for classes in (3, 60):
        vectors = orthogonal_vectors(classes, torch.Generator().manual_seed(0))
        assert torch.allclose(vectors @ vectors.T, torch.eye(classes), atol=1e-5)
