"""A picture sent as sound comes back byte for byte; sealed, it looks like noise and opens to its key alone."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from stegolab.audio import FULL_SCALE, RATE, Speech, to_pcm16
from stegolab.data import sample_covers
from stegolab.errors import AuthenticationFailed, BadAudio, BadImage, BadKey, StegolabError, Truncated
from stegolab.related.hide_reveal import sound

KEY, OTHER, SALT = bytes(range(32)), bytes(range(1, 33)), bytes(16)
ROUTES = pytest.mark.parametrize("key", [None, KEY], ids=["open", "sealed"])


def picture(rows=48, columns=61):
    """A picture of odd width, so that BMP pads its rows."""
    return np.ascontiguousarray(sample_covers()["chelsea"][100 : 100 + rows, 120 : 120 + columns])


# --- there and back ----------------------------------------------------------------------------------------------


@ROUTES
def test_a_picture_comes_back_from_a_wav_file_byte_for_byte(key, tmp_path):
    for rgb in (picture(), picture(16, 16), picture(50, 62), np.zeros((20, 20, 3), np.uint8)):
        sound.send(tmp_path / "picture.wav", rgb, key)
        assert np.array_equal(sound.receive(tmp_path / "picture.wav", key), rgb)


@ROUTES
def test_the_file_is_16_bit_mono_pcm_of_the_length_that_the_bytes_need(key, tmp_path):
    sound.send(tmp_path / "picture.wav", picture(), key)
    info = soundfile.info(tmp_path / "picture.wav")
    assert (info.subtype, info.channels, info.samplerate) == ("PCM_16", 1, RATE)
    size = len(sound.to_bmp(picture()))
    assert info.frames == (size if key is None else (size + 32) // 2 + 1)


@given(st.binary(max_size=300))
def test_bytes_of_any_length_and_kind_come_back(data):
    for ending in (b"", b"\0", b"\x80", b"\x80\0\0"):
        assert sound.sealed_bytes(sound.sealed_sound(data + ending, KEY), KEY) == data + ending
    assert sound.open_bytes(sound.open_sound(data)) == data


def test_open_samples_span_full_scale_and_bear_noise_that_sealed_ones_do_not():
    levels = bytes(range(256))
    speech = sound.open_sound(levels)
    assert to_pcm16(speech)[[0, 128, 255]].tolist() == [-FULL_SCALE, 0, 127 * 256]
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, 256).astype(np.float32) / np.float32(256)
    assert sound.open_bytes(Speech(speech.samples + noise, RATE)) == levels
    sealed = sound.sealed_sound(levels, KEY)
    with pytest.raises(AuthenticationFailed):
        sound.sealed_bytes(Speech(sealed.samples + np.float32(1 / FULL_SCALE), RATE), KEY)


def test_bmp_is_what_it_says():
    data = sound.to_bmp(picture())
    assert data[:2] == b"BM" and int.from_bytes(data[10:14], "little") == 54
    assert data[54:57] == bytes(picture()[-1, 0, ::-1])  # from the bottom, blue first


# --- what fails, says so -----------------------------------------------------------------------------------------


@ROUTES
def test_a_zeroed_file_is_no_picture(key, tmp_path):
    path = tmp_path / "picture.wav"
    sound.send(path, picture(), key)
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(path, np.zeros_like(samples), rate, subtype="PCM_16")
    with pytest.raises(BadAudio, match="silent"):
        sound.receive(path, key)


def test_zeros_are_no_picture_without_a_file_either():
    silence = Speech(np.zeros(9000, np.float32), RATE)
    with pytest.raises(BadImage, match="no picture"):
        sound.from_bmp(sound.open_bytes(silence))
    with pytest.raises(AuthenticationFailed):
        sound.sealed_bytes(silence, KEY)


def test_a_wrong_key_fails(tmp_path):
    sound.send(tmp_path / "picture.wav", picture(), KEY)
    with pytest.raises(AuthenticationFailed):
        sound.receive(tmp_path / "picture.wav", OTHER)
    with pytest.raises(BadImage):
        sound.receive(tmp_path / "picture.wav")  # as if it were open
    sound.send(tmp_path / "open.wav", picture())
    with pytest.raises(AuthenticationFailed):
        sound.receive(tmp_path / "open.wav", KEY)
    with pytest.raises(BadKey):
        sound.send(tmp_path / "none.wav", picture(), b"short")
    assert not (tmp_path / "none.wav").exists()


@given(st.integers(0, 10**9))
def test_every_bit_of_a_sealed_sound_counts(where):
    pcm = to_pcm16(sound.sealed_sound(b"a picture", KEY, salt=SALT))
    bits = np.unpackbits(pcm.view(np.uint8))
    bits[where % len(bits)] ^= 1
    changed = np.packbits(bits).view(np.int16)
    with pytest.raises(AuthenticationFailed):
        sound.sealed_bytes(Speech(changed.astype(np.float32) / np.float32(FULL_SCALE), RATE), KEY)


@ROUTES
def test_half_a_sound_is_refused(key):
    data = sound.to_bmp(picture())
    whole = sound.open_sound(data) if key is None else sound.sealed_sound(data, key)
    half = Speech(whole.samples[: len(whole.samples) // 2], RATE)
    with pytest.raises(StegolabError):
        sound.from_bmp(sound.open_bytes(half) if key is None else sound.sealed_bytes(half, key))
    with pytest.raises(Truncated):
        sound.sealed_bytes(Speech(whole.samples[:9], RATE), KEY)


# --- what an eavesdropper sees -----------------------------------------------------------------------------------


def test_the_open_route_leaks_the_picture_and_the_sealed_one_does_not():
    rgb = picture(150, 200)
    data = sound.to_bmp(rgb)
    heard = sound.sample_bytes(sound.sealed_sound(data, KEY, salt=SALT))
    assert sound.entropy(data) < 7.8 < 7.99 < sound.entropy(heard)
    assert abs(sound.autocorrelation(heard)[0]) < 0.02
    along = sound.autocorrelation(data, 1000)
    assert along[2] > 0.9  # the same colour of the next pixel
    assert 300 + along[299:].argmax() == 600  # the row's length, 3 x 200, from the waveform alone
    assert abs(sound.autocorrelation(heard, 1000)).max() < 0.03


def test_a_sealed_picture_is_another_sound_each_time_unless_the_salt_is_given():
    one, two = (sound.sample_bytes(sound.sealed_sound(b"same", KEY)) for _ in range(2))
    assert one != two
    one, two = (sound.sample_bytes(sound.sealed_sound(b"same", KEY, salt=SALT)) for _ in range(2))
    assert one == two


def test_entropy_is_that_of_the_histogram():
    assert sound.entropy(bytes(100)) == 0
    assert sound.entropy(bytes([1, 2] * 8)) == 1
    assert sound.entropy(bytes(range(256)) * 3) == pytest.approx(8)


@given(st.integers(0, 1000), st.integers(1, 20))
def test_autocorrelation_is_the_sum_that_defines_it(seed, lags):
    x = np.random.default_rng(seed).integers(0, 256, 57).astype(np.uint8)
    centred = x - x.mean()
    direct = [(centred[k:] * centred[:-k]).sum() / (centred**2).sum() for k in range(1, lags + 1)]
    np.testing.assert_allclose(sound.autocorrelation(x, lags), direct, atol=1e-9)
    assert sound.autocorrelation(x.tobytes(), lags) == pytest.approx(direct)


def test_correlation_of_what_does_not_vary_is_an_error():
    for constant in (bytes(10), b"", b"a"):
        with pytest.raises(BadAudio):
            sound.autocorrelation(constant)
