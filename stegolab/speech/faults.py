"""Recording faults other than noise: offsets, rumble, thumps, jumps of level, clipping (notebook 03).

They affect the noisy speech of a training mixture but not its target. The exception is the jump, which is a change of
the speech itself: a talker who turns away, or a quieter one who continues. Samples are float64 of shape (n,), at 16
kHz.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..errors import BadSpec

Array = NDArray[np.float64]
Range = tuple[float, float]

CHANCES = ("jump", "rumble", "thump", "offset", "clip")
RAMP = RATE // 50  # samples that a jump of level takes, 20 ms
HIGHEST_RUMBLE = 30.0  # hertz


@dataclass(frozen=True)
class FaultConfig:
    """How likely each fault is in a clip, and how bad: ranges are uniform, probabilities independent. None by default.

    Raises:
        BadSpec: a probability beyond [0, 1], or a range that ends before it begins.
    """

    jump: float = 0.0  # probability that the level changes within the clip
    rumble: float = 0.0  # probability of noise below 30 Hz
    thump: float = 0.0  # probability of a knock against the microphone
    offset: float = 0.0  # probability of a constant offset
    clip: float = 0.0  # probability that samples beyond a limit are clipped
    jump_db: Range = (-30.0, 30.0)  # of the part that is lowered: the first below 0, else the second
    rumble_db: Range = (-20.0, 10.0)  # decibels, rumble to target while it speaks
    thump_db: Range = (5.0, 30.0)  # decibels, peak of the thump to RMS of the target while it speaks
    thump_hertz: Range = (30.0, 150.0)
    thump_decay: Range = (0.01, 0.06)  # seconds in which it falls to 1 / e
    offset_of: Range = (-0.05, 0.05)  # of full scale
    clip_db: Range = (0.0, 12.0)  # decibels, limit to RMS of the noisy speech

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            low, high = value if isinstance(value, tuple) else (value, value)
            if not low <= high:
                raise BadSpec(f"{name}={value}: give the lower end first")
            if name in CHANCES and not 0 <= low <= high <= 1:
                raise BadSpec(f"{name}={value}: probabilities lie between 0 and 1")

    def happens(self, name: str, random: np.random.Generator) -> bool:
        """Whether a fault occurs in this clip; with probability 0 nothing is drawn, so the rest is unchanged."""
        chance: float = getattr(self, name)
        return chance > 0 and bool(random.random() < chance)

    def jumped(self, parts: Array, random: np.random.Generator) -> Array:
        """``parts`` (k, n) with one end lowered, the same in all parts; the change takes 20 ms."""
        if not self.happens("jump", random):
            return parts
        decibels = random.uniform(*self.jump_db)
        n = parts.shape[-1]
        rise = np.clip((np.arange(n) - random.uniform(0.2, 0.8) * n) / RAMP + 0.5, 0, 1)  # from 0 to 1
        return parts * 10 ** (-abs(decibels) / 20 * (1 - rise if decibels < 0 else rise))

    def added(self, noisy: Array, power: float, random: np.random.Generator) -> Array:
        """What to add to ``noisy`` (n,), whose target speaks with this ``power``; zeros where there is no fault.

        The sum may exceed [-1, 1].
        """
        spoilt = noisy.copy()
        if self.happens("rumble", random):
            below = rumble(len(noisy), random)
            spoilt += below * np.sqrt(power * 10 ** (random.uniform(*self.rumble_db) / 10))
        if self.happens("thump", random):
            peak = np.sqrt(power) * 10 ** (random.uniform(*self.thump_db) / 20)
            hertz, decay = random.uniform(*self.thump_hertz), random.uniform(*self.thump_decay)
            start = int(random.integers(len(noisy)))
            spoilt[start:] += peak * thump(len(noisy) - start, hertz, decay)
        if self.happens("offset", random):
            spoilt += random.uniform(*self.offset_of)
        if self.happens("clip", random):
            limit = np.sqrt(np.mean(spoilt**2)) * 10 ** (random.uniform(*self.clip_db) / 20)
            spoilt = np.clip(spoilt, -limit, limit)
        return spoilt - noisy


def rumble(n: int, random: np.random.Generator) -> Array:
    """Noise of RMS 1 below 30 Hz, (n,): what wind, steps and lorries leave in a microphone. Zeros for a few samples."""
    spectrum = np.fft.rfft(random.normal(size=n))
    hertz = np.fft.rfftfreq(n, 1 / RATE)
    samples = np.fft.irfft(np.where((hertz > 0) & (hertz < HIGHEST_RUMBLE), spectrum, 0), n)
    level = np.sqrt(np.mean(samples**2))
    return samples / level if level > 0 else samples


def thump(n: int, hertz: float, decay: float) -> Array:
    """A decaying sine (n,) of peak 1 at the most; ``decay`` in seconds to 1 / e."""
    t = np.arange(n) / RATE
    return np.sin(2 * np.pi * hertz * t) * np.exp(-t / decay)
