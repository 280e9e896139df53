"""The strong mode: sealed bytes come back exactly or not at all."""

import numpy as np
import pytest

from stegolab.errors import AuthenticationFailed, CapacityExceeded, Uncorrectable
from stegolab.message.keys import RawKey
from stegolab.related.wavinwav import bits
from stegolab.related.wavinwav.codec import prepare
from stegolab.related.wavinwav.scrambling import FRAME
from tests.related.wavinwav.small import KEY, clips, disturbed, network, sent, snr


def test_sealed_bytes_come_back_exactly_through_file_and_noise(tmp_path):
    cover = clips()[0]
    message = bytes(range(256)) * 2
    stego = bits.hide(cover, message, network(), RawKey(KEY))
    assert bits.reveal(sent(stego, tmp_path), network(), RawKey(KEY)) == message
    assert bits.reveal(disturbed(stego, 35), network(), RawKey(KEY)) == message
    assert snr(stego, cover) > 10
    with pytest.raises(AuthenticationFailed):
        bits.reveal(stego, network(), RawKey(bytes(32)))


def test_a_salt_that_is_given_gives_the_same_sound_again():
    one, same, other, fresh = (
        bits.hide(clips()[0], b"x", network(), RawKey(KEY), salt=salt).samples
        for salt in (bytes(16), bytes(16), b"\1" * 16, None)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other) and not np.array_equal(one, fresh)


def test_bits_that_do_not_fit_or_do_not_arrive_are_refused():
    cover = clips()[0]
    room = bits.capacity(len(prepare(cover).T))
    assert room == pytest.approx(250 * cover.seconds - 36, abs=3)
    with pytest.raises(CapacityExceeded, match=str(room)):
        bits.hide(cover, bytes(room + 1), network(), RawKey(KEY))
    with pytest.raises((Uncorrectable, AuthenticationFailed)):
        bits.reveal(cover, network(), RawKey(KEY))  # nothing in it
    with pytest.raises((Uncorrectable, AuthenticationFailed)):
        bits.reveal(disturbed(bits.hide(cover, b"x", network(), RawKey(KEY)), 0), network(), RawKey(KEY))
    assert bits.capacity(FRAME) == 0
