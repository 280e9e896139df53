"""Shows that a change of the code altered nothing: pictures, reports and sounds, equal to the byte before and after.

    python benchmarks/unchanged.py                    # a name and a digest, line by line
    python benchmarks/unchanged.py --against COMMIT   # and of another commit beside them; exit 1 if any differ

A fixed short speech is hidden, with a fixed salt, in fixed sample covers: by every carrier at every strength, encrypted
and not, in covers that clip, are transparent in part, or are large for the message. Each line is the SHA-256 of a stego
picture, of its report, or of what is revealed of it, and how surely, after an attack. Then the related systems.

The other commit is checked out into a temporary worktree, and this very file is run there: so it asks only for what
every version offers. Sound and pictures depend on the processor in their last digits (``processors.py``): compare on
one machine. One side takes about a minute of one core.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
KEY = bytes(range(32))
HIDDEN = (
    *("payload_sha256", "payload_bits", "capacity_bits", "strength", "carrier", "ecc", "code_rate", "encrypted"),
    *("opaque", "survives", "lost", "share", "codec", "seconds", "psnr_db", "ssim"),
)
REVEALED = (
    *("payload_sha256", "payload_bits", "corrected_bits", "code_bits", "estimated_ber", "information", "code_rate"),
    *("margin", "strength", "carrier", "ecc", "encrypted", "original_size", "codec", "seconds"),
)


class Case(NamedTuple):
    """One thing to hide: where, how, and the attack before it is revealed."""

    strength: str
    carrier: str
    attack: str
    options: dict[str, Any]
    cover: str = "photograph"

    @property
    def name(self) -> str:
        extra = " ".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.carrier} {self.strength} {self.cover} {extra}".strip()


CASES = (
    Case("file", "lattice", "none", {"codec": "flac"}),
    Case("file", "lattice", "rotate:1", {"codec": "opus:8000", "encrypt": False}),
    Case("jpeg", "lattice", "jpeg:50", {"codec": "codec2:1300", "encrypt": False}),
    Case("jpeg", "inn", "jpeg:50", {"codec": "auto"}),
    Case("jpeg", "inn", "jpeg:75,flip", {"codec": "codec2:1300", "sparse": True, "ecc": "bch"}),
    Case("jpeg", "inn", "jpeg:75", {"codec": "codec2:1300", "refine": 2}, "small"),
    Case("social", "lattice", "resize:0.5,jpeg:75", {"codec": "codec2:1300"}),
    Case("social", "inn", "crop:0.1,resize:0.7,jpeg:75", {"codec": "codec2:1300", "encrypt": False}),
    Case("social", "inn", "rotate:1,webp:75", {"codec": "codec2:1300", "sparse": True}, "clipped"),
    Case("social", "lattice", "blur:1,jpeg:90", {"codec": "codec2:1300"}, "transparent"),
)


def lines() -> Iterator[str]:
    """The fixed set: name, tab, digest."""
    for name, value in fixed():
        yield f"{name}\t{digest(value)}"


def digest(value: Any) -> str:
    """SHA-256 of an array with its shape and type, of bytes, or of a report as JSON."""
    if isinstance(value, np.ndarray):
        head = f"{value.dtype.str} {value.shape}".encode()
        return sha256(head + np.ascontiguousarray(value).tobytes()).hexdigest()
    return sha256(value if isinstance(value, bytes) else json.dumps(value, sort_keys=True).encode()).hexdigest()


def fixed() -> Iterator[tuple[str, Any]]:
    """Name and value of everything that is compared."""
    import stegolab
    from stegolab import data
    from stegolab.audio import read_audio
    from stegolab.channel import spec
    from stegolab.images import from_array

    spoken = read_audio(data.sample_speech()["morning_awb"])
    speech, longer = (stegolab.Speech(spoken.samples[: n * spoken.rate // 2], spoken.rate) for n in (1, 4))
    covers = sample_covers()
    for case in CASES:
        cover, options = covers[case.cover], {"enhance": False, "salt": KEY[:16], **case.options}
        stego = stegolab.hide(speech, cover, KEY, case.strength, carrier=case.carrier, **options)
        picture = stego.picture
        yield f"stego picture, {case.name}", picture.rgb
        yield f"report, {case.name}", {key: stego.report[key] for key in HIDDEN}
        received = from_array(spec.parse(case.attack)(picture.rgb))
        found = stegolab.reveal(received, KEY, allow_unencrypted=True)
        yield f"revealed after {case.attack}, {case.name}", found.speech.samples
        yield f"report after {case.attack}, {case.name}", {key: found.report[key] for key in REVEALED}
    try:
        stegolab.reveal(covers["small"], KEY)
    except stegolab.errors.StegolabError as error:
        yield "a cover with nothing in it", type(error).__name__
    yield "enhanced speech", stegolab.enhance(speech).samples
    yield from related(covers["photograph"], longer)


def sample_covers() -> dict[str, np.ndarray]:
    """Pictures (height, width, 3 or 4) in which different things are difficult."""
    from stegolab import data

    samples = data.sample_covers()
    photograph = np.ascontiguousarray(samples["coffee"][:384, :512])
    clipped = np.clip(photograph.astype(np.int16) * 2 - 160, 0, 255).astype(np.uint8)
    alpha = np.full(photograph.shape[:2], 255, np.uint8)
    alpha[:, :100] = 60
    small = np.ascontiguousarray(samples["chelsea"][:208, :240])
    transparent = np.dstack([photograph, alpha])
    return {"photograph": photograph, "clipped": clipped, "transparent": transparent, "small": small}


def related(cover: np.ndarray, speech: Any) -> Iterator[tuple[str, np.ndarray]]:
    """What the related systems' networks hide, and what they find of it again."""
    audio_cnn = _module("related.audio_cnn", "codec", "container")
    learned = audio_cnn.Learned()
    samples = speech.samples[: audio_cnn.capacity(learned, [cover])]
    containers = audio_cnn.hide(learned, [cover], samples)
    yield "container, audio_cnn", containers[0]
    yield "revealed, audio_cnn", audio_cnn.reveal(learned, containers, len(samples))

    pixinwav = _module("related.pixinwav", "codec", "container")
    networks = _module("related.pixinwav", "network", "model")
    network = networks.load(Path(networks.__file__).parents[2] / "weights" / "pixinwav.safetensors")
    sound = pixinwav.hide(network, speech, cover[:64, :64]).container
    yield "container, pixinwav", sound.samples
    yield "revealed, pixinwav", pixinwav.reveal(network, sound)

    hide_reveal = _module("related.hide_reveal", "codec", "pictures")
    hider = hide_reveal.Learned()
    picture = hider.hide(cover[:128, :128], cover[128:256, 128:256])
    yield "container, hide_reveal", picture
    yield "revealed, hide_reveal", hider.reveal(picture)

    wavinwav, networks = _module("related.wavinwav", "codec", "container"), _module("related.wavinwav", "network")
    invertible = networks.load(Path(networks.__file__).parents[2] / "weights" / "wavinwav.safetensors")
    sound = wavinwav.hide(speech, speech, invertible, KEY, b"nonce")
    yield "container, wavinwav", sound.samples
    yield "revealed, wavinwav", wavinwav.reveal(sound, invertible, KEY, b"nonce").samples


def _module(folder: str, *names: str) -> Any:
    """The first of these modules that this version of the package has."""
    for name in names:
        try:
            return import_module(f"stegolab.{folder}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"stegolab.{folder}.{name}":
                raise
    raise SystemExit(f"no stegolab.{folder} module of these names: {', '.join(names)}")


def differences(here: list[str], there: list[str]) -> list[str]:
    """What two versions' lines do not have in common, in words; nothing where they are the same."""
    ours, theirs = (dict(line.split("\t") for line in side) for side in (here, there))
    if not ours or not theirs:
        return ["nothing was compared"]
    return [
        f"{name}: {'only here' if name not in theirs else 'only there' if name not in ours else 'differs'}"
        for name in [*ours, *(name for name in theirs if name not in ours)]
        if ours.get(name) != theirs.get(name)
    ]


def lines_of(commit: str) -> list[str]:
    """The lines that this file prints when it runs with the package of another commit.

    Raises:
        SystemExit: no such commit, or it cannot run there.
    """
    git = ["git", "-C", str(ROOT)]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        added = subprocess.run([*git, "worktree", "add", "--quiet", "--detach", str(tree), commit], text=True)
        if added.returncode:
            raise SystemExit(f"{commit} cannot be checked out: name a commit of this repository")
        try:
            ended = subprocess.run(
                [sys.executable, __file__],
                env={**os.environ, "PYTHONPATH": str(tree)},
                cwd=tree,
                stdout=subprocess.PIPE,
                text=True,
            )
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(tree)], check=True)
    if ended.returncode:
        raise SystemExit(f"{commit}: it ended with status {ended.returncode}; what it said stands above")
    return ended.stdout.splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="COMMIT", help="compare with what the package of this commit gives")
    options = parser.parse_args()
    here = []
    for line in lines():
        print(line, flush=True)
        here.append(line)
    if options.against:
        found = differences(here, lines_of(options.against))
        print("\n".join(found) or f"all {len(here)} lines are those of {options.against}")
        raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
