"""How each strength follows the texture: which frequencies carry, their least steps, and what the texture masks.

Chosen on pictures of the valid split: for the most information after the worst declared attack at equal SSIMULACRA2.
"""

from __future__ import annotations

from ..blockdct import zigzag
from .masking import Masking

#: JPEG's luma quantisation steps at quality 50 (ITU-T T.81 annex K), a row for each vertical frequency
LUMA_50 = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def _jpeg() -> Masking:
    """On JPEG's own 8 x 8 blocks, with steps of twice quality 50's quantisation: whether a frequency speaks follows.

    The points lie on the grid that quality 50 rounds to, so that rounding leaves them where they are.
    """
    finest = sorted(zigzag(8)[1:], key=lambda f: LUMA_50[f[0]][f[1]])[:22]
    least = tuple(2.0 * LUMA_50[u][v] for u, v in finest)
    return Masking(8, tuple(finest), tuple(zigzag(4)[1:6]), least, (4.0,) * len(finest), 1.0, grows=False)


def _social() -> Masking:
    """On 16 x 16 blocks, with steps in proportion to the texture; the two lowest frequencies are the template's.

    At half the size each block is one of JPEG's, in coefficients half as large. So twice the steps of JPEG 75 are what
    is rounded away there, and a step must be larger.
    """
    frequencies = tuple(zigzag(16)[3:36])
    at_75 = {f: (50 * LUMA_50[f[0]][f[1]] + 50) // 100 for f in frequencies}
    least = tuple(2.0 * max(2 * at_75[f], 16) for f in frequencies)
    unseen = {2: 0.75, 3: 0.95, 4: 1.1, 5: 1.25, 6: 1.2, 7: 1.1}  # by vertical + horizontal: the lowest are seen most
    gains = tuple(11.5 * unseen[u + v] for u, v in frequencies)
    return Masking(16, frequencies, tuple(zigzag(8)[1:10]), least, gains, 0.5, grows=True)


JPEG, SOCIAL = _jpeg(), _social()
MASKINGS = {"jpeg": JPEG, "social": SOCIAL}
#: Attacks of the declared range that are harder for these points than the strength's own: qualities whose grid fits
#: worst between the lines of quality 50's. The sender tries them as well.
BETWEEN = {"jpeg": ("jpeg:57", "jpeg:62")}
