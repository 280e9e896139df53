"""The presets of :class:`.masking.Masking`, one for each strength: which frequencies carry, and the step of each.

The step of a coefficient is its frequency's least step, or grows from there with the texture around it.

Chosen on pictures of the valid split: for the most information after the worst declared attack at equal SSIMULACRA2.
"""

from __future__ import annotations

from ...channel.jpeg_tables import LUMA
from ..blockdct import zigzag
from .masking import Masking


def _jpeg() -> Masking:
    """On JPEG's own 8 x 8 blocks, with steps of twice quality 50's quantisation.

    The texture decides only whether a frequency carries, not how large its step is. The points lie on the grid that
    quality 50 rounds to, so that rounding leaves them where they are.
    """
    finest = sorted(zigzag(8)[1:], key=lambda f: LUMA[f[0]][f[1]])[:22]
    least = tuple(2.0 * LUMA[u][v] for u, v in finest)
    return Masking(8, tuple(finest), tuple(zigzag(4)[1:6]), least, (4.0,) * len(finest), 1.0, grows=False)


def _social() -> Masking:
    """On 16 x 16 blocks, with steps that grow with the root of the texture.

    The two lowest frequencies are left to the template. At half the size each block is one of JPEG's, in coefficients
    half as large. So twice the steps of JPEG 75 are what is rounded away there, and a step must be larger.
    """
    frequencies = tuple(zigzag(16)[3:36])
    at_75 = {f: (50 * LUMA[f[0]][f[1]] + 50) // 100 for f in frequencies}
    least = tuple(2.0 * max(2 * at_75[f], 16) for f in frequencies)
    unseen = {2: 0.75, 3: 0.95, 4: 1.1, 5: 1.25, 6: 1.2, 7: 1.1}  # by vertical + horizontal: the lowest are seen most
    gains = tuple(11.5 * unseen[u + v] for u, v in frequencies)
    return Masking(16, frequencies, tuple(zigzag(8)[1:10]), least, gains, 0.5, grows=True)


JPEG, SOCIAL = _jpeg(), _social()
#: The preset of each strength
MASKINGS = {"jpeg": JPEG, "social": SOCIAL}
#: Attacks of the declared range that are harder for these points than the strength's own: qualities whose grid fits
#: worst between the lines of quality 50's. The sender tries them as well.
BETWEEN = {"jpeg": ("jpeg:54", "jpeg:57", "jpeg:60", "jpeg:62", "jpeg:66")}
