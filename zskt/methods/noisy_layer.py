"""The noisy layer of NAYER: the only source of randomness of a generator that is fed by the vectors of class names.

M.-T. Tran et al., "NAYER: Noisy layer data generation for efficient and effective data-free knowledge distillation",
arXiv:2310.00258: a linear layer of random weights, one for each run of K samples that holds every class
once, drawn anew for each batch that is synthesised and trained with the generator.

Shapes: n rows, K classes, E numbers of a class vector, Z latent size, G layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def standardised(vectors: Tensor) -> Tensor:
    """Bring each of E numbers to mean 0 and variance 1 over the classes, as a batch normalisation would: (K, E).

    Batches hold all classes alike often, so their statistics are those of the table.
    """
    spread = vectors.std(0, correction=0, keepdim=True)
    return (vectors - vectors.mean(0, keepdim=True)) / spread.clamp(min=1e-6)


class NoisyLayers(nn.Module):
    """Classes -> latent variables z of N(0, 1), as long as the layers are as they were drawn.

    Args:
        vectors: (K, E), `standardised`.
        rows: n, of a batch of all ranks.
        latent_size: Z.
    """

    def __init__(self, vectors: Tensor, rows: int, latent_size: int, rng: torch.Generator) -> None:
        super().__init__()
        classes, size = vectors.shape
        vectors = vectors.to(torch.get_default_dtype())
        # z = W e / |e|, of unit variance: the published W e is sqrt(E) times that, which a normalisation undoes.
        self.vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-6)
        layers = -(-rows // classes)
        self.weight = nn.Parameter(torch.randn(layers, size, latent_size, generator=rng, device=rng.device))
        self.bias = nn.Parameter(torch.zeros(layers, latent_size, device=rng.device))

    def forward(self, labels: Tensor, row: Tensor) -> Tensor:
        """Return z (n, Z) of classes (n,) in these rows (n,) of the whole batch, of which each K share a layer."""
        layer = row // len(self.vectors)
        e = self.vectors[labels].unsqueeze(1)  # (n, 1, E)
        z: Tensor = (e @ self.weight[layer]).squeeze(1) + self.bias[layer]
        return z
