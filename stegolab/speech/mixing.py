"""What Model 1 is trained on: noisy speech and its target, mixed on the fly (notebook 03).

A mixture is a sum, so that every part is known: the target voice, its late reverberation, somebody else's voice, noise,
and what the recording did to it (:mod:`~stegolab.speech.faults`).
The target is the voice as the first 50 ms of its room pass it on, in time with the noisy speech, at the same level and
with the same bandwidth: the network is asked for nothing that the microphone did not hear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from .. import data
from ..audio import RATE, Speech, read_audio, to_pcm16
from ..errors import BadData, BadSpec
from .activity import FRAME, active_power, frame_powers, gain_to, speaking, taken_over, with_pause
from .conditioning import as_heard
from .faults import FaultConfig
from .rooms import Room, rooms
from .shaping import band_limited, coloured

Samples = NDArray[np.float32]
Range = tuple[float, float]

QUIET = 10.0  # decibels below the level of its recording, from which a clip counts as a pause and is drawn again
TRIES = 8  # draws before the loudest of them is taken
PEAK = 0.999  # of the noisy and of the clean speech at most

_CHANCES = ("noise", "voice", "room", "band", "pause")  # drawn first, always
_HARDER = ("second_noise", "turn")  # drawn only where they may happen: without them every clip is what it was
_VALID_ROOMS = 40
_SAMPLE_ROOMS = 4


@dataclass(frozen=True)
class MixConfig:
    """How clips are drawn: ranges are uniform, probabilities are independent of one another.

    A clip without noise, voice and room is clean input, which has to stay clean: 8 % of them as it is. 2 % are troubled
    by a voice alone, 4 % by a room alone.
    """

    seconds: float = 2.0
    noise: float = 0.85  # probability of noise
    voice: float = 0.2  # probability of another speaker
    room: float = 0.35  # probability of a room
    band: float = 0.2  # probability of a limited bandwidth
    pause: float = 0.1  # probability that the target is silent in part
    snr: Range = (-5.0, 20.0)  # decibels, target to noise
    sir: Range = (0.0, 20.0)  # decibels, target to other speaker: the target is the louder one
    level: Range = (-38.0, -16.0)  # decibels of full scale, of the target while it speaks
    tilt: Range = (-3.0, 3.0)  # decibels per octave by which the noise is coloured
    lowest: Range = (50.0, 300.0)  # hertz, lower end of a limited band
    highest: Range = (3_400.0, 7_500.0)  # hertz, upper end of a limited band
    silence: Range = (0.2, 0.6)  # share of the clip that a pause takes
    second_noise: float = 0.0  # probability that where there is noise there are two of them
    second: Range = (-10.0, 0.0)  # decibels, second noise to first
    turn: float = 0.0  # probability that a second speaker takes over as the target
    faults: FaultConfig = field(default_factory=FaultConfig)
    heard: bool = False  # whether clips are drawn as the network hears them: high-passed and at one level

    def __post_init__(self) -> None:
        """Refuse what no clip can be drawn from.

        Raises:
            BadSpec: less than half a second, a probability beyond [0, 1], or a range that ends before it begins.
        """
        if not self.seconds >= 0.5:
            raise BadSpec(f"seconds={self.seconds}: a clip of speech needs at least half a second")
        for name in (option.name for option in fields(self) if option.name not in ("faults", "heard")):
            value = getattr(self, name)
            low, high = value if isinstance(value, tuple) else (value, value)
            if not low <= high:
                raise BadSpec(f"{name}={value}: give the lower end first")
            if name in (*_CHANCES, *_HARDER, "silence") and not 0 <= low <= high <= 1:
                raise BadSpec(f"{name}={value}: probabilities and shares lie between 0 and 1")


@dataclass(frozen=True, eq=False)
class Mixture:
    """The parts of one clip, each float32 of shape (samples,), zeros when it is not there."""

    speakers: tuple[str, ...]  # of the target, of who takes over from it, of the other voice, where there are any
    clean: Samples  # the target: the voice through the early part of its room, or dry
    late: Samples  # its late reverberation
    voice: Samples  # the other speaker
    noise: Samples
    fault: Samples  # what the recording added

    @property
    def noisy(self) -> Samples:
        """What the microphone hears: the sum of the parts, to the last bit."""
        return self.clean + self.late + self.voice + self.noise + self.fault


class Mixer:
    """Draws mixtures of speech, noise and rooms; keeps its recordings in memory, 16 bit, 115 MB per hour.

    Everything random comes from the generator that a call is given: ``numpy.random.default_rng((seed, step))`` makes a
    training that resumes meet the batch it would have met, and ``draw(count, numpy.random.default_rng(seed))`` is a
    fixed set for validation.

    The target must be told from the other speaker by something, and that is loudness: ``config.sir`` is not negative
    unless asked for. Below 0 dB a network would be punished for keeping the voice that it hears best.
    """

    def __init__(
        self,
        speech: Iterable[tuple[str, Samples]],
        noises: Iterable[Samples],
        rooms: Sequence[Room],
        config: MixConfig | None = None,
    ) -> None:
        """Take recordings at 16 kHz, in [-1, 1]: speech with the name of who speaks, noise without speech in it.

        Their levels do not matter: every clip gets its own.

        Raises:
            BadData: speech is silent or shorter than 20 ms, or there is none of what the configuration asks for.
        """
        self.config = config or MixConfig()
        self._speakers: list[str] = []
        self._speech: list[NDArray[np.int16]] = []
        self._powers: list[float] = []
        self._active: list[NDArray[np.int64]] = []  # where its frames with speech begin
        for speaker, samples in speech:
            pcm = to_pcm16(Speech(samples, RATE))
            power = active_power(pcm)
            if not power > 0:
                raise BadData(f"a recording of the speaker {speaker} is silent or shorter than 20 ms: remove it")
            self._speakers.append(speaker)
            self._speech.append(pcm)
            self._powers.append(power)
            self._active.append(np.flatnonzero(speaking(frame_powers(pcm))) * FRAME)
        self._noises = [to_pcm16(Speech(samples, RATE)) for samples in noises]
        self._rooms = list(rooms)
        asked = {"noise": len(self._noises), "room": len(self._rooms), "voice": len(self.speakers) - 1}
        if not self._speech:
            raise BadData("there is no speech to mix: give at least one recording")
        for name, count in asked.items():
            if getattr(self.config, name) > 0 and count < 1:
                needed = "two speakers" if name == "voice" else f"one {name}"
                raise BadData(f"{name}={getattr(self.config, name)} needs at least {needed}: give more, or set it to 0")
        # Every second of a split is as likely as every other, however it was cut into files.
        self._speech_odds, self._noise_odds = _odds(self._speech), _odds(self._noises)

    @classmethod
    def from_data(cls, split: str = "samples", config: MixConfig | None = None) -> Mixer:
        """The speech and noise of the train or valid split with rooms of its own, or the samples that ship.

        Recordings by nobody known count as one speaker per source. The samples are mixed with noise that is
        synthesised. An hour of recordings is decoded in some 10 s.

        Raises:
            BadData: there is no such data.
            BadSpec: no such split, or eval: nothing is trained on it.
        """
        if split == "samples":
            speech = ((name, read_audio(path).samples) for name, path in data.sample_speech().items())
            return cls(speech, coloured_noises(), rooms(_SAMPLE_ROOMS), config)
        if split not in ("train", "valid"):
            raise BadSpec(f"the {split} split is not for training: choose train, valid or samples")
        entries = {entry.path: entry for entry in data.index()}
        known = ((entries[path], path) for path in data.speech_files(split))
        speech = ((f"{entry.source}/{entry.speaker}", read_audio(path).samples) for entry, path in known)
        noises = (read_audio(path).samples for path in data.noise_files(split))
        return cls(speech, noises, rooms() if split == "train" else rooms(_VALID_ROOMS, seed=1), config)

    @property
    def speakers(self) -> frozenset[str]:
        """Who may be heard."""
        return frozenset(self._speakers)

    @property
    def samples(self) -> int:
        """Length of a clip."""
        return round(self.config.seconds * RATE)

    def draw(self, count: int, random: np.random.Generator) -> tuple[Samples, Samples]:
        """``count`` clips: noisy and clean speech, float32, each of shape (count, samples), in [-1, 1] unless heard."""
        mixtures = [self.mixture(random) for _ in range(count)]
        pairs = [as_heard(m.noisy, m.clean) if self.config.heard else (m.noisy, m.clean) for m in mixtures]
        return np.stack([noisy for noisy, _ in pairs]), np.stack([clean for _, clean in pairs])

    def mixture(self, random: np.random.Generator) -> Mixture:
        """One clip in its parts.

        The SNR compares the power of the clean speech while it speaks (:func:`active_power`) with the mean power of
        the noise over the clip, the SIR that of the one with that of the other speaker while they speak.
        """
        config = self.config
        happens = {name: random.random() < getattr(config, name) for name in _CHANCES}
        parts = np.zeros((4, self.samples))  # clean, late, voice, noise
        target = self._draw_speech(random)
        speakers = [self._speakers[target[0]]]
        words = target[1]
        if config.turn > 0 and random.random() < config.turn:
            successor, second = self._draw_speech(random, but=speakers[0])
            speakers.append(self._speakers[successor])
            words = taken_over(words, second, random)
        dry = with_pause(words, config.silence, random) if happens["pause"] else words
        parts[:2] = self._through_room(dry, random) if happens["room"] else (dry, np.zeros_like(dry))
        if happens["voice"]:
            other, voice = self._draw_speech(random, but=speakers[0])
            speakers.append(self._speakers[other])
            parts[2] = self._through_room(voice, random).sum(axis=0) if happens["room"] else voice
        if happens["noise"]:
            parts[3] = self._draw_noise(random)
            if config.second_noise > 0 and random.random() < config.second_noise:
                addition, ratio = self._draw_noise(random), random.uniform(*config.second)
                parts[3] += addition * gain_to(float(np.mean(parts[3] ** 2)), float(np.mean(addition**2)), -ratio)
        if happens["band"]:
            parts = band_limited(parts, random.uniform(*config.lowest), random.uniform(*config.highest))
        power = active_power(parts[0])
        parts[2] *= gain_to(power, active_power(parts[2]), random.uniform(*config.sir))
        parts[3] *= gain_to(power, float(np.mean(parts[3] ** 2)), random.uniform(*config.snr))
        level = 10 ** (random.uniform(*config.level) / 20)
        parts = config.faults.jumped(parts * level / math.sqrt(power), random)
        noisy = parts.sum(axis=0)
        parts = np.concatenate([parts, config.faults.added(noisy, level**2, random)[None]])
        loudest = max(np.abs(parts.sum(axis=0)).max(), np.abs(parts[0]).max())
        parts *= min(1.0, PEAK / loudest)  # scaled down as a whole, never clipped
        return Mixture(tuple(speakers), *parts.astype(np.float32))

    def _draw_speech(self, random: np.random.Generator, but: str | None = None) -> tuple[int, NDArray[np.float64]]:
        """A clip and the number of its recording, by another speaker than ``but``, with speech in it."""
        best, loudest = (0, np.zeros(self.samples)), -1.0
        for _ in range(TRIES):
            while self._speakers[number := _pick(self._speech_odds, random)] == but:
                pass
            clip = self._cut(number, random)
            share = float(np.mean(clip**2)) / self._powers[number]
            if share > loudest:
                best, loudest = (number, clip), share
            if share > 10 ** (-QUIET / 10):
                break
        return best

    def _cut(self, number: int, random: np.random.Generator) -> NDArray[np.float64]:
        """A clip of a recording around one of its frames with speech; all of a shorter one, somewhere in the clip."""
        recording, clip = self._speech[number], np.zeros(self.samples)
        spare = len(recording) - self.samples
        if spare < 0:
            start = int(random.integers(1 - spare))
            clip[start : start + len(recording)] = recording
        else:
            start = int(random.choice(self._active[number])) - int(random.integers(self.samples - FRAME + 1))
            start = min(max(start, 0), spare)
            clip[:] = recording[start : start + self.samples]
        return clip

    def _draw_noise(self, random: np.random.Generator) -> NDArray[np.float64]:
        recording = self._noises[_pick(self._noise_odds, random)]
        start = int(random.integers(max(1, len(recording) - self.samples + 1)))
        clip = recording[start : start + self.samples].astype(np.float64)
        clip = np.resize(clip, self.samples)  # a recording shorter than the clip is repeated
        return coloured(clip, random.uniform(*self.config.tilt))

    def _through_room(self, voice: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
        """What arrives early and what arrives late, shape (2, samples)."""
        from scipy.signal import fftconvolve

        room = self._rooms[random.integers(len(self._rooms))]
        responses = np.zeros((2, len(room.whole)))
        responses[0, : len(room.early)], responses[1] = room.early, room.late
        return fftconvolve(voice[None], responses, axes=-1)[:, : self.samples]


def coloured_noises(seconds: float = 10.0, seed: int = 0) -> list[Samples]:
    """White, pink and brown noise of RMS 0.1: the noise that needs no download."""
    white = np.random.default_rng(seed).normal(size=(3, round(seconds * RATE)))
    noises = [coloured(row, tilt) for row, tilt in zip(white, (0.0, -3.01, -6.02), strict=True)]
    return [(0.1 * noise / np.sqrt(np.mean(noise**2))).astype(np.float32) for noise in noises]


def _odds(recordings: Sequence[NDArray[np.int16]]) -> NDArray[np.float64]:
    """Cumulative probabilities of recordings, by their length."""
    ends = np.cumsum([len(recording) for recording in recordings], dtype=np.float64)
    return ends / ends[-1] if len(ends) else ends


def _pick(odds: NDArray[np.float64], random: np.random.Generator) -> int:
    return int(np.searchsorted(odds, random.random(), side="right"))
