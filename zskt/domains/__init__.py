"""Domains of samples, a file each. A new domain is one file here and one line, beside a folder of its own."""

from zskt.domains.domain import Diagnosis, Domain, Source
from zskt.domains.frames import FRAMES
from zskt.domains.images import IMAGES
from zskt.domains.jets import JETS
from zskt.domains.vectors import VECTORS

__all__ = ["DOMAINS", "Diagnosis", "Domain", "Source"]

DOMAINS: dict[str, Domain] = {"jets": JETS, "images": IMAGES, "vectors": VECTORS, "frames": FRAMES}
"""Domains by name."""
