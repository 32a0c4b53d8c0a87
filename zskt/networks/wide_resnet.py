"""Wide residual networks: three groups of pre-activation blocks, `width` times as wide as the original.

S. Zagoruyko and N. Komodakis, "Wide residual networks", arXiv:1605.07146, table 1 and section 2.

Shapes: B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from zskt.errors import UserError
from zskt.networks.batch_norm import BatchNorm


class Block(nn.Module):
    """A pre-activation block: BN-ReLU-conv twice, and a shortcut beside them.

    Where the number of channels changes, the shortcut is a convolution behind the first BN-ReLU.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = BatchNorm(channels_in, relu=True)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn2 = BatchNorm(channels, relu=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False) if channels_in != channels else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        h = self.bn1(x)
        shortcut = x if self.shortcut is None else self.shortcut(h)
        residual: Tensor = self.conv2(self.bn2(self.conv1(h)))
        return residual.add_(shortcut)  # in place: no gradient needs what was there


class WideResNet(nn.Module):
    """WRN-depth-width for small images.

    Args:
        depth: number of convolutions along the main path plus the last layer, 6 n + 4.
        width: k, factor on the channels 16, 32, 64.
        classes: K.
        channels: number of channels of the image.

    Raises:
        UserError: if no such depth exists.
    """

    replayable = True
    attention_layers = ("groups.0", "groups.1", "groups.2")
    """Names of the submodules whose outputs, (B, C, H, W), carry the attention maps: the ends of the three groups."""

    def __init__(self, depth: int, width: int, classes: int, channels: int = 3) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 4, 6)
        if rest or blocks < 1:
            raise UserError(f"a wide ResNet of depth {depth} does not exist; the depth is 6 n + 4: 16, 22, 28, 40, ...")
        self.first = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        widths = (16, 16 * width, 32 * width, 64 * width)
        self.groups = nn.ModuleList(
            nn.Sequential(
                Block(widths[i], widths[i + 1], 1 if i == 0 else 2),
                *(Block(widths[i + 1], widths[i + 1], 1) for _ in range(blocks - 1)),
            )
            for i in range(3)
        )
        self.bn = BatchNorm(widths[-1], relu=True)
        self.linear = nn.Linear(widths[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, K)."""
        x = self.first(x)
        for group in self.groups:
            x = group(x)
        logits: Tensor = self.linear(self.bn(x).mean((2, 3)))
        return logits
