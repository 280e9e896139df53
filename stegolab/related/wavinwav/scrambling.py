"""Keyed scrambling of a waveform: signs flipped and frames permuted in an MDCT (notebook 12).

It is obfuscation, not encryption. The transform is linear and keeps every coefficient: knowing some plain text, or
trying orders that sound like speech, reveals the rest, and tampering is not detected. What must stay secret should use
:mod:`.bits`, sealed with AES-256-GCM. The benefit of scrambling is a waveform that a network can still hide, and that
is noise without the key. Princen, Johnson & Bradley 1987 (the transform); RFC 5869 (HKDF).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...keystream import keyed_words, order_of

FRAME = 256  # samples; 16 ms at 16 kHz

_INFO = b"stegolab/1 wavinwav scrambling\0"


@dataclass(frozen=True)
class Scrambler:
    """An orthonormal map of waveforms (B, frames x FRAME): ``invert(scramble(x)) == x``, of the same energy.

    In each frequency the frames are reordered and half of them change their sign. The long-term spectrum stays that of
    the speech; everything about its course in time is hidden.

    Attributes:
        order: (frames, FRAME) int64, each column a permutation of the frames.
        signs: (frames, FRAME), -1 or 1.
    """

    order: Tensor
    signs: Tensor

    @classmethod
    def from_key(cls, key: bytes, nonce: bytes, samples: int) -> Scrambler:
        """The scrambler of one message: HKDF-SHA256 of key and nonce, then ChaCha20's keystream.

        Args:
            key: 32 secret bytes.
            nonce: any public bytes, never used twice with one key.
            samples: length of the waveforms, a multiple of FRAME.
        """
        words = keyed_words(key, nonce, _INFO, samples // FRAME, FRAME)
        order = order_of(words >> np.uint64(1), axis=0)
        return cls(torch.from_numpy(order), torch.from_numpy(1 - 2 * (words & np.uint64(1)).astype(np.float32)))

    def scramble(self, waveform: Tensor) -> Tensor:
        """(B, N) to (B, N)."""
        spectrum = analyse(waveform)
        order = self.order.to(waveform.device).expand_as(spectrum)
        return synthesise(spectrum.gather(1, order) * self.signs.to(waveform))

    def invert(self, waveform: Tensor) -> Tensor:
        """The inverse of :meth:`scramble`."""
        spectrum = analyse(waveform) * self.signs.to(waveform)
        order = self.order.to(waveform.device).expand_as(spectrum)
        return synthesise(torch.zeros_like(spectrum).scatter(1, order, spectrum))


def analyse(waveform: Tensor) -> Tensor:
    """MDCT of a waveform (B, N) taken as a loop: (B, N / FRAME, FRAME); orthonormal."""
    frames = waveform.unflatten(-1, (-1, FRAME))
    overlapping = torch.cat([frames, frames.roll(-1, dims=1)], dim=-1)  # (B, frames, 2 FRAME)
    return overlapping @ _basis().to(waveform)


def synthesise(spectrum: Tensor) -> Tensor:
    """The inverse of :func:`analyse`."""
    first, second = (spectrum @ _basis().to(spectrum).T).chunk(2, dim=-1)
    return (first + second.roll(1, dims=1)).flatten(1)


@lru_cache(maxsize=1)
def _basis() -> Tensor:
    """(2 FRAME, FRAME): sine window times cosines."""
    n = torch.arange(2 * FRAME, dtype=torch.float64)[:, None]
    k = torch.arange(FRAME, dtype=torch.float64)
    window = torch.sin(math.pi / (2 * FRAME) * (n + 0.5))
    cosine = torch.cos(math.pi / FRAME * (n + 0.5 + FRAME / 2) * (k + 0.5))
    return (window * cosine * (2 / FRAME) ** 0.5).float()
