"""stegolab.message.codecs: a message decodes to as much speech as went in, without delay, and has the stated size.

``messages.json`` holds a short message of every codec, which every build of FFmpeg must decode.
``python -m tests.message.test_codecs`` regenerates it, where all codecs can be encoded.
"""

import base64
import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab import audio
from stegolab.audio import Speech
from stegolab.errors import BadAudio, BadSpec, CapacityExceeded, StegolabError, Truncated, UnsupportedVersion
from stegolab.message import codecs
from stegolab.message.vocoders import AMR_NB, FixedFrames, amr_can_be_encoded

from ..voice import speak

# The number of each codec in the format is its place here. A new codec is added at the end, whatever its family.
NUMBERS = (
    *("flac", "opus"),
    *("amrnb:12200", "amrnb:10200", "amrnb:7950", "amrnb:7400", "amrnb:6700", "amrnb:5900", "amrnb:5150", "amrnb:4750"),
    *("codec2:3200", "codec2:2400", "codec2:1600", "codec2:1400", "codec2:1300", "codec2:1200", "codec2:700"),
)
FIXED = {name: c for name, c in codecs._CODERS.items() if isinstance(c, FixedFrames) and name in codecs.ladder()}
WAVEFORM = [name for name in codecs.ladder() if not name.startswith("codec2")]
ONE_OF_EACH = [name for name in ("flac", "opus:8000", "amrnb:4750", "codec2:1300") if name in codecs.ladder()]
AMR = [f"amrnb:{rate}" for rate in AMR_NB]
STORED = Path(__file__).parent / "messages.json"
STORED_SPEECH = speak(0.25)


def lag(reference: np.ndarray, signal: np.ndarray, reach: int = 400) -> int:
    """Samples by which ``signal`` comes later than ``reference``: the peak of their cross-correlation."""
    size = 2 * len(reference)
    spectrum = np.fft.rfft(signal, size) * np.conj(np.fft.rfft(reference, size))
    lags = np.arange(-reach, reach + 1)
    return int(lags[np.argmax(np.fft.irfft(spectrum, size)[lags])])


def loudness(speech: Speech) -> np.ndarray:
    """Log envelope over 10 ms windows, mean removed."""
    window = np.hanning(160)
    envelope = np.log(np.convolve(np.abs(speech.samples), window / window.sum(), "same") + 1e-3)
    return envelope - envelope.mean()


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak(3.0)


@pytest.fixture(scope="module")
def messages(speech) -> dict[str, bytes]:
    return {name: codecs.encode(speech, name) for name in codecs.ladder()}


@pytest.fixture(scope="module")
def stored() -> dict[str, bytes]:
    return {name: base64.b64decode(text) for name, text in json.loads(STORED.read_text()).items()}


def test_the_ladder_holds_every_codec_once():
    assert len(set(codecs.LADDER)) == len(codecs.LADDER)
    assert {rung for rung in codecs.LADDER if not rung.startswith("opus:")} == set(codecs._CODERS)


def test_the_numbers_of_codecs_never_change():
    """Old pictures hold them: a codec that is inserted, or a family that grows in the middle, fails here."""
    assert codecs._NUMBERED == NUMBERS
    assert set(NUMBERS) == {"opus", *codecs._CODERS}


def test_every_stored_message_decodes_to_its_samples_wherever_it_was_encoded(stored):
    assert tuple(stored) == codecs.LADDER
    for name, message in stored.items():
        assert codecs.name_of(message) == name
        assert codecs.decode(message).samples.shape == (4_000,), name


@pytest.mark.parametrize("name", [name for name in codecs.LADDER if not name.startswith("codec2")])
def test_every_stored_message_of_a_waveform_is_in_step_with_the_speech_it_was_made_from(stored, name):
    assert abs(lag(STORED_SPEECH.samples, codecs.decode(stored[name]).samples)) <= 3  # samples: 0.2 ms


@pytest.mark.parametrize("name", codecs.LADDER)
def test_a_stored_message_that_is_cut_or_grown_is_truncated(stored, name):
    for damaged in (stored[name][:-1], stored[name][: len(stored[name]) // 2], stored[name] + b"\x01"):
        with pytest.raises(Truncated):
            codecs.decode(damaged)


@given(data=st.data(), name=st.sampled_from(AMR))
def test_damaged_amr_gives_speech_of_the_declared_length_or_a_declared_error(stored, data, name):
    damaged = bytearray(stored[name])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(3, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(StegolabError):
        back = codecs.decode(bytes(damaged))
        assert back.samples.shape == (4_000,) and np.abs(back.samples).max() <= 1


def test_the_ladder_here_is_what_can_be_encoded_here(speech):
    for name in codecs.LADDER:
        if name in codecs.ladder():
            assert codecs.name_of(codecs.encode(speech, name)) == name
        else:
            with pytest.raises(BadSpec, match=name):
                codecs.encode(speech, name)
    left_out = set(codecs.LADDER) - set(codecs.ladder())
    assert left_out == (set() if amr_can_be_encoded() else set(AMR))


def test_without_an_encoder_amr_leaves_the_ladder_and_can_still_be_decoded(monkeypatch, speech, stored):
    monkeypatch.setattr(codecs, "amr_can_be_encoded", lambda: False)
    assert codecs.ladder() == tuple(rung for rung in codecs.LADDER if rung not in AMR)
    room = len(codecs.encode(speech, "opus:6000")) - 1  # AMR-NB at 5900 bit/s would fit
    assert codecs.choose(speech, room)[0] == "codec2:3200"
    for refuse in (lambda: codecs.encode(speech, "amrnb:7950"), lambda: codecs.choose(speech, 9, "amrnb:7950")):
        with pytest.raises(BadSpec, match=r"no encoder for amrnb:7950: .* choose opus:6000"):
            refuse()
    assert codecs.decode(stored["amrnb:7950"]).samples.shape == (4_000,)


def test_flac_is_lossless_to_the_bit(messages, speech):
    np.testing.assert_array_equal(audio.to_pcm16(codecs.decode(messages["flac"])), audio.to_pcm16(speech))


@given(st.binary(min_size=640, max_size=5_000), st.integers(0, 2**32 - 1))
def test_flac_is_lossless_on_arbitrary_samples(content, seed):
    noise = np.random.default_rng(seed).integers(-32_768, 32_768, 400).astype(np.int16)
    pcm = np.append(np.frombuffer(content[: len(content) // 2 * 2], np.int16), noise)
    back = codecs.decode(codecs.encode(audio.from_pcm16(pcm, 16_000), "flac"))
    np.testing.assert_array_equal(audio.to_pcm16(back), pcm)


@pytest.mark.parametrize("name", codecs.ladder())
@settings(max_examples=5)
@given(n=st.integers(320, 6_000))
def test_as_many_samples_come_out_as_went_in(name, n):
    speech = Speech(speak(6_000 / 16_000).samples[-n:], 16_000)
    message = codecs.encode(speech, name)
    back = codecs.decode(message)
    assert back.rate == 16_000 and back.samples.shape == (n,) and back.samples.dtype == np.float32
    assert np.abs(back.samples).max() <= 1
    assert codecs.name_of(message) == name


@pytest.mark.parametrize("name", ONE_OF_EACH)
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_speech_of_another_rate_lasts_as_long(name, rate):
    back = codecs.decode(codecs.encode(speak(0.51, rate), name))
    assert (back.rate, len(back.samples)) == (16_000, 8_160)


@pytest.mark.parametrize("name", WAVEFORM)
def test_waveform_codecs_come_back_in_step(messages, speech, name):
    assert abs(lag(speech.samples, codecs.decode(messages[name]).samples)) <= 3  # samples: 0.2 ms


@pytest.mark.parametrize("name", [name for name in codecs.LADDER if name.startswith("codec2")])
def test_vocoders_come_back_in_step_by_their_loudness(messages, speech, name):
    assert abs(lag(loudness(speech), loudness(codecs.decode(messages[name])))) <= 48  # samples: 3 ms


def test_more_bits_come_closer(messages, speech):
    def error(name: str) -> float:
        return float(np.square(codecs.decode(messages[name]).samples - speech.samples).mean())

    assert error("flac") < error("opus:24000") < error("opus:12000") < error("opus:6000")


@pytest.mark.parametrize("name", FIXED)
def test_fixed_frames_cost_their_bits_and_four_bytes(messages, name):
    coder = FIXED[name]
    n_frames = -(-(3 * 8_000 + coder.lead) // coder.frame)
    assert len(messages[name]) == 4 + -(-n_frames * coder.bits // 8)
    assert coder.bits / coder.frame * 8_000 == pytest.approx(coder.bit_rate, abs=1)


@pytest.mark.parametrize("bit_rate", [6_000, 8_000, 12_000, 16_000, 24_000])
def test_opus_stays_within_its_rate(messages, bit_rate):
    assert 0.7 * bit_rate * 3 / 8 < len(messages[f"opus:{bit_rate}"]) < 1.03 * bit_rate * 3 / 8 + 8


@pytest.mark.parametrize("bit_rate", [6_000, 9_999, 16_384, 24_000])
def test_opus_takes_any_rate_and_tells_it(bit_rate):
    assert codecs.name_of(codecs.encode(speak(0.1), f"opus:{bit_rate}")) == f"opus:{bit_rate}"


@pytest.mark.parametrize(
    "name", ["", "mp3", "opus", "opus:5999", "opus:24001", "opus:8k", "amrnb:4751", "codec2:450", "flac:1"]
)
def test_unknown_codecs_are_refused_by_name(name):
    for call in (lambda: codecs.encode(speak(0.1), name), lambda: codecs.seconds_that_fit(name, 9)):
        with pytest.raises(BadSpec, match=repr(name)):
            call()


def test_unusable_speech_is_refused():
    for call in (codecs.encode, lambda speech, name: codecs.choose(speech, 9)):
        with pytest.raises(BadAudio, match="silent"):
            call(Speech(np.zeros(1_600, np.float32), 16_000), "flac")


def test_the_first_bytes_of_messages_never_change(messages, stored):
    assert messages["flac"].startswith(bytes([0]) + b"\x80\xf7\x02")  # 48,000 samples
    assert messages["opus:8000"].startswith(bytes([1]) + b"\xc0\x3e" + b"\x80\xf7\x02")  # at 8000 bit/s
    for number, name in enumerate(NUMBERS):
        if name != "opus":
            assert stored[name].startswith(bytes([number]) + b"\xa0\x1f")  # 4,000 samples
            assert messages.get(name, bytes([number]))[0] == number


@pytest.mark.parametrize("name", codecs.ladder())
def test_a_message_that_is_cut_or_grown_is_truncated(messages, name):
    message = messages[name]
    for size in (0, 1, 2, 4, 8, len(message) // 2, len(message) - 1):
        with pytest.raises(Truncated):
            codecs.decode(message[:size])
    with pytest.raises(Truncated):
        codecs.decode(message + b"\x01")


@pytest.mark.parametrize("count", [0, 47_999 - 2_000, 48_000 + 2_000, 16_000 * 3_600, 2**35 - 1])
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_declared_length_that_the_frames_do_not_hold_is_truncated(messages, name, count):
    message = messages[name]
    start = 3 if name.startswith("opus") else 1
    with pytest.raises(Truncated):
        codecs.decode(message[:start] + codecs.varint(count) + message[start + 3 :])


def test_a_codec_of_a_later_version_is_named_as_such():
    with pytest.raises(UnsupportedVersion, match="200"):
        codecs.decode(b"\xc8\x01\x02\x03")


@settings(max_examples=200)
@given(number=st.integers(0, len(NUMBERS)), body=st.binary(max_size=400))
def test_arbitrary_messages_give_speech_or_a_declared_error(number, body):
    with contextlib.suppress(StegolabError):
        back = codecs.decode(bytes([number]) + body)
        assert back.samples.dtype == np.float32 and np.isfinite(back.samples).all()


@settings(max_examples=100)
@given(data=st.data(), name=st.sampled_from(["flac", "opus:12000", "opus:6000", "codec2:700"]))
def test_damaged_messages_give_speech_of_the_declared_length_or_a_declared_error(messages, data, name):
    damaged = bytearray(messages[name])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(6, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(StegolabError):
        back = codecs.decode(bytes(damaged))
        assert back.samples.shape == (48_000,) and np.abs(back.samples).max() <= 1


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("n_bytes", [100, 301])
def test_the_seconds_that_fit_do_fit_and_not_a_frame_more(name, n_bytes):
    coder = FIXED[name]
    long = speak(4.0)
    fits = round(16_000 * codecs.seconds_that_fit(name, n_bytes))
    assert len(codecs.encode(Speech(long.samples[:fits], 16_000), name)) <= n_bytes
    more = fits + 2 * 2 * coder.frame  # two frames at 16 kHz: one byte of slack may hold a part of one
    assert len(codecs.encode(Speech(long.samples[:more], 16_000), name)) > n_bytes


@pytest.mark.parametrize("name", codecs.LADDER)
def test_the_seconds_that_fit_grow_with_the_room_from_zero(name):
    seconds = [codecs.seconds_that_fit(name, n_bytes) for n_bytes in (0, 5, 200, 400, 10**6)]
    assert seconds[0] == seconds[1] == 0 and seconds[2] < seconds[3] < seconds[4]


def test_auto_takes_the_best_rung_that_fits(speech, messages):
    for room in {len(message) + off for message in messages.values() for off in (0, -1)}:
        fitting = [name for name in codecs.ladder() if len(messages[name]) <= room]
        if fitting:
            assert codecs.choose(speech, room) == (fitting[0], messages[fitting[0]])
        else:
            with pytest.raises(CapacityExceeded, match=r"3\.0 s .* 2\.9 s fit as codec2:700"):
                codecs.choose(speech, room)


def test_a_fixed_codec_is_kept_or_refused(speech, messages):
    message = messages["opus:8000"]
    assert codecs.choose(speech, len(message), "opus:8000") == ("opus:8000", message)
    with pytest.raises(CapacityExceeded, match=r"3\.0 s .* 2\.9 s fit as opus:8000"):
        codecs.choose(speech, len(message) - 1, "opus:8000")


def test_rungs_that_cannot_fit_are_not_encoded(monkeypatch):
    tried, encode = [], codecs.encode

    def noted(speech: Speech, name: str) -> bytes:
        tried.append(name)
        return encode(speech, name)

    monkeypatch.setattr(codecs, "encode", noted)
    assert codecs.choose(speak(3.0), 400)[0] == "codec2:700"
    assert tried == ["codec2:700"]


if __name__ == "__main__":
    short = {name: base64.b64encode(codecs.encode(STORED_SPEECH, name)).decode() for name in codecs.LADDER}
    STORED.write_text(json.dumps(short, indent=1) + "\n")
