"""How good does it sound: PESQ, STOI and SI-SDR of an estimate against the clean reference (notebook 01).

Every score takes ``(reference, estimate, rate)``: two mono arrays of the same shape (n,), and hertz. Higher is better
for all. The level of either does not matter to any.

| score | unit | range | aligned in time first | what it hears |
|---|---|---|---|---|
| PESQ | MOS-LQO | 1.0 to 4.6 | yes | quality, as a listening panel would grade it |
| STOI | none | 0 to 1, may fall a little below | no | how much is understood |
| SI-SDR | dB | any | no, one sample counts | the waveform itself, but not its sign |

All raise BadAudio for arrays that do not fit together, values that are not numbers, and clips that are silent or too
short to be judged.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import audio
from ..audio import Speech
from ..errors import BadAudio

Samples = NDArray[Any]

WIDE, NARROW = 16_000, 8_000  # hertz, at which PESQ is defined
SHORTEST_PESQ = 0.25  # seconds


def pesq_wb(reference: Samples, estimate: Samples, rate: int) -> float:
    """Wide-band PESQ, ITU-T P.862.2, in MOS-LQO: 1.04 to 4.64. Sounds above 16 kHz sampling are resampled to it.

    Raises:
        BadAudio: see above; also below 16 kHz, where there is no wide band.
    """
    if rate < WIDE:
        raise BadAudio(f"wide-band PESQ of sound at {rate} Hz: it needs 16000 Hz, use pesq_nb")
    return _pesq(reference, estimate, rate, WIDE, "wb")


def pesq_nb(reference: Samples, estimate: Samples, rate: int) -> float:
    """Narrow-band PESQ, ITU-T P.862.1 (a telephone's 300 to 3400 Hz), in MOS-LQO: 1.02 to 4.55.

    Raises:
        BadAudio: see above; also below 8 kHz.
    """
    if rate < NARROW:
        raise BadAudio(f"PESQ of sound at {rate} Hz: it needs 8000 Hz or more")
    return _pesq(reference, estimate, rate, NARROW if rate < WIDE else WIDE, "nb")


def stoi(reference: Samples, estimate: Samples, rate: int) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), 0 to 1; above about 0.75 speech is mostly understood.

    Raises:
        BadAudio: see above; it needs 0.4 s of speech once pauses are cut out.
    """
    return _stoi(reference, estimate, rate, extended=False)


def estoi(reference: Samples, estimate: Samples, rate: int) -> float:
    """Extended STOI (Jensen & Taal 2016), 0 to 1: right for maskers that come and go, such as other voices.

    Raises:
        BadAudio: as :func:`stoi`.
    """
    return _stoi(reference, estimate, rate, extended=True)


def si_sdr(reference: Samples, estimate: Samples, rate: int) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019) in dB; infinite for a scaled copy.

    The sign is lost too: -estimate scores as estimate does. ``rate`` does not matter and is checked only.
    """
    reference, estimate = (w - w.mean() for w in _checked(reference, estimate, rate))
    target = reference * (reference @ estimate) / (reference @ reference)
    signal, distortion = float(target @ target), float(np.square(estimate - target).sum())
    with np.errstate(divide="ignore"):
        return float(10 * (np.log10(signal) - np.log10(distortion)))


SCORES: dict[str, Callable[[Samples, Samples, int], float]] = {
    "pesq_wb": pesq_wb,
    "pesq_nb": pesq_nb,
    "stoi": stoi,
    "estoi": estoi,
    "si_sdr": si_sdr,
}


def _pesq(reference: Samples, estimate: Samples, rate: int, at: int, band: str) -> float:
    import pesq

    reference, estimate = _checked(reference, estimate, rate)
    if len(reference) < SHORTEST_PESQ * rate:
        raise BadAudio(f"PESQ cannot judge {len(reference) / rate:.2f} s: give at least {SHORTEST_PESQ} s")
    try:
        return float(pesq.pesq(at, _resampled(reference, rate, at), _resampled(estimate, rate, at), band))
    except pesq.PesqError as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise BadAudio(f"PESQ finds no speech to judge ({said}): give a clip with a sentence in it") from error


def _stoi(reference: Samples, estimate: Samples, rate: int, extended: bool) -> float:
    import pystoi

    reference, estimate = _checked(reference, estimate, rate)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # it warns and answers 1e-5 where there is no answer
        try:
            return float(pystoi.stoi(reference, estimate, rate, extended))
        except (RuntimeWarning, ValueError, IndexError) as error:
            raise BadAudio("STOI needs at least 0.4 s of speech, pauses not counted: give a longer clip") from error


def _checked(reference: Samples, estimate: Samples, rate: int) -> tuple[Samples, Samples]:
    """Both as float64, when they can be compared."""
    reference, estimate = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    if reference.ndim != 1 or reference.shape != estimate.shape:
        raise BadAudio(f"reference {reference.shape} and estimate {estimate.shape}: give two of one shape (n,)")
    if rate <= 0:
        raise BadAudio(f"a sampling rate of {rate} Hz: give hertz, such as 16000")
    for name, samples in (("reference", reference), ("estimate", estimate)):
        if not samples.size or not np.isfinite(samples).all():
            raise BadAudio(f"the {name} is empty or holds values that are not finite numbers")
        if np.ptp(samples) < 1e-7:
            raise BadAudio(f"the {name} is silent: no score is defined")
    return reference, estimate


def _resampled(samples: Samples, rate: int, to: int) -> Samples:
    return audio.resample(Speech(samples.astype(np.float32), rate), to).samples
