"""ParticleNet with two narrow EdgeConv blocks: a student of at most 26 k parameters."""

from __future__ import annotations

from torch import nn

from zskt.errors import UserError
from zskt.jets.tagger_inputs import AnyJetInputs, TaggerInputs
from zskt.networks.particlenet import EdgeConvSpec, ParticleNet
from zskt.networks.weaver import WeaverTagger

EDGE_CONVS: tuple[EdgeConvSpec, ...] = ((7, (32, 32)), (7, (64, 64)))


def light_particlenet(inputs: AnyJetInputs, outputs: int) -> nn.Module:
    """Build the student for one cloud of particles, or for all collections of a tagger from a file.

    Raises:
        UserError: if a tagger's inputs are not points, features and mask of each collection.
    """
    if not isinstance(inputs, TaggerInputs):
        return ParticleNet(len(inputs.features), outputs, EDGE_CONVS, 64)
    names = [role.group.plain_name for role in inputs.roles]
    parts = [name.rsplit("_", 1) for name in names]
    if [p[-1] for p in parts] != ["points", "features", "mask"] * (len(parts) // 3):
        raise UserError(
            f"--student particlenet-light needs points, features and mask of each collection, but the teacher takes "
            f"{', '.join(names)}: choose --student pfn"
        )
    collections = [(parts[i][0], len(inputs.roles[i].group.names), 32) for i in range(1, len(parts), 3)]
    return WeaverTagger(collections, EDGE_CONVS, 64, 64, outputs, softmax=False)
