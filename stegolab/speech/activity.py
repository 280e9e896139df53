"""When somebody speaks in a clip: the power of speech, pauses, and one talker after another (notebook 03)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE

Range = tuple[float, float]

FRAME = RATE // 50  # samples, 20 ms: the frame in which a voice is speaking or silent
ACTIVE = 30.0  # decibels below the loudest frame, down to which a frame counts as speech


def active_power(samples: NDArray[Any]) -> float:
    """Mean square over the 20 ms frames that hold speech: those less than 30 dB below the loudest one.

    Pauses do not count, so the SNR is that of the words, however few there are in a clip.
    """
    powers = frame_powers(samples)
    return float(powers[speaking(powers)].mean()) if len(powers) else 0.0


def frame_powers(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Mean square of every 20 ms frame; less than a frame at the end is left out."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return np.mean(np.square(frames, dtype=np.float64), axis=1)


def speaking(powers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which frames of these powers hold speech, (k,) bool."""
    return powers >= powers.max() * 10 ** (-ACTIVE / 10)


def gain_to(wanted: float, power: float, decibels: float) -> float:
    """The factor that brings ``power`` to ``decibels`` below ``wanted``; silence stays silence."""
    return math.sqrt(wanted / power * 10 ** (-decibels / 10)) if power > 0 else 0.0


def with_pause(voice: NDArray[np.float64], share: Range, random: np.random.Generator) -> NDArray[np.float64]:
    """The voice, silenced for a share of the clip, with fades of 20 ms to avoid clicks."""
    length = round(random.uniform(*share) * len(voice))
    start = int(random.integers(len(voice) - length + 1))
    gate = np.ones(len(voice) + FRAME - 1)
    gate[start + FRAME // 2 : start + FRAME // 2 + length] = 0
    paused = voice * np.convolve(gate, np.full(FRAME, 1 / FRAME), mode="valid")
    return paused if active_power(paused) > 0.1 * active_power(voice) else voice  # it held all the words


def taken_over(
    one: NDArray[np.float64], other: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """``one`` until somewhere in the middle of the clip, then ``other`` at the same loudness, with a fade of 20 ms."""
    other = other * gain_to(active_power(one), active_power(other), 0.0)
    share = np.clip((np.arange(len(one)) - random.uniform(0.3, 0.7) * len(one)) / FRAME + 0.5, 0, 1)
    return (1 - share) * one + share * other
