"""Does any result depend on the kind of processor? The same work under the kernels of several, and what differs.

    pip install -e '.[processors]'
    python benchmarks/processors.py --out runs/processors [--notebooks 01 ...] [--publish]

OpenBLAS, MKL, oneDNN, PyTorch and NumPy choose their inner loops by the processor that they find; here they are told
which, and that it took is checked. Under each of twelve choices a fixed set of hides, codecs, enhancement and networks
is run, and the results are compared bit for bit with those of the first. Under three of them, among which each family,
each capability and each number of threads occurs, the notebooks are run in profile smoke. Their results are compared as
numbers: the spread of each is the largest difference between any two. ``--publish`` writes results/processors.json.

An interrupted run goes on: what is finished under --out is not run again, so use a new folder for new code.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from stegolab import results

ROOT = Path(__file__).parent.parent
KEY = bytes(range(32))
# What a processor of the kind makes the libraries choose. MKL and oneDNN come with PyTorch.
FAMILIES = {
    "Haswell": {"MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "Sandybridge": {"MKL_CBWR": "AVX", "ONEDNN_MAX_CPU_ISA": "AVX", "NPY_DISABLE_CPU_FEATURES": "X86_V3"},
    "Nehalem": {"MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "SSE41", "NPY_DISABLE_CPU_FEATURES": "X86_V3"},
}
KERNELS = {
    f"{family}-{capability}-{threads}": {
        "OPENBLAS_CORETYPE": family,
        "ATEN_CPU_CAPABILITY": capability,
        "OMP_NUM_THREADS": threads,
        **others,
    }
    for (family, others), capability, threads in product(FAMILIES.items(), ("avx2", "default"), ("1", "2"))
}

FEW = ("Haswell-avx2-1", "Sandybridge-default-2", "Nehalem-avx2-2")


def environment(kernel: str) -> dict[str, str]:
    """This process's environment, for a child that takes its processor for ``kernel``'s."""
    chosen = {name: value for name, value in os.environ.items() if name not in {n for k in KERNELS.values() for n in k}}
    return {**chosen, **KERNELS[kernel], "PYTHONPATH": str(ROOT), "STEGOLAB_HEADLESS": "1", "MPLBACKEND": "Agg"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a folder for each kernel")
    parser.add_argument("--kernels", nargs="+", default=list(KERNELS), choices=list(KERNELS))
    parser.add_argument("--notebooks-under", nargs="+", default=list(FEW), choices=list(KERNELS), metavar="KERNEL")
    parser.add_argument("--notebooks", nargs="+", default=[""], help="how their names begin; none for none")
    parser.add_argument("--publish", action="store_true", help="write results/processors.json")
    parser.add_argument("--fixed", type=Path, help=argparse.SUPPRESS)  # the child: write the fixed set here
    options = parser.parse_args()
    if options.fixed:
        arrays: dict[str, Any] = dict(fixed())
        np.savez(options.fixed, **arrays)
        return
    if options.publish:
        results.check("processors")
    names = [
        p.stem for p in sorted((ROOT / "notebooks").glob("*.ipynb")) if p.stem.startswith(tuple(options.notebooks))
    ]
    for kernel in options.kernels:
        run(kernel, options.out / kernel, names if kernel in options.notebooks_under else [])
    found = {
        "kernels": {kernel: KERNELS[kernel] for kernel in options.kernels},
        "bits": compared_bits({kernel: options.out / kernel / "fixed.npz" for kernel in options.kernels}),
        "notebooks": {
            name: spreads([options.out / kernel for kernel in options.notebooks_under], name) for name in names
        },
    }
    show(found)
    if options.publish:
        results.write("processors", found, profile="command", seed=0, command="python " + shlex.join(sys.argv))


def run(kernel: str, folder: Path, names: list[str]) -> None:
    """What is not there yet: fixed.npz and the notebooks' results.json under ``folder``."""
    work = (folder / "notebooks").resolve()
    work.mkdir(parents=True, exist_ok=True)
    chosen = environment(kernel)
    if not (folder / "fixed.npz").exists():
        print(kernel, "the fixed set", flush=True)
        command = [sys.executable, __file__, "--out", str(folder), "--fixed", str(folder / "unfinished.npz")]
        subprocess.run(command, env=chosen, check=True)
        (folder / "unfinished.npz").rename(folder / "fixed.npz")
    for name in names:
        if not (work / "runs" / name / "results.json").exists():
            print(kernel, name, flush=True)
            source = ROOT / "notebooks" / f"{name}.ipynb"
            command = [sys.executable, "-m", "papermill", str(source), str(work / f"{name}.ipynb")]
            command += ["--cwd", str(work), "--kernel", "python3", "--no-progress-bar", "--log-level", "ERROR"]
            ended = subprocess.run(command, env=chosen, capture_output=True, text=True)
            if ended.returncode:
                print(ended.stderr[-2000:], f"{kernel} {name}: FAILED", sep="\n", flush=True)


def fixed() -> Iterator[tuple[str, np.ndarray]]:
    """The fixed set, name by name: pictures, messages and what networks put out."""
    import torch
    from threadpoolctl import threadpool_info

    import stegolab
    from benchmarks.unchanged import related
    from stegolab import data
    from stegolab.audio import read_audio
    from stegolab.channel import spec
    from stegolab.images import luma
    from stegolab.message import codecs
    from stegolab.message.keys import as_provider, keystream_of
    from stegolab.pipeline import carrier_for
    from stegolab.speech import dccrn_weights

    blas = {pool["architecture"] for pool in threadpool_info() if pool["internal_api"] == "openblas"}
    wanted = os.environ["OPENBLAS_CORETYPE"], os.environ["ATEN_CPU_CAPABILITY"].upper(), os.environ["OMP_NUM_THREADS"]
    took = (*blas, torch.backends.cpu.get_cpu_capability(), str(torch.get_num_threads()))
    if took != wanted:
        raise SystemExit(f"asked for the kernels {wanted}, got {took}: this processor cannot run them")

    speech = read_audio(data.sample_speech()["morning_awb"])
    short = stegolab.Speech(speech.samples[: 2 * speech.rate], speech.rate)
    noise = np.random.default_rng(0).normal(0, 0.02, len(short.samples))
    noisy = stegolab.Speech((short.samples + noise).astype(np.float32), short.rate)
    yield "enhanced speech", stegolab.enhance(noisy).samples
    for rung in codecs.LADDER:
        try:
            message = codecs.encode(short, rung)
        except stegolab.errors.StegolabError:  # this build of FFmpeg has no such encoder
            continue
        yield f"message, {rung}", np.frombuffer(message, np.uint8)
        yield f"decoded, {rung}", codecs.decode(message).samples

    cover = np.ascontiguousarray(data.sample_covers()["coffee"][:384, :512])
    brief = stegolab.Speech(speech.samples[: speech.rate // 2], speech.rate)
    for strength, carrier in (("file", "lattice"), *product(("jpeg", "social"), ("lattice", "inn"))):
        chosen: dict[str, Any] = {"strength": strength, "carrier": carrier, "codec": "codec2:1300"}
        chosen |= {"salt": KEY[:16], "enhance": False}
        stego = stegolab.hide(brief, cover, KEY, **chosen).picture.rgb
        yield f"stego picture, {carrier} {strength}", stego
        sent = stego if strength == "file" else spec.parse("jpeg:75")(stego)
        keyed = carrier_for(strength, carrier).keyed(keystream_of(as_provider(KEY)))
        reading = keyed.read(sent, sent.shape)
        yield f"log-likelihood ratios of the header, {carrier} {strength}", np.asarray(reading.header_llr)
    yield "luma", luma(cover)
    with torch.no_grad():
        samples = torch.from_numpy(noisy.samples)[None]
        for name, path in dccrn_weights.SHIPPED.items():
            yield f"network in PyTorch, {name}", dccrn_weights.load(path)(samples)[0].numpy()
    yield from related(cover, short)


def compared_bits(files: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """For each of the fixed set: how many different outcomes, which kernels agree, and the largest difference."""
    loaded = {kernel: np.load(path) for kernel, path in files.items()}
    found = {}
    for name in next(iter(loaded.values())).files:
        arrays = {kernel: arrays[name] for kernel, arrays in loaded.items()}
        groups: dict[str, list[str]] = {}
        for kernel, array in arrays.items():
            groups.setdefault(sha256(array.tobytes()).hexdigest()[:12], []).append(kernel)
        found[name] = {
            "equal": len(groups) == 1,
            "outcomes": list(groups.values()),
            "largest_difference": _spread(list(arrays.values())),
            "largest_value": float(np.abs(next(iter(arrays.values())).astype(float)).max()),
        }
    return found


def _spread(arrays: list[np.ndarray]) -> float | None:
    if len({array.shape for array in arrays}) > 1:
        return None  # messages of other lengths
    stack = np.stack(arrays).astype(float)
    return float((stack.max(axis=0) - stack.min(axis=0)).max())


def spreads(folders: list[Path], name: str) -> dict[str, Any]:
    """Of a notebook's metrics: spread and stated tolerance of numbers, and whether the rest is equal."""
    files = [folder / "notebooks" / "runs" / name / "results.json" for folder in folders]
    records = [json.loads(file.read_text()) for file in files if file.exists()]
    found: dict[str, Any] = {"runs": len(records), "of": len(files)}
    if records:
        tables = [dict(flat(record["metrics"])) for record in records]
        tolerances = dict(flat(spread_out(records[-1].get("tolerance", {}), records[-1]["metrics"])))
        found["metrics"] = {
            key: {"values": values, "spread": spread(values), "tolerance": tolerances.get(key)}
            for key in tables[0]
            if len(set(map(json.dumps, values := [table.get(key) for table in tables]))) > 1 or tolerances.get(key)
        }
    return found


def spread(values: list[Any]) -> float | None:
    """Largest less smallest; None where they are not numbers."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return max(values) - min(values) if numbers else None


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested metrics as pairs: ``lsb[1]``, ``gain.low``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flat(inner, f"{name}[{index}]")
    else:
        yield name, value


def spread_out(tolerance: Any, metrics: Any) -> Any:
    """One tolerance for a whole list or mapping, given to each inside."""
    if isinstance(metrics, dict):
        each = tolerance if isinstance(tolerance, dict) else dict.fromkeys(metrics, tolerance)
        return {key: spread_out(each.get(key), inner) for key, inner in metrics.items()}
    if isinstance(metrics, list):
        items = tolerance if isinstance(tolerance, list) else [tolerance] * len(metrics)
        return [spread_out(one, inner) for one, inner in zip(items, metrics, strict=True)]
    return tolerance


def show(found: dict[str, Any]) -> None:
    """Two tables: what differs, and by how much."""
    print("\n| of the fixed set | outcomes | largest difference | of at most |\n|---|---|---|---|")
    for name, row in found["bits"].items():
        difference = (
            "none"
            if row["equal"]
            else "length"
            if row["largest_difference"] is None
            else f"{row['largest_difference']:.3g}"
        )
        print(f"| {name} | {len(row['outcomes'])} | {difference} | {row['largest_value']:.3g} |")
    print("\n| notebook | metric | spread | tolerance |\n|---|---|---|---|")
    for name, notebook in found["notebooks"].items():
        print(f"| {name} | {notebook['runs']} of {notebook['of']} runs | | |")
        for key, row in notebook.get("metrics", {}).items():
            width = "not equal" if row["spread"] is None else f"{row['spread']:.2g}"
            print(f"| | {key} = {row['values'][0]} | {width} | {row['tolerance']} |")


if __name__ == "__main__":
    main()
