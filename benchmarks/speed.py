"""What a person waits for: ``stegolab hide`` and ``reveal`` as processes, imports and all, 5 s into 1600 x 1200 pixels.

    make bench        (or: python benchmarks/speed.py [--rounds 3] [--publish])

Seconds differ threefold between machines, and more between an idle and a busy one. So each row also says how many times
as long it took as Pillow needs to write the same picture as JPEG 75, in the same run on the same machine. Of several
rounds the shortest counts. Strength file carries FLAC, so it moves the most bits.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from stegolab import data, results
from stegolab.tables import TABLES

STRENGTHS = ("social", "jpeg", "file")
SIZE = 1600, 1200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--publish", action="store_true", help="write results/speed.json")
    options = parser.parse_args()
    if options.publish:
        results.check("speed")
    with tempfile.TemporaryDirectory() as place:
        metrics = measured(Path(place), options.rounds)
    print(f"Pillow writes a JPEG in {metrics['jpeg_seconds']:.4f} s", *TABLES["speed"](metrics), sep="\n")
    if options.publish:
        command = shlex.join(["python", "benchmarks/speed.py", *sys.argv[1:]])
        results.write("speed", metrics, profile="command", seed=0, command=command)


def measured(folder: Path, rounds: int) -> dict[str, Any]:
    """The shortest of so many rounds of each command."""
    cover = Image.fromarray(data.sample_covers()["coffee"]).resize(SIZE, Image.Resampling.LANCZOS)
    cover.save(folder / "cover.png")
    jpeg = shortest([timed_jpeg(cover, folder / "cover.jpg") for _ in range(10 * rounds)])
    rows = []
    for strength in STRENGTHS:
        stego, received = folder / f"{strength}.png", folder / f"{strength}.{'png' if strength == 'file' else 'jpg'}"
        speech = data.sample_speech()["morning_awb"]
        hide = [stegolab("hide", speech, folder / "cover.png", stego, "--strength", strength) for _ in range(rounds)]
        if strength != "file":
            stegolab("attack", stego, received, "--spec", "jpeg:75", key=False)
        reveal = [stegolab("reveal", received, folder / "heard.wav") for _ in range(rounds)]
        for command, found in (("hide", hide), ("reveal", reveal)):
            best = shortest(found)
            rows.append({"command": command, "strength": strength, **best, "jpegs": best["seconds"] / jpeg["seconds"]})
    return {"jpeg_seconds": jpeg["seconds"], "rows": rows}


def shortest(found: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure the least, but of memory the most."""
    return {key: (max if key == "peak_megabytes" else min)(one[key] for one in found) for key in found[0]}


def timed_jpeg(picture: Image.Image, path: Path) -> dict[str, float]:
    """Seconds that Pillow takes to write it at quality 75."""
    began = time.perf_counter()
    picture.save(path, quality=75)
    return {"seconds": time.perf_counter() - began}


def stegolab(*words: object, key: bool = True) -> dict[str, float]:
    """Run a command to its end."""
    program = [sys.executable, "-m", "stegolab", *map(str, words), *(["--passphrase-env", "PHRASE"] if key else [])]
    began = time.perf_counter()
    process = subprocess.Popen(program, env=os.environ | {"PHRASE": "of the benchmark"}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"speed: {' '.join(program)} failed")
    return {
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_megabytes": usage.ru_maxrss * 1024 / 1e6,
    }


if __name__ == "__main__":
    main()
