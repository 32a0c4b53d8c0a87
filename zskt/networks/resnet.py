"""Residual networks for small images.

K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", arXiv:1512.03385: the CIFAR-10
networks of section 4.2 (depth 6 n + 2, shortcuts without parameters), and ResNet-18 and -34 of table 1 with the stem
that the data-free literature uses on 32 x 32 pixels (one 3 x 3 convolution, no pooling). The former's parameter names
are those of github.com/akamaster/pytorch_resnet_cifar10, so that the published files load unchanged.

Shapes: B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from zskt.errors import UserError
from zskt.networks.batch_norm import BatchNorm


class Subsample(nn.Module):
    """The shortcut without parameters (option A): every other pixel, new channels zero on both sides.

    Args:
        new_channels: number of channels that are added.
    """

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.before, self.behind = new_channels // 2, new_channels - new_channels // 2

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C + new_channels, H / 2, W / 2)."""
        return nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.before, self.behind))


class Block(nn.Module):
    """A residual block: conv-BN-ReLU-conv-BN and a shortcut beside it, and a ReLU after their sum."""

    def __init__(self, channels_in: int, channels: int, stride: int, *, projected: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm(channels, relu=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = BatchNorm(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            projection = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.shortcut = (
                nn.Sequential(projection, BatchNorm(channels)) if projected else Subsample(channels - channels_in)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        h: Tensor = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        return h.add_(self.shortcut(x)).relu_()  # in place: no gradient needs what was there


class ResNet(nn.Module):
    """A residual network for small images.

    Args:
        blocks: number of blocks of each stage.
        widths: channels of each stage; the first keeps the resolution, each other halves it.
        classes: K.
        channels: number of channels of the image.
        projected: whether shortcuts between stages are convolutions, as in the networks for large images.
    """

    replayable = True
    attention_layers: tuple[str, ...]
    """Names of the submodules whose outputs, (B, C, H, W), carry the attention maps: the ends of the stages."""

    def __init__(
        self,
        blocks: Sequence[int],
        widths: Sequence[int],
        classes: int,
        channels: int = 3,
        *,
        projected: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, widths[0], 3, padding=1, bias=False)
        self.bn1 = BatchNorm(widths[0], relu=True)
        before = widths[0]
        for i, (n, width) in enumerate(zip(blocks, widths, strict=True)):
            stage = [Block(before if j == 0 else width, width, 2 if i and not j else 1, projected=projected)
                     for j in range(n)]  # fmt: skip
            self.add_module(f"layer{i + 1}", nn.Sequential(*stage))
            before = width
        self.linear = nn.Linear(before, classes)
        self.attention_layers = tuple(f"layer{i + 1}" for i in range(len(blocks)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, K)."""
        x = self.bn1(self.conv1(x))
        for name in self.attention_layers:
            x = self.get_submodule(name)(x)
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits


def cifar_resnet(depth: int, classes: int, channels: int = 3) -> ResNet:
    """Build ResNet-20, -32, -44, -56, ... for CIFAR-10: depth 6 n + 2.

    Raises:
        UserError: if no such depth exists.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        raise UserError(f"a CIFAR ResNet of depth {depth} does not exist; the depth is 6 n + 2: 8, 14, 20, 32, 44, 56")
    return ResNet((blocks,) * 3, (16, 32, 64), classes, channels)


def resnet18(classes: int, channels: int = 3) -> ResNet:
    """Build ResNet-18 with the stem for small images."""
    return ResNet((2, 2, 2, 2), (64, 128, 256, 512), classes, channels, projected=True)


def resnet34(classes: int, channels: int = 3) -> ResNet:
    """Build ResNet-34 with the stem for small images."""
    return ResNet((3, 4, 6, 3), (64, 128, 256, 512), classes, channels, projected=True)
