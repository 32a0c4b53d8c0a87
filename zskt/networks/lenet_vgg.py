"""Convolutional networks without shortcuts: LeNet-5 and VGG-11 for small images.

Y. LeCun et al., Proc. IEEE 86 (1998) 2278, with ReLU and maximum pooling as the data-free literature has it (its
student LeNet-5-half has half the channels: H. Chen et al., arXiv:1904.01186); K. Simonyan and A. Zisserman,
arXiv:1409.1556, configuration A, with batch normalisation, global pooling and one linear layer.

Shapes: B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from zskt.errors import UserError


class LeNet5(nn.Module):
    """LeNet-5 for 32 x 32 pixels, or for 28 x 28 with zeros around.

    Args:
        classes: K.
        channels: number of channels of the image.
        share: fraction of the original's channels; 0.5 is LeNet-5-half.
        size: H = W: 28, 30 or 32.

    Raises:
        UserError: if images are of another size.
    """

    replayable = True
    attention_layers = ("block1", "block2")
    """Names of the submodules whose outputs, (B, C, H, W), carry the attention maps."""

    def __init__(self, classes: int, channels: int = 1, share: float = 1.0, size: int = 32) -> None:
        super().__init__()
        if size not in (28, 30, 32):
            raise UserError(
                f"LeNet-5 takes images of 28 to 32 pixels, not of {size}: take --student resnet8, or one of yours, "
                "--student module:function"
            )
        a, b, c, d = (round(share * n) for n in (6, 16, 120, 84))
        self.block1 = nn.Sequential(
            nn.Conv2d(channels, a, 5, padding=(32 - size) // 2), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        self.block2 = nn.Sequential(nn.Conv2d(a, b, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        self.head = nn.Sequential(
            nn.Conv2d(b, c, 5),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(c, d),
            nn.ReLU(inplace=True),
            nn.Linear(d, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 32, 32) -> logits (B, K)."""
        logits: Tensor = self.head(self.block2(self.block1(x)))
        return logits


class VGG11(nn.Module):
    """VGG-11 for small images: five blocks of convolutions, each followed by pooling to half the resolution."""

    replayable = True
    attention_layers = ("blocks.0", "blocks.1", "blocks.2", "blocks.3")
    """Names of the submodules whose outputs, (B, C, H, W), carry the attention maps."""

    def __init__(self, classes: int, channels: int = 3) -> None:
        super().__init__()
        blocks, before = [], channels
        for widths in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
            layers: list[nn.Module] = []
            for width in widths:
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                before = width
            blocks.append(nn.Sequential(*layers, nn.MaxPool2d(2)))
        self.blocks = nn.ModuleList(blocks)
        self.linear = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, K)."""
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits
