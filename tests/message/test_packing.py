"""stegolab.message.packing: what is packed can be unpacked, and has the stated size."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import Truncated
from stegolab.message.packing import join_bits, join_packets, read_varint, split_bits, split_packets, varint

packets = st.lists(st.binary(min_size=1, max_size=300), max_size=8)


@given(packets)
def test_packets_come_apart_again(stream):
    assert split_packets(join_packets(stream)) == stream


@pytest.mark.parametrize("size", [1, 2, 223, 224, 479, 480, 8_415])
def test_packets_of_every_length_class_come_apart_again(size):
    stream = [b"\x07" * size, b"\x07", b"\x08" * size]
    assert split_packets(join_packets(stream)) == stream


def test_a_packet_costs_its_length_and_the_first_byte_travels_once():
    assert join_packets([b"\x58ab", b"\x58", b"\x18c"]) == b"\0\x58\3ab\1\0\x18\2c"
    assert len(join_packets([b"\x58" * 223] * 10)) == 2 + 10 * 223
    assert len(join_packets([b"\x58" * 224] * 10)) == 2 + 10 * 225


def test_a_packet_beyond_the_longest_is_refused():
    with pytest.raises(ValueError):
        join_packets([bytes(8_416)])


@given(packets.filter(bool), st.data())
def test_a_cut_body_never_gives_all_packets(stream, data):
    body = join_packets(stream)
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    with contextlib.suppress(Truncated):
        assert split_packets(cut) == stream[: len(split_packets(cut))] != stream


@given(st.binary(max_size=60))
def test_arbitrary_bodies_give_packets_or_truncated(body):
    with contextlib.suppress(Truncated):
        assert all(split_packets(body))


@given(bits=st.integers(1, 70), n_frames=st.integers(1, 9), seed=st.integers(0, 99))
def test_frames_of_any_number_of_bits_come_apart_again_without_a_gap(bits, n_frames, seed):
    rows = np.random.default_rng(seed).integers(0, 2, (n_frames, bits), np.uint8)
    frames = [row.tobytes() for row in np.packbits(rows, axis=1)]
    body = join_bits(frames, bits)
    assert len(body) == -(-bits * n_frames // 8)
    assert split_bits(body, bits, n_frames) == frames
    for wrong in (body[:-1], body + b"\0"):
        with pytest.raises(Truncated):
            split_bits(wrong, bits, n_frames)


@given(st.integers(0, 2**35 - 1), st.binary(max_size=5))
def test_varints_are_read_back_with_what_follows(value, rest):
    assert read_varint(varint(value) + rest) == (value, rest)
    assert len(varint(value)) == max(1, -(-value.bit_length() // 7))


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xff" * 5 + b"\0"])
def test_endless_varints_are_refused(body):
    with pytest.raises(Truncated):
        read_varint(body)
