"""What every generator does: exactly so many samples, and the same ones again from the same latent variables."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.generator import Generator, balanced_labels, is_trainable


class Half(Generator):
    """Samples of z, of which those below zero fall outside the domain."""

    latent_size = 2
    acceptance = 0.4

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        x = z[z[:, 0] > 0]
        order = torch.arange(len(x))
        return PseudoBatch((x,), log_prob=x.sum(1), component=order, penalty=x.new_tensor(float(len(x))))


def test_samples_are_exactly_so_many_and_come_again_from_their_latent_variables() -> None:
    rng = torch.Generator().manual_seed(0)
    batch = Half().sample(100, rng)
    assert batch.x[0].shape == (100, 2) and (batch.x[0][:, 0] > 0).all()
    assert batch.log_prob is not None and torch.equal(batch.log_prob, batch.x[0].sum(1))
    assert batch.component is not None and len(batch.component) == 100
    assert all(z.shape == (250, 2) for z in batch.latent)
    again = Half().sample(100, torch.Generator().manual_seed(9), latent=batch.latent)
    assert torch.equal(again.x[0], batch.x[0])


def test_penalties_of_several_draws_are_averaged() -> None:
    generator = Half()
    generator.acceptance = 1.0  # a promise that is not kept: it draws again
    batch = generator.sample(50, torch.Generator().manual_seed(0))
    counts = [int((z[:, 0] > 0).sum()) for z in batch.latent]
    assert len(counts) > 1 and batch.penalty is not None
    assert float(batch.penalty) == sum(counts) / len(counts)


def test_a_draw_gives_at_most_so_many() -> None:
    batch = Half().draw(100, torch.Generator().manual_seed(0))
    assert 30 < len(batch.x[0]) < 70 and batch.latent[0].shape == (100, 2)


class Conditional(Generator):
    """Samples that are the classes asked for."""

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        assert labels is not None
        return PseudoBatch((labels.float().unsqueeze(1) + 0 * z,))


def test_a_conditional_generator_is_told_the_classes() -> None:
    labels = torch.tensor([2, 0, 1])
    for batch in (Conditional().sample(3, torch.Generator(), labels), Conditional().draw(3, torch.Generator(), labels)):
        assert batch.x[0].flatten().tolist() == [2, 0, 1]
        assert batch.labels is not None and torch.equal(batch.labels, labels)


def test_generators_with_parameters_are_trained_and_priors_are_not() -> None:
    generator = Half()
    assert not is_trainable(generator)
    generator.layer = nn.Linear(2, 2)
    assert is_trainable(generator)
    generator.requires_grad_(False)
    assert not is_trainable(generator)


class Rejecting(Half):
    """Samples that know which z they came from."""

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        accepted = z[:, 0] > 0
        x = z[accepted]
        return PseudoBatch(
            (x if labels is None else torch.cat([x, labels[accepted].unsqueeze(1)], 1),), accepted=accepted
        )


def test_labels_stay_with_their_samples_where_some_are_rejected() -> None:
    labels = torch.arange(40) % 5
    for draws in (0.4, 1.0):  # 1.0 is a promise that is not kept: several draws
        generator = Rejecting()
        generator.acceptance = draws
        batch = generator.sample(40, torch.Generator().manual_seed(0), labels)
        assert batch.labels is not None and len(batch.labels) == 40
        assert torch.equal(batch.x[0][:, 2], batch.labels.float())
        assert batch.labels.bincount(minlength=5).min() >= 3


class Free(Generator):
    """z as it is, or of its class."""

    latent_size = 3

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        return PseudoBatch((self.of_class(z, labels),))


def test_a_class_is_a_learned_vector_beside_z() -> None:
    generator, z, labels = Free(), torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    assert torch.equal(generator.of_class(z, labels), z) and generator.n_classes == 0
    generator.condition(2)
    expected = (z + generator.class_embedding.weight[labels]) / 2**0.5
    assert torch.allclose(generator.of_class(z, labels), expected) and torch.equal(generator.of_class(z, None), z)
    drawn = generator.sample(6, torch.Generator().manual_seed(0))
    assert drawn.labels is not None and drawn.labels.shape == (6,) and generator.n_classes == 2
    again = Free()
    again.load_state_dict(generator.state_dict())
    assert again.n_classes == 2 and torch.equal(again.class_embedding.weight, generator.class_embedding.weight)


def test_a_prior_learns_no_classes() -> None:
    prior = Half()
    prior.condition(3)
    assert prior.n_classes == 0 and not is_trainable(prior)


def test_balanced_labels_hold_every_class_alike_often() -> None:
    labels = balanced_labels(4, 10, torch.Generator().manual_seed(0))
    assert labels[:8].tolist() == [0, 1, 2, 3] * 2 and len(set(labels[8:].tolist())) == 2
