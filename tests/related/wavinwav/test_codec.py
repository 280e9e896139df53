"""Speech in speech through real files, beside the classical way, and the weights that ship."""

import numpy as np
import pytest
import torch

from stegolab.audio import RATE, Speech, from_pcm16, to_pcm16
from stegolab.errors import BadAudio, BadKey, CapacityExceeded
from stegolab.related.levels import LEVEL
from stegolab.related.wavinwav import lsb
from stegolab.related.wavinwav.codec import hide, prepare, reveal
from stegolab.related.wavinwav.data import at_level
from stegolab.related.wavinwav.network import shipped
from stegolab.related.wavinwav.scrambling import FRAME
from tests.related.wavinwav.small import KEY, NONCE, clips, disturbed, network, sent, snr


def test_speech_comes_out_of_the_file_that_it_went_into(tmp_path):
    secret, cover, _ = clips()
    stego = hide(cover, secret, network(), KEY, NONCE)
    received = sent(stego, tmp_path)
    np.testing.assert_array_equal(received.samples, stego.samples)  # it was made for 16 bits
    heard = reveal(received, network(), KEY, NONCE)
    assert snr(stego, cover) > 12
    assert snr(heard, secret) > 12
    for key, nonce in ((bytes(32), NONCE), (KEY, b"two"), (None, b"")):
        assert snr(reveal(received, network(), key, nonce), secret) < 0


def test_a_stego_is_as_long_as_its_cover_in_whole_frames():
    cover, secret = (Speech(clip.samples[:n], RATE) for clip, n in zip(clips(), (20_001, 9_000), strict=False))
    stego = hide(cover, secret, network())
    assert len(stego.samples) == 20_224 == 79 * FRAME
    assert len(reveal(stego, network()).samples) == 20_224
    assert stego.rate == RATE


def test_the_level_does_not_travel():
    secret, cover, _ = clips()
    quiet = Speech(0.1 * secret.samples, RATE)
    np.testing.assert_allclose(hide(cover, quiet, network()).samples, hide(cover, secret, network()).samples, atol=1e-4)
    assert np.sqrt(np.mean(at_level(quiet.samples) ** 2)) == pytest.approx(LEVEL, rel=1e-3)
    assert not at_level(np.zeros(9, np.float32)).any()


def test_it_says_what_is_wrong():
    secret, cover, _ = clips()
    short = Speech(cover.samples[:9000], RATE)
    with pytest.raises(CapacityExceeded, match="choose a cover as long"):
        hide(short, secret, network())
    with pytest.raises(BadAudio, match="8000 Hz"):
        hide(Speech(cover.samples, 8000), Speech(secret.samples[:9000], 8000), network())
    with pytest.raises(BadAudio, match="silent"):
        hide(Speech(np.zeros(9000, np.float32), RATE), Speech(secret.samples[:9000], RATE), network())
    with pytest.raises(BadAudio, match="whole frames"):
        reveal(Speech(cover.samples[:9001], RATE), network())
    for run in (lambda: hide(cover, cover, network(), b"short"), lambda: reveal(short, network(), b"short")):
        with pytest.raises((BadKey, BadAudio)):
            run()
    with pytest.raises(BadKey, match="32 bytes"):
        reveal(Speech(cover.samples[: 30 * FRAME], RATE), network(), b"short")


def test_both_are_good_on_an_untouched_file_and_under_noise_the_network_is_ahead():
    secret, cover, _ = clips()
    length = len(secret.samples) // FRAME * FRAME
    cover, secret = (Speech(at_level(clip.samples[:length]), RATE) for clip in (cover, secret))
    learned = hide(cover, secret, network())
    classical = from_pcm16(lsb.hide(to_pcm16(cover), to_pcm16(secret)), RATE)

    def both(change):
        from_bits = from_pcm16(lsb.reveal(to_pcm16(change(classical))), RATE)
        return snr(reveal(change(learned), network()), secret), snr(from_bits, secret)

    ours, theirs = both(lambda stego: stego)
    assert min(ours, theirs) > 20
    for db in (50, 40, 30):
        ours, theirs = both(lambda stego, db=db: disturbed(stego, db))
        assert ours > theirs + 3


def test_the_inverse_of_the_weights_that_ship_is_exact_in_single_precision():
    branches = torch.cat([prepare(Speech(clip.samples[:70_000], RATE)) for clip in clips()[:2]])[:, None]
    with torch.no_grad():
        back = torch.stack(network().inverse(*network()(*branches)))
    assert (back - branches).abs().max() < 1e-5


def test_the_weights_that_ship_are_small():
    count = sum(p.numel() for p in network().parameters())
    assert 100_000 < count < 1_000_000
    assert network() is not shipped()  # nobody else's copy
