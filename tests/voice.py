"""A voice for tests: harmonics of a gliding pitch under formants and syllables, with a breath of noise."""

import numpy as np

from stegolab.audio import Speech


def speak(seconds: float, rate: int = 16_000, seed: int = 0) -> Speech:
    """Speech-like sound of ``round(seconds * rate)`` samples, peak 0.5."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * t) + 10 * np.sin(2 * np.pi * 2.3 * t + seed)  # hertz
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voiced = np.zeros_like(t)
    for k in range(1, 28):
        loudness = sum(np.exp(-(((k * pitch - formant) / width) ** 2)) for formant, width in _FORMANTS)
        voiced += (0.02 + loudness) * np.cos(k * phase + rng.uniform(0, 2 * np.pi))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * t + 0.5) + 0.4 * np.sin(2 * np.pi * 1.3 * t), 0, None)
    samples = syllables * voiced + 0.01 * rng.standard_normal(len(t))
    return Speech((0.5 * samples / np.abs(samples).max()).astype(np.float32), rate)


_FORMANTS = ((500, 180), (1500, 250), (2500, 350))  # centre and width in hertz
