"""What the discriminator of the metric GAN learns from: PESQ and STOI of whole batches, in [0, 1] (notebook 03).

Neither score has a gradient, and both take milliseconds of one core per clip; worker processes compute them while the
networks train. A clip that has no score (silent, too short, no utterance found, or its worker died) is NaN, one by
one: it costs that clip, never the batch, never the training. No torch here: workers start in a second.
Fu et al. 2019, MetricGAN; Fu et al. 2021, MetricGAN+.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..audio import RATE
from ..errors import BadAudio, BadSpec
from . import scores

PESQ_RANGE = (1.04, 4.64)  # MOS-LQO, the lowest and the highest that wide-band PESQ gives
PATIENCE = 3  # pools that may die one after the other without a single score

Scores = NDArray[np.float32]
Found = tuple[float, float]  # PESQ in MOS-LQO and STOI of one clip

_NONE: Found = (float("nan"), float("nan"))


def normalised(pesq: ArrayLike, stoi: ArrayLike) -> Scores:
    """Wide-band PESQ in MOS-LQO and STOI, each (B,), to (B, 2) in [0, 1]; NaN stays NaN."""
    lowest, highest = PESQ_RANGE
    quality = (np.asarray(pesq, np.float32) - lowest) / (highest - lowest)
    return np.clip(np.stack([quality, np.asarray(stoi, np.float32)], -1), 0, 1)


def in_units(normal: ArrayLike) -> Scores:
    """The inverse of :func:`normalised`: (B, 2) in [0, 1] to (B, 2), PESQ in MOS-LQO beside STOI."""
    lowest, highest = PESQ_RANGE
    return np.asarray(normal, np.float32) * np.array([highest - lowest, 1], np.float32) + np.array(
        [lowest, 0], np.float32
    )


class TrueScores:
    """Scores batches of clips, here (``workers=0``) or in so many processes; a context manager that ends them.

    Either way gives the same numbers. A worker that dies (PESQ is C code) loses the clips of its pool, with a
    RuntimeWarning, and the next batch gets a new pool; after :data:`PATIENCE` pools that died without a single score
    the environment is at fault and all is computed here.

    Raises:
        BadSpec: fewer than 0 workers.
    """

    def __init__(self, workers: int = 0, rate: int = RATE) -> None:
        if workers < 0:
            raise BadSpec(f"{workers} workers: give 0 to score in this process, or how many to start")
        self.workers, self.rate = workers, rate
        self._pool: ProcessPoolExecutor | None = None
        self._failures = 0

    def __call__(self, clean: ArrayLike, estimate: ArrayLike) -> Scores:
        """Two (B, N) arrays of waveforms to (B, 2) normalised scores, PESQ then STOI; NaN where there is none."""
        return self.submit(clean, estimate)()

    def submit(self, clean: ArrayLike, estimate: ArrayLike) -> Callable[[], Scores]:
        """As a call, but at once: the answer waits for the workers. Without workers it is computed when asked for."""
        clean, estimate = (np.asarray(waveforms, np.float32).copy() for waveforms in (clean, estimate))
        pairs = list(zip(clean, estimate, strict=True))
        if not self.workers:
            return lambda: _table([_score(*pair, self.rate) for pair in pairs])
        if self._pool is None:  # spawn: a fork of a process in which torch has threads may hang
            self._pool = ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"))
        pool = self._pool
        try:
            futures = [pool.submit(_score, *pair, self.rate) for pair in pairs]
        except BrokenExecutor:  # it died after the last batch
            self._bury(pool)
            return self.submit(clean, estimate)
        return lambda: _table([self._finish(future, pool) for future in futures])

    def close(self) -> None:
        """End the workers; scores not yet asked for are lost. A later batch would start new ones."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def __enter__(self) -> TrueScores:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _finish(self, future: Future[Found], pool: ProcessPoolExecutor) -> Found:
        try:
            found = future.result()
        except CancelledError:  # closed before it was asked for
            return _NONE
        except BrokenExecutor:
            self._bury(pool)
            return _NONE
        self._failures = 0
        return found

    def _bury(self, pool: ProcessPoolExecutor) -> None:
        """Forget a pool that died, and stop making new ones when none ever works."""
        if pool is not self._pool:
            return
        self.close()
        self._failures += 1
        if self._failures >= PATIENCE:
            self.workers = 0
        then = "a new pool takes over" if self.workers else "scoring goes on in this process"
        warnings.warn(f"a worker that computes PESQ and STOI died, its clips have no scores; {then}", RuntimeWarning, 3)


def _score(clean: NDArray[Any], estimate: NDArray[Any], rate: int) -> Found:
    """PESQ in MOS-LQO and STOI of one clip; NaN where it has none. What the workers run."""
    quality, intelligibility = _NONE
    with suppress(BadAudio):
        quality = scores.pesq_wb(clean, estimate, rate)
    with suppress(BadAudio):
        intelligibility = scores.stoi(clean, estimate, rate)
    return quality, intelligibility


def _table(found: list[Found]) -> Scores:
    quality, intelligibility = zip(*found, strict=True) if found else ((), ())
    return normalised(quality, intelligibility)
