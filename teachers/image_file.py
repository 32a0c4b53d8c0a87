"""Cards of image networks from the user's files: NCHW or NHWC, logits or probabilities, whatever the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from teachers.file_card import FileCard, name_of, read_labels
from teachers.single_input import Unit, takes_whole_numbers
from teachers.state_dict_reader import Architecture
from zskt.errors import UserError
from zskt.images.inputs import ImageInputs

SMALL_SIDE, N_SMALL, N_LARGE = 64, 16, 4
"""Height in pixels up to which a network is tried on more images, and the numbers of images."""
CHARACTER_SIDES = range(28, 33, 2)
"""Heights of grey images that are taken for written characters, as LeNet-5 reads them."""
WHITE = 255
"""Largest intensity of images of whole numbers."""
FEW_LEVELS = 8
"""Levels of intensity that an image has at least, in whole numbers."""
LARGEST_STD = 2.0
"""Largest spread of intensities in [0, 1] that is believed; that of any numbers there is 0.5, and some give 1."""
SHAPE = "give channels, height and width: --input-shape 3 32 32"


@cache
def random_images(inputs: ImageInputs) -> Tensor:
    """Draw images (B, C, H, W), normalised: noise, and planes of one intensity with less of it."""
    rng = torch.Generator().manual_seed(0)
    count = N_SMALL if inputs.size <= SMALL_SIDE else N_LARGE
    real = torch.float32  # whatever PyTorch's default is at the first call
    noise = torch.rand(count, inputs.channels, inputs.size, inputs.size, generator=rng, dtype=real)
    planes = torch.rand(count, inputs.channels, 1, 1, generator=rng, dtype=real)
    share = torch.linspace(0.05, 1.0, count, dtype=real).view(-1, 1, 1, 1)
    return inputs.normalised(share * noise + (1 - share) * planes)


@dataclass(frozen=True, kw_only=True)
class ImageFileCard(FileCard):
    """The card of an image network from a file."""

    flag: ClassVar[str] = "--input-shape"
    unit: ClassVar[Unit] = "images"
    inputs: ImageInputs
    channels_last: bool = False
    """Whether the user gave the shape with the channels behind."""

    @property
    def default_preset(self) -> str:
        """Preset of its distillation: for written characters, or for photographs."""
        return "grey-images" if self.inputs.channels == 1 and self.inputs.size in CHARACTER_SIDES else "images"

    def _asked(self) -> tuple[Callable[[Any], Tensor], tuple[int, ...], tuple[str, ...]]:
        channels, side = self.inputs.channels, self.inputs.size
        shape = (side, side, channels) if self.channels_last else (channels, side, side)
        layouts: tuple[str, ...] = ("BHWC", "BCHW") if self.channels_last else ("BCHW", "BHWC")
        if channels == 1:
            layouts = (*layouts, "BHW")
        flat = "B(HWC)" if self.channels_last else "B(CHW)"
        return random_images, shape, (*layouts, flat)

    def describe(self) -> str:
        """Say how large its images are, how they are laid out, and how intensities become its input."""
        inputs = self.inputs
        return (
            f"images     {inputs.channels} x {inputs.size} x {inputs.size}, as the network takes them: "
            f"{self.answers.layout} (B images, C channels, H height, W width)\n"
            f"input      (intensity - mean) / std, intensities in [0, 1]; mean {_numbers(inputs.mean)}, "
            f"std {_numbers(inputs.std)}"
        )

    def _inputs_record(self) -> dict[str, Any]:
        mean, std = list(self.inputs.mean), list(self.inputs.std)
        return {"size": self.inputs.size, "mean": mean, "std": std, "channels_last": self.channels_last}

    @classmethod
    def _inputs_of_record(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        mean, std = (tuple(map(float, values[name])) for name in ("mean", "std"))
        inputs = ImageInputs(mean=mean, std=std, size=int(values["size"]), side=int(values["size"]))
        return {"inputs": inputs, "channels_last": bool(values["channels_last"])}


EMPTY = ImageInputs(mean=(0.0,), std=(1.0,))
"""Inputs of a card until a run's record says which."""


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values)


def card_of_image_file(
    network: Path,
    shape: Sequence[int],
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Path | None = None,
    architecture: Architecture | None = None,
) -> ImageFileCard:
    """Make the card of a user's image network.

    Args:
        network: its file.
        shape: channels, height and width, in this order or with the channels behind; two numbers for grey images.
        mean, std: of the intensities in [0, 1], a number for each channel, or one for all; 0 and 1 by default. A file
            whose input is of whole numbers is fed 0 to 255 by default.
        classes: names of its classes, a line each.
        architecture: what builds it, where its file holds parameters alone.

    Raises:
        UserError: if the shape is none of an image, the numbers are not one a channel, or not of intensities in [0, 1],
            or a file is missing.
    """
    channels, side, last = _shape(shape)
    whole = takes_whole_numbers(network)
    default = 1 / WHITE if whole and mean is None else 1.0
    means, stds = _channels("--mean", mean, 0.0, channels), _channels("--std", std, default, channels)
    if min(stds) <= 0:
        raise UserError(f"--std {_numbers(stds)}: standard deviations are above 0; give those of the training images")
    _require_small(means, stds)
    if whole and 1 / max(stds) < FEW_LEVELS - 1:
        raise UserError(
            f"--std {_numbers(stds)}: {network} takes whole numbers, of which these leave {int(1 / max(stds)) + 1} "
            f"levels; for 0 to 255 give --std {1 / WHITE!r}"
        )
    card = ImageFileCard(
        name=name_of(network),
        summary=f"the image network of {network}",
        inputs=ImageInputs(mean=means, std=stds, size=side, side=side),
        labels=read_labels(classes),
        labels_file=classes,
        channels_last=last,
        architecture=architecture,
    )
    return card.with_files(network)


def _require_small(means: Sequence[float], stds: Sequence[float]) -> None:
    """Raise `UserError` if mean or spread cannot be those of intensities in [0, 1], but those of 0 to 255 can."""
    if max(means) <= 1 and max(stds) <= LARGEST_STD:
        return
    small_means = [m / WHITE for m in means] if max(means) > 1 else means
    # A spread of 1 beside a mean of 0 to 255 leaves the numbers as large as they are; others below are of [0, 1].
    small_stds = [s / WHITE for s in stds] if max(stds) > LARGEST_STD or set(stds) == {1.0} else stds
    flag, numbers = ("--mean", means) if max(means) > 1 else ("--std", stds)
    raise UserError(
        f"{flag} {_numbers(numbers)}: is not of intensities in [0, 1]; divide what is of 0 to 255 by 255: "
        f"--mean {_numbers(small_means)} --std {_numbers(small_stds)}"
    )


def _shape(shape: Sequence[int]) -> tuple[int, int, bool]:
    """Return channels, height and whether the channels are behind.

    Raises:
        UserError: if these are no numbers of an image, or it is not square.
    """
    shown = f"--input-shape {' '.join(map(str, shape))}"
    if len(shape) == 1:
        raise UserError(f"{shown}: an image has height and width; {SHAPE}; of vectors: --inputs description.yaml")
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise UserError(f"{shown}: {SHAPE}")
    full = (1, *shape) if len(shape) == 2 else tuple(shape)
    last = full[0] == full[1] != full[2]
    channels, height, width = (full[2], full[0], full[1]) if last else full
    if height != width:
        raise UserError(f"{shown}: images of {height} x {width} pixels; only square ones are drawn: {SHAPE}")
    return channels, height, last


def _channels(flag: str, numbers: Sequence[float] | None, default: float, channels: int) -> tuple[float, ...]:
    """Return a number for each channel.

    Raises:
        UserError: if there are some, but neither one nor one a channel.
    """
    numbers = (default,) if numbers is None else tuple(numbers)
    if len(numbers) not in (1, channels):
        raise UserError(
            f"{flag} {_numbers(numbers)}: {len(numbers)} numbers for {channels} channels; give one a channel"
        )
    return tuple(numbers) if len(numbers) == channels else tuple(numbers) * channels
