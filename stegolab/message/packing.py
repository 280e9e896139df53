"""Packing coded frames with almost no overhead.

The overhead of a container (Ogg, 3GP) for synchronisation, timing and seeking is a third of a speech message at 6
kbit/s. Here a packet of variable size costs one byte, its length, and a frame of constant size costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..errors import Truncated

_TWO_BYTES = 224  # lengths from here on take two bytes: up to 224 + 32 * 256 - 1


def join_packets(packets: Iterable[bytes]) -> bytes:
    """Packets of variable size, none empty, each after its length; a repeated first byte is sent once.

    Most packets of a stream begin with the same byte (Opus: the table of contents; FLAC: the sync code). So the first
    byte is left out, and is sent before a packet, after a length of zero, only when it changes.
    """
    body, first = bytearray(), b""
    for packet in packets:
        if packet[:1] != first:
            first = packet[:1]
            body += b"\0" + first
        body += _length(len(packet)) + packet[1:]
    return bytes(body)


def split_packets(body: bytes) -> list[bytes]:
    """The inverse of :func:`join_packets`.

    Raises:
        Truncated: the body ends inside a packet, or begins without a first byte.
    """
    packets, first, at = [], b"", 0
    while at < len(body):
        length, at = _read_length(body, at)
        end = at + max(length - 1, 0 if length else 1)
        if end > len(body) or (length and not first):
            raise _ends_early()
        if length:
            packets.append(first + body[at:end])
        else:
            first = body[at:end]
        at = end
    return packets


def join_bits(frames: Iterable[bytes], bits: int) -> bytes:
    """The first ``bits`` bits of every frame, without a gap between frames."""
    rows = np.array([np.frombuffer(frame, np.uint8) for frame in frames])  # (frames, ceil(bits / 8))
    return np.packbits(np.unpackbits(rows, axis=1, count=bits)).tobytes()


def split_bits(body: bytes, bits: int, n_frames: int) -> list[bytes]:
    """The inverse of :func:`join_bits`: ``n_frames`` frames, each filled up with zeros to whole bytes.

    Raises:
        Truncated: the body is not exactly as long as ``n_frames`` frames.
    """
    if len(body) != -(-n_frames * bits // 8):
        raise _ends_early()
    rows = np.unpackbits(np.frombuffer(body, np.uint8), count=n_frames * bits).reshape(n_frames, bits)
    return [row.tobytes() for row in np.packbits(rows, axis=1)]


def varint(value: int) -> bytes:
    """A non-negative integer, seven bits per byte, low bits first; the eighth bit is set in all bytes but the last."""
    low = bytearray()
    while value > 0x7F:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(low) + bytes([value])


def read_varint(body: bytes) -> tuple[int, bytes]:
    """The integer at the start of ``body``, and what follows it.

    Raises:
        Truncated: the integer does not end, or takes more than five bytes.
    """
    value = 0
    for at, byte in enumerate(body[:5]):
        value |= (byte & 0x7F) << 7 * at
        if byte < 0x80:
            return value, body[at + 1 :]
    raise _ends_early()


def _length(value: int) -> bytes:
    if value < _TWO_BYTES:
        return bytes([value])
    high, low = divmod(value - _TWO_BYTES, 256)
    return bytes([_TWO_BYTES + high, low])  # ValueError above 8415: our frames are never that long


def _read_length(body: bytes, at: int) -> tuple[int, int]:
    """The length that begins at ``at``, and where it ends."""
    if body[at] < _TWO_BYTES:
        return body[at], at + 1
    if at + 1 == len(body):
        raise _ends_early()
    return _TWO_BYTES + (body[at] - _TWO_BYTES) * 256 + body[at + 1], at + 2


def _ends_early() -> Truncated:
    return Truncated("the speech message is damaged or cut short: have it sent again")
