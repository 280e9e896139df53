"""Model 1 in use: takes a recording and returns it without its noise (notebook 03).

The network processes 16 kHz mono without offset and rumble, with every talker at one level. Recordings at other rates
and levels come out at their own rate and level.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import progress
from ..audio import RATE, Resampler, Speech
from ..errors import BadAudio, NotTrained
from .conditioning import LEVEL, HighPass, Leveller, Samples, Stage
from .dccrn_numpy import NumpyDccrn

WEIGHTS = Path(str(resources.files("stegolab"))) / "weights" / "speech.safetensors"

_FRAME = RATE // 50  # samples; 20 ms
_TOLD = 10  # seconds of sound between reports of progress


def told(blocks: Iterable[Samples], length: int, rate: int) -> Iterator[Samples]:
    """The blocks (n, ...) of a sound of ``length`` samples, with a report of progress before each."""
    return progress.steps(blocks, length / rate, "enhancing, in seconds of sound", lambda block: len(block) / rate)


@dataclass(frozen=True)
class Enhancer:
    """A network and what it needs around it.

    ``network`` maps mono samples (n,) at 16 kHz to as many; one that works on blocks has a method ``stream()`` which
    makes a :class:`~stegolab.speech.conditioning.Stage`. Calling the enhancer takes mono speech of any length and rate,
    and returns as many samples at that rate and level, without delay. Everything below 20 Hz and above 8 kHz is lost,
    because the network does not process it. Silence stays silence.
    """

    network: Callable[[Samples], Samples]

    def __call__(self, speech: Speech) -> Speech:
        """The enhanced speech, in [-1, 1]: scaled down if removing the noise made a peak exceed that."""
        if not speech.samples.any():
            return speech
        cut = np.split(speech.samples, range(_TOLD * speech.rate, len(speech.samples), _TOLD * speech.rate))
        said = np.concatenate(list(self._blocks(told(cut, len(speech.samples), speech.rate), speech.rate)))
        said /= max(np.abs(said).max(), 1)
        return replace(speech, samples=said)

    def stream(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
        """The enhanced blocks of a sound in blocks (n,): as many samples in total, in blocks of any size.

        A sample comes out some 5 seconds of sound after it went in, and memory does not grow with the length, provided
        that the network has ``stream()``. The division into blocks does not affect the samples. A peak beyond full
        scale is clipped, because a stream, unlike a call, cannot scale down what it has already returned.

        Raises:
            BadAudio: a rate outside 4 to 768 kHz.
        """
        if not 4_000 <= rate <= 768_000:
            raise BadAudio(f"a sampling rate of {rate} Hz is not usable for speech: use 8000 to 48000 Hz")
        return (np.clip(block, -1, 1) for block in self._blocks(blocks, rate) if len(block))

    def stream_channels(
        self, blocks: Iterable[NDArray[np.float32]], rate: int, silent: Sequence[bool]
    ) -> Iterator[NDArray[np.float32]]:
        """The enhanced blocks of a sound in blocks (n, channels): each channel as in :meth:`stream`, all aligned.

        ``silent`` says for each channel whether it is to stay unchanged.

        Raises:
            BadAudio: as :meth:`stream`.
        """
        speaking = [number for number, quiet in enumerate(silent) if not quiet]
        if not speaking:
            return iter(blocks)
        heard, *copies = _copies(blocks, 1 + len(speaking))
        said = [self.stream(_column(copy, n), rate) for n, copy in zip(speaking, copies, strict=True)]
        return _replaced(heard, speaking, said)

    def _blocks(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
        make = getattr(self.network, "stream", None)
        stages: list[Stage] = [HighPass(), Leveller(), _AtOneLevel(make() if make else _AtOnce(self.network))]
        if rate != RATE:
            stages = [Resampler(rate, RATE), *stages, Resampler(RATE, rate)]
        count = _Count()
        passed = count.watch(blocks)
        for stage in stages:
            passed = _through(stage, passed)
        return count.limit(passed)


class _AtOneLevel:
    """A network that works on levelled speech, a stage that works on samples and their level (2, n)."""

    def __init__(self, network: Stage) -> None:
        self._network = network
        self._levels: Samples = np.zeros(0, np.float32)  # of samples that the network has not returned yet

    def push(self, levelled: Samples) -> Samples:
        samples, level = levelled
        self._levels = np.concatenate([self._levels, level])
        return self._back(self._network.push(samples / level * np.float32(LEVEL)))

    def flush(self) -> Samples:
        return self._back(self._network.flush())

    def _back(self, said: Samples) -> Samples:
        level, self._levels = np.split(self._levels, [len(said)])
        return said * level / np.float32(LEVEL)


class _AtOnce:
    """A function of a whole sound as a stage, which keeps all of it in memory."""

    def __init__(self, function: Callable[[Samples], Samples]) -> None:
        self._function, self._held = function, deque[Samples]()

    def push(self, samples: Samples) -> Samples:
        self._held.append(samples)
        return np.zeros(0, np.float32)

    def flush(self) -> Samples:
        held = np.concatenate([np.zeros(0, np.float32), *self._held])
        return self._function(held) if len(held) else held


class _Count:
    """Returns as many samples as went in, because two resamplings may round up."""

    def __init__(self) -> None:
        self._owed = 0

    def watch(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        for block in blocks:
            self._owed += len(block)
            yield np.asarray(block, np.float32)

    def limit(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        for block in blocks:
            given = block[: self._owed]
            self._owed -= len(given)
            yield given


def _copies(blocks: Iterable[NDArray[np.float32]], count: int) -> list[Iterator[NDArray[np.float32]]]:
    """Like ``itertools.tee``, which however keeps 57 blocks that all copies have passed."""
    source, waiting = iter(blocks), [deque[NDArray[np.float32]]() for _ in range(count)]

    def another() -> bool:
        block = next(source, None)
        if block is not None:
            for own in waiting:
                own.append(block)
        return block is not None

    def copy(own: deque[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        while own or another():
            yield own.popleft()

    return [copy(own) for own in waiting]


def _column(blocks: Iterable[NDArray[np.float32]], number: int) -> Iterator[Samples]:
    return (block[:, number] for block in blocks)


def _replaced(
    blocks: Iterator[NDArray[np.float32]], columns: Sequence[int], by: Sequence[Iterator[Samples]]
) -> Iterator[NDArray[np.float32]]:
    """Blocks (n, channels) with the output of these streams in these columns. All streams have the same lag."""
    held: list[NDArray[np.float32]] = []
    for parts in zip(*by, strict=True):
        n = len(parts[0])
        while sum(map(len, held)) < n:
            held.append(next(blocks))
        joined = np.concatenate(held)
        held = [joined[n:]]
        block = joined[:n].copy()
        block[:, columns] = np.stack(parts, axis=1)
        yield block


def _through(stage: Stage, blocks: Iterable[Samples]) -> Iterator[Samples]:
    for block in blocks:
        yield stage.push(block)
    yield stage.flush()


def speech_level(samples: NDArray[np.float32]) -> float:
    """RMS of the frames with speech, those at most 10 dB below the mean power, so that pauses do not lower the level.

    ``samples``: mono of shape (n,) at 16 kHz. Scales with them; 0 for silence.
    """
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    return float(np.sqrt(power[power >= power.mean() / 10].mean()))


def trained() -> bool:
    """Whether the weights ship with this version."""
    return WEIGHTS.exists()


def shipped() -> Enhancer:
    """The enhancer with the weights that ship.

    Raises:
        NotTrained: none do.
    """
    if not trained():
        raise NotTrained("speech enhancement is not trained yet: hide the speech unchanged (--no-enhance)")
    return _loaded(WEIGHTS)


@lru_cache
def _loaded(path: Path) -> Enhancer:
    return Enhancer(NumpyDccrn.load(path))
