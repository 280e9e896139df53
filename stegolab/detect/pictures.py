"""Covers and their stego pictures, for a steganalyst to learn from and to be tried on (notebook 08).

Crops of one picture look alike: a detector that has seen one of them knows the others. So every crop is named after the
picture that it was cut from, its source, and :func:`held_out` asserts that no source is on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ..carrier.rehearsal import Rehearsal
from ..errors import BadData, BadSpec
from ..files import folder as made
from ..files import replacing
from ..images import RGB, Picture, luma, psnr, read_image
from ..pipeline import carrier_for
from ..sender import Sender

Plane = NDArray[np.uint8]  # luma (side, side), rounded

KEY, SALT = b"k" * 32, b"s" * 16  # the message is sealed anew for each crop by its own random bytes
# About what the rehearsal asks for on an ordinary photograph of 512 x 512.
_CODES = {
    ("lattice", "file"): "ldpc:3/4",
    ("lattice", "jpeg"): "ldpc:1/2",
    ("lattice", "social"): "ldpc:2/5",
    ("inn", "jpeg"): "ldpc:3/5",
    ("inn", "social"): "ldpc:2/5",
}


@dataclass(frozen=True)
class Setting:
    """What the sender does: carrier, strength, and the share of the cover's capacity that the message fills."""

    carrier: str
    strength: str
    payload: float = 1.0

    @property
    def name(self) -> str:
        """As arrays and rows are called: ``lattice-social-0.25``."""
        return f"{self.carrier}-{self.strength}-{self.payload:g}"


@dataclass(frozen=True)
class Crop:
    """A cover and its stego pictures as luma planes, by the names of the settings.

    Embedding adds the same whole number to red, green and blue, and so to the luma: rounding it to bytes loses nothing
    (but where a channel clips). ``bits``: of message; ``psnr_db``: over the three channels.
    """

    source: str
    cover: Plane
    stego: dict[str, Plane]
    bits: dict[str, int]
    psnr_db: dict[str, float]


def sender_on(cover: Picture, setting: Setting) -> Sender:
    """A sender of the usual code that changes no more than the message needs, and tries no attack.

    The rehearsal decides what survives, not what is seen; without it a small message is never refused.

    Raises:
        BadSpec: no such carrier or strength, or the two do not go together. NotTrained: ``inn``.
    """
    carrier = carrier_for(setting.strength, setting.carrier)
    if (carrier.name, setting.strength) not in _CODES:
        raise BadSpec(f"carrier {setting.carrier} has no strength {setting.strength}")
    silent = replace(carrier, strength=replace(carrier.strength, attacks=()))  # type: ignore[type-var]
    untried = Rehearsal(carrier.body_slots(cover.rgb.shape), ())
    return Sender(cover, silent, _CODES[carrier.name, setting.strength], True, rehearsal=untried)


def embed(cover: RGB, setting: Setting, seed: int = 0) -> tuple[RGB, int]:
    """A stego picture with random bytes as its message, and how many bits these are.

    Raises:
        BadSpec, NotTrained: see :func:`sender_on`. CapacityExceeded: the cover takes no message at all.
    """
    sender = sender_on(Picture(cover), setting)
    message = np.random.default_rng(seed).bytes(max(1, round(setting.payload * sender.capacity())))
    return sender.send(message, KEY, salt=SALT).picture.rgb, 8 * len(message)


def prepare(
    covers: Mapping[str, Path], settings: Sequence[Setting], folder: Path, *, side: int = 512, crops: int = 1
) -> Iterator[Path]:
    """Cut ``crops`` from each picture, hide random messages in them, and keep all of it: one file a crop.

    Files that are there and complete are left alone, so what was interrupted goes on. Pictures that are smaller than
    ``side`` are left out; where a crop lies depends on its name alone.

    Raises:
        BadSpec, NotTrained: see :func:`sender_on`. CannotWrite: the folder. BadImage: a cover cannot be read.
    """
    made(folder)
    for source, path in covers.items():
        for number in range(crops):
            name = f"{source}.{number}"
            file = folder / f"{name.replace('/', '_')}.npz"
            if not _complete(file, settings):
                rgb = read_image(path).rgb
                if min(rgb.shape[:2]) < side:
                    continue
                _write(file, source, _cut(rgb, side, crc32(name.encode())), settings, crc32(name.encode()))
            yield file


def read(files: Iterable[Path], settings: Iterable[Setting]) -> Iterator[Crop]:
    """What :func:`prepare` kept of these settings.

    Raises:
        BadData: not such a file.
    """
    names = [setting.name for setting in settings]
    for file in files:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                yield Crop(
                    str(arrays["source"]),
                    arrays["cover"],
                    {name: arrays[f"stego {name}"] for name in names},
                    {name: int(arrays[f"bits {name}"]) for name in names},
                    {name: float(arrays[f"psnr {name}"]) for name in names},
                )
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise BadData(f"{file} holds no crop: delete it and prepare again ({error})") from error


def held_out(train: Sequence[str], test: Sequence[str]) -> None:
    """Assert that no picture is the source of crops on both sides.

    Raises:
        BadData: one is.
    """
    if both := sorted(set(train) & set(test)):
        raise BadData(f"{both[0]} is trained on and tested on: split by source, not by crop")


def _complete(file: Path, settings: Sequence[Setting]) -> bool:
    if not file.exists():
        return False
    with np.load(file, allow_pickle=False) as arrays:
        return {f"stego {setting.name}" for setting in settings} <= set(arrays.files)


def _write(file: Path, source: str, cover: RGB, settings: Sequence[Setting], seed: int) -> None:
    arrays: dict[str, NDArray[np.generic]] = {"source": np.array(source), "cover": _plane(cover)}
    for setting in settings:
        stego, bits = embed(cover, setting, seed)
        arrays[f"stego {setting.name}"] = _plane(stego)
        arrays[f"bits {setting.name}"] = np.array(bits)
        arrays[f"psnr {setting.name}"] = np.array(psnr(cover, stego))
    with replacing(file) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def _cut(rgb: RGB, side: int, seed: int) -> RGB:
    random = np.random.default_rng(seed)
    y, x = (int(random.integers(length - side + 1)) for length in rgb.shape[:2])
    return np.ascontiguousarray(rgb[y : y + side, x : x + side])


def _plane(rgb: RGB) -> Plane:
    return np.rint(luma(rgb)).astype(np.uint8)
