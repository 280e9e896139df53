"""Speech in speech through real files; noise as it is described; bits that come back whole or not at all."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stegolab.audio import RATE, Speech, from_pcm16, read_audio, to_pcm16, write_wav
from stegolab.data import sample_speech
from stegolab.errors import AuthenticationFailed, BadAudio, BadKey, BadSpec, CapacityExceeded, Uncorrectable
from stegolab.message.keys import RawKey
from stegolab.related.levels import LEVEL
from stegolab.related.wavinwav import bits, lsb, noise
from stegolab.related.wavinwav.codec import hide, prepare, reveal
from stegolab.related.wavinwav.data import at_level
from stegolab.related.wavinwav.losses import snr_db
from stegolab.related.wavinwav.network import shipped
from stegolab.related.wavinwav.scrambling import FRAME

KEY, NONCE = bytes(range(32)), b"one"


@cache
def clips():
    return [read_audio(path) for path in sample_speech().values()]


@cache
def network():
    return shipped()


def snr(estimate, speech):
    reference = prepare(speech, len(estimate.samples))
    return float(snr_db(torch.from_numpy(estimate.samples)[None], reference))


def sent(speech, tmp_path):
    """Through a real file."""
    write_wav(tmp_path / "stego.wav", speech)
    return read_audio(tmp_path / "stego.wav")


def disturbed(speech, db):
    random = np.random.default_rng(0)
    added = random.normal(0, np.std(speech.samples) * 10 ** (-db / 20), len(speech.samples))
    return from_pcm16(to_pcm16(Speech((speech.samples + added).astype(np.float32), RATE)), RATE)


# --- speech in speech --------------------------------------------------------------------------------------------


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


# --- the classical way -------------------------------------------------------------------------------------------


@given(st.integers(1, 12), st.integers(0, 2**31))
def test_bits_of_the_secret_come_back_exactly(count, seed):
    random = np.random.default_rng(seed)
    cover, secret = random.integers(-(2**15), 2**15, (2, 100), dtype=np.int16)
    stego = lsb.hide(cover, secret, count)
    assert stego.dtype == np.int16
    np.testing.assert_array_equal(stego >> count, cover >> count)
    np.testing.assert_array_equal(lsb.reveal(stego, count) >> (16 - count), secret >> (16 - count))
    assert np.abs(lsb.reveal(stego, count) - secret.astype(int)).max() <= 1 << (15 - count)


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


# --- the noise layer ---------------------------------------------------------------------------------------------


def waves(seed=0):
    return LEVEL * torch.randn(2, 4096, generator=torch.Generator().manual_seed(seed))


def test_sixteen_bits_are_those_of_a_file():
    waveform = 5 * waves()[:1] / LEVEL
    wanted = from_pcm16(to_pcm16(Speech(waveform[0].numpy(), RATE)), RATE)
    np.testing.assert_array_equal(noise.requantise(waveform)[0].numpy(), wanted.samples)


@pytest.mark.parametrize("kind", noise.DISTURBANCES)
def test_a_disturbance_is_as_strong_as_it_says_and_lets_a_gradient_through(kind):
    disturbance, strengths = noise.DISTURBANCES[kind]
    found = []
    for strength in (strengths[0], strengths[-1]):
        waveform = waves().requires_grad_()
        after = disturbance(waveform, strength, torch.Generator().manual_seed(1))
        assert after.shape == waveform.shape
        after.square().sum().backward()
        assert (waveform.grad != 0).float().mean() > 0.9
        found.append(float(snr_db(after, waveform).mean().detach()))
    assert found[0] > found[1]
    if kind in ("gaussian", "speckle"):
        assert found == pytest.approx([strengths[0], strengths[-1]], abs=0.5)


def test_the_layer_draws_from_its_generator_only_and_always_rounds():
    layer = noise.NoiseLayer(0.5)
    drawn = [[layer(waves(), np.random.default_rng(seed)) for seed in range(12)] for _ in range(2)]
    assert all(torch.equal(one, other) for one, other in zip(*drawn, strict=True))
    assert all(torch.equal(noise.requantise(x), x) for x in drawn[0])
    untouched = sum(torch.equal(x, noise.requantise(waves())) for x in drawn[0])
    assert 0 < untouched < 12
    assert torch.equal(noise.NoiseLayer(0.0)(waves(), np.random.default_rng(0)), noise.requantise(waves()))
    with pytest.raises(BadSpec, match="thunder"):
        noise.NoiseLayer(1.0, ("thunder",))


# --- the strong mode ---------------------------------------------------------------------------------------------


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


def test_the_inverse_of_the_weights_that_ship_is_exact_in_single_precision():
    branches = torch.cat([prepare(Speech(clip.samples[:70_000], RATE)) for clip in clips()[:2]])[:, None]
    with torch.no_grad():
        back = torch.stack(network().inverse(*network()(*branches)))
    assert (back - branches).abs().max() < 1e-5


def test_the_weights_that_ship_are_small():
    count = sum(p.numel() for p in network().parameters())
    assert 100_000 < count < 1_000_000
    assert network() is not shipped()  # nobody else's copy
