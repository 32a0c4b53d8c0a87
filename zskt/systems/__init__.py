"""Published systems of distillation, each repeated in minutes through `zskt.distill`: ``--mode paper --only seeds``."""

from __future__ import annotations

from zskt.systems.additive_yardstick import ADDITIVE_YARDSTICK
from zskt.systems.anticipation import ANTICIPATION
from zskt.systems.asking import ASKING
from zskt.systems.attention_on_jets import ATTENTION_ON_JETS
from zskt.systems.basic_motions import BASIC_MOTIONS
from zskt.systems.by_torchdistill import TORCHDISTILL
from zskt.systems.dark_knowledge import DARK_KNOWLEDGE
from zskt.systems.discriminated import KDGAN
from zskt.systems.first_particles import FIRST_PARTICLES
from zskt.systems.frames_without_data import WITHOUT_DATA
from zskt.systems.highways import HIGHWAY
from zskt.systems.jacobians import FEW_SAMPLES
from zskt.systems.jets_response import RESPONSE
from zskt.systems.jets_rows import JETS_ASKING, JETS_LABELS, JETS_WITHOUT_TOPS
from zskt.systems.jets_uncertainty import JETS_UNCERTAINTY
from zskt.systems.keras_recipe import KERAS
from zskt.systems.motion_attention import MOTION_ATTENTION
from zskt.systems.omitted_class import WITHOUT_THREES
from zskt.systems.privileged import MNIST, SYNTHETIC
from zskt.systems.system import System
from zskt.systems.uncertainty import DROPOUT, MEMBERS

SYSTEMS: dict[str, System] = {
    "privileged-synthetic": SYNTHETIC,
    "privileged-mnist": MNIST,
    "kdgan": KDGAN,
    "jets-kdgan": JETS_LABELS,
    "jets-omitted-class": JETS_WITHOUT_TOPS,
    "jets-asking": JETS_ASKING,
    "jets-response": RESPONSE,
    "highway": HIGHWAY,
    "omitted-class": WITHOUT_THREES,
    "jacobian-few-samples": FEW_SAMPLES,
    "dropout": DROPOUT,
    "dark-knowledge": DARK_KNOWLEDGE,
    "ensemble-distribution": MEMBERS,
    "anticipation": ANTICIPATION,
    "motion-attention": MOTION_ATTENTION,
    "asking": ASKING,
    "frames-without-data": WITHOUT_DATA,
    "first-particles": FIRST_PARTICLES,
    "basic-motions": BASIC_MOTIONS,
    "additive-yardstick": ADDITIVE_YARDSTICK,
    "torchdistill": TORCHDISTILL,
    "attention-on-jets": ATTENTION_ON_JETS,
    "jets-uncertainty": JETS_UNCERTAINTY,
    "keras": KERAS,
}
"""By name, the quickest first."""
