"""Cards of networks on frames: the one that ships with zskt."""

from __future__ import annotations

from pathlib import Path

from teachers.card import ParameterCard
from zskt.frames.moving_digits import CLASSES, INPUTS, NAME
from zskt.networks.frame_recurrent import FrameRecurrent

CHANNELS, HIDDEN = (16, 32, 32), 96

_CARDS = (
    ParameterCard(
        name="moving-digits-gru",
        summary="a recurrent network of moving digits that ships with zskt, trained with --mode teacher",
        source="this project; teachers/embedded/moving-digits-gru.json",
        licence="MIT",
        inputs=INPUTS,
        classes=CLASSES,
        dataset=NAME,
        architecture=lambda: FrameRecurrent(INPUTS, len(CLASSES), CHANNELS, HIDDEN),
        bundled_file=Path(__file__).parent / "embedded" / "moving-digits-gru.safetensors",
        sha256="a2e00632cfc1d483272abbc356de554f16598f5469f23c98f66b10cc9306d2a5",
        training_preset="moving-digits-gru",
        default_preset="moving-digits",
        caveats="a demonstration: samples are made by us, of 8 frames and 16 x 16 pixels",
    ),
)
FRAMES: dict[str, ParameterCard] = {card.name: card for card in _CARDS}
"""Cards by name."""
