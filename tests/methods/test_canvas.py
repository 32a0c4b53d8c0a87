"""What inversions optimise: rows of z and the samples that come of them."""

from __future__ import annotations

import torch
from torch import Tensor

from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.methods.canvas import Latent, Pixels, first


class Noisy(Generator):
    """z plus noise, where z is positive."""

    acceptance = 0.5

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        accepted = z[:, 0] > 0
        x = z + torch.randn(z.shape, generator=rng)
        return PseudoBatch((x[accepted],), accepted=accepted, component=accepted.nonzero().squeeze(1))


def test_rows_of_z_lead_to_the_samples_that_say_so() -> None:
    rng = torch.Generator().manual_seed(0)
    canvas = Latent(Noisy(), 4, rng)
    assert canvas.rows == 8
    batch, rows = canvas.draw()
    assert batch.component is not None and torch.equal(batch.component, rows) and len(batch.x[0]) <= 4
    gradient = torch.autograd.grad(batch.x[0].sum(), canvas.z)[0]
    assert gradient.nonzero()[:, 0].tolist() == rows.tolist()


def test_noise_is_the_same_at_every_step_and_another_in_the_next_synthesis() -> None:
    rng = torch.Generator().manual_seed(0)
    canvas = Latent(Noisy(), 4, rng)
    (a,), (b,) = canvas.draw()[0].x, canvas.draw()[0].x
    assert torch.equal(a, b)
    other = Latent(Noisy(), 4, rng)
    assert not torch.equal(other.z, canvas.z)


def test_pixels_are_a_copy() -> None:
    images = torch.randn(3, 1, 2, 2)
    canvas = Pixels(images)
    batch, rows = canvas.draw()
    assert torch.equal(batch.x[0], images) and rows.tolist() == [0, 1, 2]
    with torch.no_grad():
        canvas.pixels.add_(1.0)
    assert not torch.equal(canvas.pixels, images)


def test_the_first_samples_keep_what_belongs_to_them() -> None:
    batch = PseudoBatch((torch.arange(4.0), torch.arange(8.0).view(4, 2)), log_prob=torch.arange(4.0))
    cut = first(batch, 2)
    assert cut.x[1].tolist() == [[0, 1], [2, 3]] and cut.log_prob is not None and cut.log_prob.tolist() == [0, 1]
    assert cut.component is None
