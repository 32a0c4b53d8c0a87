# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # Your own network
#
# Any PyTorch network can be a teacher: you give zskt the network, an untrained student, and a generator that knows the
# range of its inputs. No data are needed. Three kinds of networks follow: numbers, images, point clouds.

# %%
import torch
from torch import nn

import zskt

torch.manual_seed(0)

# %% [markdown]
# ## Sixteen numbers
#
# The generator needs to know bounds, and nothing else.

# %%
teacher = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 5))
student = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
test = torch.randn(4000, 16)

before = zskt.evaluate(student, teacher, test)
run = zskt.distill(
    teacher, student, generator=zskt.generators.tabular(-3.0, 3.0, size=16), iterations=300, evaluate=test
)
print(f"agreement {before['agreement']:.3f} before, {run.evaluation['agreement']:.3f} after")
vectors = run.evaluation["agreement"]

# %% [markdown]
# ## Images of any size
#
# `convnet` is the paper's generator. The teacher here has random weights, so that nothing has to be fetched; yours has
# learned something.


# %%
def image_network(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, channels, 5, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(9 * channels, 4),
    )


teacher, student = image_network(16), image_network(8)
run = zskt.distill(
    teacher, student, generator=zskt.generators.convnet(1, 20), iterations=100, batch_size=64,
    evaluate=torch.randn(500, 1, 20, 20),
)  # fmt: skip
print(f"agreement {run.evaluation['agreement']:.3f}, {run.teacher_queries} teacher queries")

# %% [markdown]
# ## Point clouds with a mask
#
# A network on sets is called with features and a mask. The number of points is part of what the generator draws.


# %%
class DeepSet(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width))
        self.f = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Points (B, P, 3), mask (B, P) -> logits (B, 3)."""
        return self.f((self.phi(x) * mask.unsqueeze(2)).sum(1) / mask.sum(1, keepdim=True).clamp(min=1))


generator = zskt.generators.point_cloud(3, 12, low=-1.0, high=1.0)
run = zskt.distill(DeepSet(32), DeepSet(16), generator=generator, iterations=100, batch_size=64)
print(f"agreement on pseudo-samples {run.metrics[-1]['agreement/pseudo']:.3f}")

# %% [markdown]
# ## Samples that you make yourself
#
# An iterator of batches, or a function of how many and of a random stream, can stand in for the generator. It is not
# trained: what it draws is up to you.

# %%
teacher = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 5))
student = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))


def draw(count: int, rng: torch.Generator) -> torch.Tensor:
    return torch.randn(count, 16, generator=rng)


run = zskt.distill(teacher, student, generator=draw, iterations=200, evaluate=test)
print(f"agreement {run.evaluation['agreement']:.3f}")
