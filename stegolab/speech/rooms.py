"""Simulated rooms: impulse responses from a talker to one microphone, for training Model 1 (notebook 03).

Shoebox rooms, their first reflections by the image method and the dense rest by ray tracing. What arrives within 50 ms
of the direct sound is heard as part of the voice and helps it to be understood; what comes later smears it. So the
early part of the response gives the training target, and the network learns to remove the rest.
Allen & Berkley 1979 (image method); Schröder 2011 (ray tracing); Scheibler et al. 2018 (pyroomacoustics).
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import files
from ..audio import RATE
from ..data import cache_dir
from ..errors import BadSpec

if TYPE_CHECKING:
    import pyroomacoustics

EARLY = RATE // 20  # samples from the direct sound on that belong to the voice, 50 ms
SMALLEST, LARGEST = (2.5, 2.5, 2.3), (9.0, 7.0, 3.5)  # metres: length, width, height
RT60 = (0.15, 0.8)  # seconds until the sound has decayed by 60 dB
DISTANCE = (0.5, 4.0)  # metres between mouth and microphone
WALL = 0.3  # metres that both keep from every wall

_VERSION = 1  # of the recipe: a change of what is simulated gets new files in the cache
_ORDER = 6  # of the image method; later reflections are traced, which is 20 times faster and decays as asked
_FLOOR = 1e-6  # of the energy: what is left of it after 60 dB is cut off


@dataclass(frozen=True, eq=False)
class Room:
    """How a room answers a click: ``whole`` float32 of shape (n,), at 16 kHz, its first sample the direct sound.

    A voice and its reverberant version are in time, then. The early part has energy 1, which leaves the level of the
    target about what it was.
    """

    whole: NDArray[np.float32]

    @property
    def early(self) -> NDArray[np.float32]:
        """The direct sound and the reflections of the first 50 ms: the first samples of ``whole``."""
        return self.whole[:EARLY]

    @property
    def late(self) -> NDArray[np.float32]:
        """``whole`` with zeros in place of the early part: the two parts add up to it."""
        return np.concatenate([np.zeros_like(self.early), self.whole[EARLY:]])


def rooms(count: int = 200, seed: int = 0, folder: Path | None = None) -> list[Room]:
    """``count`` rooms, the same ones for the same seed: simulated once (some 10 s for 200), then read from the cache.

    Args:
        count: at least 1.
        seed: of everything that is random about them, not negative. Take another one for validation.
        folder: where to keep them, made when missing; None for ``rooms`` in :func:`stegolab.data.cache_dir`.

    Raises:
        BadSpec: the count or the seed is out of its range.
        CannotWrite: the folder cannot be written to.
    """
    if count < 1 or seed < 0:
        raise BadSpec(f"{count} rooms from the seed {seed}: ask for at least one, from a seed of 0 or more")
    file = files.folder(folder or cache_dir() / "rooms") / f"rooms-v{_VERSION}-seed{seed}-count{count}.npz"
    if (kept := _load(file, count)) is not None:
        return kept
    made = [simulate(np.random.default_rng((seed, number))) for number in range(count)]
    with files.replacing(file) as temporary:
        np.savez(temporary, *[room.whole for room in made])
    return made


def simulate(random: np.random.Generator) -> Room:
    """One room of random size, absorption and RT60, a talker and a microphone somewhere in it."""
    import pyroomacoustics

    size = random.uniform(SMALLEST, LARGEST)
    # No absorption gives a large room the shortest RT60: draw another one until the walls can do it.
    while True:
        try:
            absorption, _ = pyroomacoustics.inverse_sabine(random.uniform(*RT60), size)
            break
        except ValueError:
            continue
    pyroomacoustics.random.seed(int(random.integers(2**31)))  # the rays come from a generator of its own
    room = pyroomacoustics.ShoeBox(
        size, fs=RATE, materials=pyroomacoustics.Material(absorption), max_order=_ORDER, ray_tracing=True
    )
    arrival = _place(room, size, random)
    room.compute_rir()
    delay = pyroomacoustics.constants.get("frac_delay_length") // 2
    return Room(_trimmed(np.asarray(room.rir[0][0])[delay + arrival :]))


def _place(room: pyroomacoustics.ShoeBox, size: NDArray[np.float64], random: np.random.Generator) -> int:
    """Put a talker and a microphone into the room; return how many samples the direct sound travels.

    It is a whole number, so that the direct sound is one sample and not an interpolation filter that begins before it.
    """
    while True:
        travel = round(math.exp(random.uniform(*np.log(DISTANCE))) / room.c * RATE)
        talker = random.uniform(WALL, size - WALL)
        way = random.normal(size=3) * (1, 1, 0.3)  # mouths and microphones are at similar heights
        microphone = talker + way / np.linalg.norm(way) * (travel * room.c / RATE)
        if np.all(microphone > WALL) and np.all(microphone < size - WALL):
            room.add_source(talker)
            room.add_microphone(microphone)
            return travel


def _trimmed(response: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cut where 60 dB of the energy have gone (Schroeder's backward integral), and scale to an early energy of 1."""
    left = np.cumsum(response[::-1] ** 2)[::-1]
    end = max(EARLY, int(np.count_nonzero(left > _FLOOR * left[0])))
    return (response[:end] / np.linalg.norm(response[:EARLY])).astype(np.float32)


def _load(file: Path, count: int) -> list[Room] | None:
    """What an earlier call kept, None when there is nothing or it is damaged."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names: Sequence[str] = [f"arr_{number}" for number in range(count)]
            return [Room(arrays[name]) for name in names]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
