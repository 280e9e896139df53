"""What the sender and the receiver require of a carrier: the lattice, the learned and the textured one implement it."""

from __future__ import annotations

from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..header import HEADER_CODE_BITS
from ..images import luma
from ..keystream import Keystream
from .strengths import Strength
from .sync.geometry import resized
from .sync.registration import Aligned

__all__ = ["DETECTED", "HEADER_CODE_BITS", "Carrier", "EverySlotCarries", "Reading", "ReadsPlanes"]

DETECTED = 3.5  # detection score from which decoding a header is tried, for most carriers; its checksum decides


class Reading(Protocol):
    """A received picture as one carrier reads it, assuming one geometry."""

    @property
    def shape(self) -> tuple[int, int]:
        """The assumed height and width of the original, in pixels."""
        ...

    @property
    def detection_score(self) -> float:
        """How clearly a header is present, in standard deviations of what chance gives.

        Fast for pictures of any size, because only the blocks of the header are read.
        """
        ...

    @property
    def header_llr(self) -> NDArray[np.float32]:
        """(HEADER_CODE_BITS,) log p(1)/p(0), up to a positive factor: no channel estimate exists yet."""
        ...

    def body_llr(self, header: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(body slots,) calibrated log p(1)/p(0), the header's code word serving as pilots; 0 where nothing arrived."""
        ...


class Carrier(Protocol):
    """Bits <-> image for one strength. Pictures are uint8 RGB (height, width, 3)."""

    @property
    def keystream(self) -> Keystream:
        """What decides where everything stands, and what it looks like."""
        ...

    @property
    def weights_identity(self) -> int:
        """Which networks this is, 8 bits of the digest of their weights; 0 without networks."""
        ...

    def keyed(self, keystream: Keystream) -> Carrier:
        """The same carrier with another keystream."""
        ...

    @property
    def name(self) -> str:
        """The name of the carrier in reports."""
        ...

    @property
    def strength(self) -> Strength:
        """The strength, which says what it promises to survive."""
        ...

    @property
    def detected(self) -> float:
        """The detection score from which decoding a header is tried; its checksum decides."""
        ...

    @property
    def detection_spread(self) -> float:
        """The standard deviation of the detection score from one embedding to the next."""
        ...

    def carrying(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(rows, columns) the share, 0 to 1, of the slots of each block of a cover (H, W, 3) that can carry."""
        ...

    def body_slots(self, shape: tuple[int, ...]) -> int:
        """How many code bits the body of a picture of this shape holds; 0 if not even the header fits."""
        ...

    def embed(
        self,
        rgb: NDArray[np.uint8],
        header: NDArray[np.uint8],
        body: NDArray[np.uint8],
        used: NDArray[np.bool_],
        share: float = 1.0,
    ) -> NDArray[np.uint8]:
        """The stego picture (H, W, 3) that carries ``header`` and ``body``.

        Args:
            rgb: (H, W, 3) the cover.
            header: (HEADER_CODE_BITS,) its code word, 0 or 1.
            body: (body slots,) code bits, 0 or 1.
            used: (body slots,) which of them carry; the others stay as they are.
            share: of the blocks, 0 to 1; apart from the template, only the busiest ones up to this share change
            (``texture``).
        """
        ...

    def read(self, rgb: NDArray[np.uint8], shape: tuple[int, ...]) -> Reading:
        """Read a received picture, assuming that the original had ``shape`` (height, width)."""
        ...

    def read_luma(self, plane: NDArray[np.float32]) -> Reading:
        """Like :meth:`read`, for a luma plane (H, W) of the original's size, which may be a rotated view."""
        ...

    def read_aligned(self, aligned: Aligned) -> Reading:
        """Read a received picture that ``sync`` has aligned with the original; only for ``rescaled`` strengths."""
        ...


class EverySlotCarries:
    """What is the same for all carriers that use the whole picture; to be inherited from."""

    strength: Strength
    detected: ClassVar[float] = DETECTED
    detection_spread: ClassVar[float] = 1.25

    @property
    def weights_identity(self) -> int:
        """See :class:`Carrier`: no networks."""
        return 0

    def carrying(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`Carrier`: ones."""
        return np.ones((rgb.shape[0] // self.strength.block, rgb.shape[1] // self.strength.block), np.float32)


R = TypeVar("R", bound=Reading)


class ReadsPlanes(Generic[R]):
    """The three ways to read a picture, for carriers that read a luma plane of the original's size; to be inherited."""

    def read(self, rgb: NDArray[np.uint8], shape: tuple[int, ...]) -> R:
        """See :class:`Carrier`. A picture of another size is resized back (bicubic) in floating point."""
        return self._reading(resized(luma(rgb), shape), shape, None)

    def read_luma(self, plane: NDArray[np.float32]) -> R:
        """See :class:`Carrier`."""
        return self._reading(plane, plane.shape, None)

    def read_aligned(self, aligned: Aligned) -> R:
        """See :class:`Carrier`."""
        return self._reading(aligned.plane, aligned.shape, aligned.seen)

    def _reading(self, plane: NDArray[np.float32], shape: tuple[int, ...], received: NDArray[np.bool_] | None) -> R:
        """What is read from a plane (H, W) of an original of ``shape``, of which some blocks were ``received``."""
        raise NotImplementedError
