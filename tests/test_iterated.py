"""A user's own pseudo-samples as a generator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from generators import iterated
from tests.generators import stream
from zskt.errors import UserError


def counting(batch: int = 3) -> Iterator[torch.Tensor]:
    """0, 1, 2 ... in batches, for ever."""
    start = 0
    while True:
        yield torch.arange(start, start + batch).float().unsqueeze(1)
        start += batch


def test_an_iterator_gives_exactly_so_many_and_loses_none() -> None:
    generator = iterated(counting())
    assert not list(generator.parameters())
    assert generator.sample(4, stream()).x[0].flatten().tolist() == [0, 1, 2, 3]
    assert generator.draw(1, stream()).x[0].flatten().tolist() == [4]
    batch = generator.sample(5, stream())
    assert batch.x[0].flatten().tolist() == [5, 6, 7, 8, 9]
    assert torch.equal(generator.sample(5, stream(), latent=batch.latent).x[0], batch.x[0])
    assert generator(torch.zeros(2, 1), stream()).x[0].flatten().tolist() == [10, 11]


def test_lists_and_loaders_begin_anew_and_one_batch_is_taken_again() -> None:
    rows = torch.arange(4.0).view(2, 2)
    for source in ([rows], rows, (rows,), DataLoader(TensorDataset(rows), batch_size=2)):
        assert torch.equal(iterated(source).sample(3, stream()).x[0], torch.cat([rows, rows[:1]]))


def test_a_function_is_called_with_how_many_are_missing_and_the_stream() -> None:
    sizes: list[int] = []

    def source(n: int, stream: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        sizes.append(n)
        points = torch.randn(min(n, 4), 6, 2, generator=stream)
        return points, points[..., 0] > 0

    generator = iterated(source)
    points, mask = generator.sample(6, stream()).x
    assert sizes == [6, 2] and points.shape == (6, 6, 2) and mask.shape == (6, 6) and mask.dtype == torch.bool
    assert torch.equal(generator.sample(6, stream()).x[0], points)  # the stream decides alone
    assert not torch.equal(generator.sample(6, stream(1)).x[0], points)


def test_a_network_as_a_function_is_not_trained() -> None:
    class Sampler(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 2)

        def forward(self, n: int, stream: torch.Generator) -> torch.Tensor:
            return self.layer(torch.randn(n, 1, generator=stream))  # type: ignore[no-any-return]

    generator = iterated(Sampler())
    assert not list(generator.parameters()) and not generator.sample(3, stream()).x[0].requires_grad


def test_arrays_of_numpy_are_pseudo_samples_as_tensors_are() -> None:
    rows = np.arange(4.0).reshape(2, 2)
    expected = torch.tensor([[0.0, 1.0], [2.0, 3.0], [0.0, 1.0]])
    for source in (rows, [rows], (rows,), lambda n, stream: rows.astype("float32")):
        assert torch.equal(iterated(source).sample(3, stream()).x[0], expected)
    x, mask = iterated((rows, rows > 1)).sample(2, stream()).x
    assert x.dtype == torch.float32 and mask.tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (iter([torch.zeros(3, 2)]), "exhausted, 2 samples short of 5"),
        ([], "exhausted, 5 samples short of 5"),
        ([torch.zeros(3, 2), torch.zeros(3, 4)], r"float32 \(4,\) after float32 \(2,\)"),
        ([torch.zeros(3, 2), torch.zeros(3, 2).long()], r"int64 \(2,\) after float32 \(2,\)"),
        ([torch.zeros(3, 2), (torch.zeros(3, 2),) * 2], r"float32 \(2,\) and float32 \(2,\) after"),
        ([np.array([["a", "b"]])], "the source yields ndarray; give numbers$"),
        ([np.array([[1, None]])], r"the source yields ndarray; give numbers, as \.astype\(float\)$"),
        ([(torch.zeros(3, 2), [1])], "the source yields tuple of Tensor, list; give tensors"),
        ([(torch.zeros(3, 2), torch.zeros(2))], r"a batch of shapes \(3, 2\), \(2,\); give samples along"),
        ([torch.zeros(0, 2)], r"a batch of shapes \(0, 2\)"),
        ([torch.tensor(1.0)], r"a batch of shapes \(\)"),
        (lambda n, stream: None, "the source yields NoneType"),
    ],
)
def test_sources_that_fail_say_so_in_a_line(source: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        iterated(source).sample(5, stream())
    assert "\n" not in str(error.value)


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(UserError, match="int is no source of samples"):
        iterated(3)  # type: ignore[arg-type]
