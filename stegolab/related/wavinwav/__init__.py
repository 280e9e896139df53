"""Speech inside speech with a time-domain invertible network (notebook 12).

    network = wavinwav.weights()
    stego = container.hide(cover, secret, network, key, nonce)

The parts, in the order of the notebook: ``network``, ``scrambling``, ``losses``, ``noise``, ``discriminator``,
``distillation``, ``trainer``, ``container`` (files of sound), ``bits`` (the strong mode), ``lsb`` (the classical way).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .network import InvertibleNetwork

_WEIGHTS = Path(__file__).parents[2] / "weights" / "wavinwav.safetensors"


def weights() -> InvertibleNetwork:
    """The trained network that ships, in evaluation mode; ``weights/wavinwav.md`` tells how it was made.

    Raises:
        NotTrained: this version ships without it.
    """
    from ...errors import NotTrained
    from .network import load

    if not _WEIGHTS.is_file():
        raise NotTrained("wavinwav ships without weights here: python -m stegolab.related.wavinwav.train makes some")
    return load(_WEIGHTS).requires_grad_(False)
