"""Covers and their stego pictures, for training and testing a steganalyst (notebook 08).

Crops of one picture look alike: a detector that has seen one of them knows the others. So every crop is named after the
picture that it was cut from, its source, and :func:`held_out` asserts that no source is on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ..carrier.interface import Carrier
from ..errors import BadData, BadSpec, CapacityExceeded
from ..images import RGB, Picture, luma, psnr, read_image
from ..message import ecc, envelope, frame
from ..message.frame import Header
from ..message.keys import as_provider, keystream_of
from ..pipeline import carrier_for
from ..probe import Rehearsal
from ..sender import Sender

Plane = NDArray[np.uint8]  # luma (side, side), rounded

HEADER_BITS = 8 * len(bytes(Header(0, 0))) + 16  # the checksum, the only content of a picture of payload 0
KEY, SALT = b"k" * 32, b"s" * 16  # each crop's message is sealed with its own random bytes
# The rates that the rehearsal chooses for the median photograph of the train split, cut to 512 x 512.
_CODES = {
    ("lattice", "file"): "ldpc:3/4",
    ("lattice", "jpeg"): "ldpc:1/2",
    ("lattice", "social"): "ldpc:2/9",
    ("inn", "jpeg"): "ldpc:2/3",
    ("inn", "social"): "ldpc:1/4",
}


@dataclass(frozen=True)
class Setting:
    """What the sender does: carrier, strength, and the share of the cover's capacity that the message fills.

    ``payload`` 0 is the header, and at strength social the template, without any body: no message is harder to see.
    ``trained``: a carrier with other weights than the shipped ones; ``carrier`` is then its name in the rows. ``code``:
    the error-correcting code, if not the usual one. ``share``: the share of the blocks, the busiest ones, that change;
    with 1, as many slots as the message needs change anywhere in the picture.
    """

    carrier: str
    strength: str
    payload: float = 1.0
    trained: Carrier | None = None
    code: str = ""
    share: float = 1.0

    @property
    def name(self) -> str:
        """The name in rows, such as ``lattice-social-0.25``."""
        return f"{self.carrier}-{self.strength}-{self.payload:.3g}"

    @cached_property
    def sender(self) -> Carrier:
        """The carrier itself.

        Raises:
            BadSpec: no such carrier or strength, or the two do not go together. NotTrained: ``inn``.
        """
        return self.trained or carrier_for(self.strength, self.carrier)


@dataclass(frozen=True)
class Crop:
    """A cover (side, side, 3), and the seed of the message hidden in it."""

    source: str
    rgb: RGB
    seed: int

    @cached_property
    def plane(self) -> Plane:
        """What a detector sees of the cover."""
        return luma_plane(self.rgb)


@dataclass(frozen=True)
class Stego:
    """What a detector sees of a stego picture.

    Embedding adds the same whole number to red, green and blue, and so to the luma: rounding it to bytes loses nothing
    (except where a channel clips). ``bits``: of message; ``psnr_db``: over the three channels.
    """

    plane: Plane
    bits: int
    psnr_db: float

    @classmethod
    def of(cls, crop: Crop, setting: Setting) -> Stego:
        """A random message in ``crop``.

        Raises:
            BadSpec, NotTrained, CapacityExceeded: see :func:`embed`.
        """
        rgb, bits = embed(crop.rgb, setting, crop.seed)
        return cls(luma_plane(rgb), bits, psnr(crop.rgb, rgb))


def luma_plane(rgb: RGB) -> Plane:
    """The luma of a picture, rounded to bytes."""
    return np.rint(luma(rgb)).astype(np.uint8)


def cut(covers: Mapping[str, Path], *, side: int = 512, crops: int = 1) -> Iterator[Crop]:
    """``crops`` of each picture, at places that depend only on its name. Smaller pictures are left out.

    Raises:
        BadImage: a cover cannot be read.
    """
    for source, path in covers.items():
        rgb = read_image(path).rgb
        for number in range(crops if min(rgb.shape[:2]) >= side else 0):
            seed = crc32(f"{source}.{number}".encode())
            random = np.random.default_rng(seed)
            y, x = (int(random.integers(length - side + 1)) for length in rgb.shape[:2])
            yield Crop(source, np.ascontiguousarray(rgb[y : y + side, x : x + side]), seed)


def sender_on(cover: Picture, setting: Setting) -> Sender:
    """A sender with the usual code that changes no more than the message needs, and tries no attack.

    The rehearsal decides what survives, not what can be detected; without it, a small message is never refused.

    Raises:
        BadSpec, NotTrained: see :attr:`Setting.sender`.
    """
    carrier = setting.sender
    code = setting.code or _CODES.get((carrier.name, setting.strength))
    if not code:
        raise BadSpec(f"carrier {setting.carrier} has no strength {setting.strength}")
    untried = replace(carrier, strength=replace(carrier.strength, attacks=()))  # type: ignore[type-var]
    return Sender(cover, untried, code, True, rehearsal=Rehearsal(carrier.body_slots(cover.rgb.shape), ()))


def embed(cover: RGB, setting: Setting, seed: int = 0) -> tuple[RGB, int]:
    """A stego picture with random bytes as its message, and the number of bits.

    Raises:
        BadSpec, NotTrained: see :attr:`Setting.sender`. CapacityExceeded: the cover cannot hold any message.
    """
    sender = sender_on(Picture(cover), setting)
    if not (slots := sender.rehearsal.slots):
        raise CapacityExceeded(f"not even a header fits into {cover.shape[1]} x {cover.shape[0]} pixels")
    message = np.random.default_rng(seed).bytes(round(setting.payload * sender.capacity()))
    if setting.payload and setting.share == 1:
        return sender.send(message, KEY, salt=SALT).picture.rgb, 8 * len(message)
    carrier = keyed(sender.carrier)
    nonce, scheme = seed % frame.NONCES, ecc.SCHEMES.index(ecc.code("ldpc"))
    header = Header(envelope.OVERHEAD + len(message), scheme, nonce=nonce, weights=carrier.weights_identity)
    bits, used = np.zeros(slots, np.uint8), np.zeros(slots, bool)
    if setting.payload:
        body = envelope.seal(message, as_provider(KEY), bytes(header), salt=SALT)
        bits, used = frame.pack(body, header, slots, carrier.keystream)
    word, share = header.code_word(carrier.keystream), {"share": setting.share} if setting.share < 1 else {}
    return carrier.embed(cover, word, bits, used, **share), 8 * len(message)


def keyed(carrier: Carrier) -> Carrier:
    """The carrier as it hides with :data:`KEY`."""
    return carrier.keyed(keystream_of(as_provider(KEY)))


def held_out(train: Sequence[str], test: Sequence[str]) -> None:
    """Assert that no picture is the source of crops on both sides.

    Raises:
        BadData: a picture is.
    """
    if both := sorted(set(train) & set(test)):
        raise BadData(f"{both[0]} is used for both training and testing: split by source, not by crop")
