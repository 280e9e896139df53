import csv
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab import data
from stegolab.audio import RATE, Speech, read_audio, write_wav
from stegolab.errors import BadData, BadSpec
from stegolab.speech import mixing, shaping
from stegolab.speech.activity import taken_over
from stegolab.speech.conditioning import LEVEL, as_heard
from stegolab.speech.enhancer import speech_level
from stegolab.speech.faults import FaultConfig
from stegolab.speech.mixing import MixConfig, Mixer, active_power, coloured_noises
from stegolab.speech.rooms import EARLY, Room

DRY = MixConfig(seconds=1.0, noise=0, voice=0, room=0, band=0, pause=0)
EVERYTHING = replace(DRY, noise=1, voice=1, room=1, band=1, pause=1)
VOICES = [(name, read_audio(path).samples) for name, path in data.sample_speech().items()]
NOISES = coloured_noises(3.0)


def tiny_room(seed):
    """A direct sound, then noise that decays by 60 dB in 0.3 s."""
    random = np.random.default_rng(seed)
    response = 0.05 * random.normal(size=3 * EARLY) * 10 ** (-3 * np.arange(3 * EARLY) / (0.3 * RATE))
    response[0] = 1
    return Room((response / np.linalg.norm(response[:EARLY])).astype(np.float32))


ROOMS = [tiny_room(0), tiny_room(1)]


def mixer(**changes):
    return Mixer(VOICES, NOISES, ROOMS, replace(DRY, **changes))


def decibels(ratio):
    return 10 * np.log10(ratio)


def mean_square(samples):
    return float(np.mean(np.square(samples, dtype=np.float64)))


def lag(one, other):
    """By how many samples ``one`` comes later than ``other``: generalised correlation with phase transform."""
    cross = np.fft.rfft(one, 2 * len(one)) * np.conj(np.fft.rfft(other, 2 * len(one)))
    match = np.fft.irfft(cross / np.maximum(np.abs(cross), 1e-12))
    peak = int(np.argmax(np.abs(match)))
    return peak if peak < len(one) else peak - 2 * len(one)


def test_a_mixture_is_the_sum_of_its_parts():
    mixture = Mixer(VOICES, NOISES, ROOMS, EVERYTHING).mixture(np.random.default_rng(0))
    parts = (mixture.clean, mixture.late, mixture.voice, mixture.noise)
    assert all(part.any() and part.dtype == np.float32 for part in parts)
    assert np.array_equal(sum(parts[1:], parts[0]), mixture.noisy)


@given(st.floats(-5, 20), st.integers(0, 1000), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=20)
def test_the_snr_is_as_asked(snr, seed, room, band, pause):
    """Over the frames in which the target speaks, whatever else happens to the clip."""
    mix = mixer(noise=1, snr=(snr, snr), room=room, band=band, pause=pause)
    drawn = mix.mixture(np.random.default_rng(seed))
    assert decibels(active_power(drawn.clean) / mean_square(drawn.noise)) == pytest.approx(snr, abs=0.01)


@given(st.floats(0, 20), st.integers(0, 1000))
@settings(max_examples=10)
def test_the_sir_is_as_asked_and_the_speakers_differ(sir, seed):
    drawn = mixer(voice=1, sir=(sir, sir), room=0.5).mixture(np.random.default_rng(seed))
    assert decibels(active_power(drawn.clean) / active_power(drawn.voice)) == pytest.approx(sir, abs=0.01)
    target, other = drawn.speakers
    assert target != other


def test_what_is_harder_changes_nothing_where_it_does_not_happen():
    """Probabilities of zero draw nothing, so a seed gives the same clips as before."""
    options = {"noise": 1, "voice": 0.5, "second_noise": 0.0, "turn": 0.0, "faults": FaultConfig()}
    one, other = (mixer(**options, **more).draw(6, np.random.default_rng(5)) for more in ({}, {"second": (-3, -3)}))
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])


def test_a_second_noise_joins_the_first_at_its_ratio():
    tones = [np.sin(2 * np.pi * hertz * np.arange(3 * RATE) / RATE).astype(np.float32) for hertz in (500, 2_000)]
    mix = Mixer(VOICES, tones, [], replace(DRY, noise=1, tilt=(0, 0), second_noise=1, second=(-6, -6), snr=(5, 5)))
    ratios = []
    for seed in range(12):
        drawn = mix.mixture(np.random.default_rng(seed))
        assert decibels(active_power(drawn.clean) / mean_square(drawn.noise)) == pytest.approx(5, abs=0.01)
        power = np.abs(np.fft.rfft(drawn.noise)) ** 2
        ratios.append(abs(decibels((power[500] + 1e-9) / (power[2_000] + 1e-9))))
    both = [ratio for ratio in ratios if ratio < 40]  # the others drew the same noise twice
    assert len(both) >= 3 and both == pytest.approx([6] * len(both), abs=0.05)


def test_a_speaker_who_takes_over_is_a_target_too():
    for seed in range(6):
        drawn = mixer(turn=1).mixture(np.random.default_rng(seed))
        first, second = drawn.speakers
        assert first != second
        assert np.array_equal(drawn.noisy, drawn.clean)


def test_one_talker_gives_way_to_another_who_speaks_as_loud():
    one, other = np.full(RATE, 0.1), np.sin(np.arange(RATE))
    found = taken_over(one, other, np.random.default_rng(0))
    np.testing.assert_array_equal(found[: RATE // 4], one[: RATE // 4])
    np.testing.assert_allclose(found[-RATE // 4 :], 0.1 * np.sqrt(2) * other[-RATE // 4 :], atol=1e-4)
    assert np.abs(np.diff(found)).max() < 0.2  # no click between


def test_faults_befall_the_noisy_speech_alone():
    plain = mixer(noise=1, level=(-30, -30)).mixture(np.random.default_rng(1))
    faults = FaultConfig(rumble=1, thump=1, offset=1, clip=1, thump_db=(5, 10))
    spoilt = mixer(noise=1, level=(-30, -30), faults=faults).mixture(np.random.default_rng(1))
    np.testing.assert_allclose(spoilt.clean, plain.clean, rtol=0, atol=1e-6)
    assert mean_square(spoilt.fault) > 0.1 * mean_square(spoilt.clean)
    np.testing.assert_allclose(spoilt.noisy - spoilt.fault, plain.noisy, rtol=0, atol=1e-6)


def test_what_is_heard_is_high_passed_and_at_one_level():
    """Both sides by the same gains: without noise they stay equal."""
    faults = FaultConfig(offset=1, offset_of=(0.1, 0.1))
    noisy, clean = mixer(seconds=2.0, heard=True, level=(-36, -20), faults=faults).draw(4, np.random.default_rng(2))
    np.testing.assert_allclose(noisy, clean, rtol=0, atol=2e-3)
    for samples in clean:
        assert abs(samples.mean()) < 1e-4
        assert 20 * np.log10(speech_level(samples) / LEVEL) == pytest.approx(0, abs=6)
    (plain, target), (noisy, clean) = (
        mixer(seconds=2.0, noise=1, heard=heard).draw(2, np.random.default_rng(2)) for heard in (False, True)
    )
    for clip in range(2):
        np.testing.assert_array_equal(
            np.stack(as_heard(plain[clip], target[clip])), np.stack([noisy[clip], clean[clip]])
        )


def test_power_counts_the_frames_with_speech_only():
    tone = np.sin(np.arange(RATE)).astype(np.float32)
    assert active_power(np.concatenate([tone, np.zeros(3 * RATE)])) == pytest.approx(0.5, rel=1e-3)
    assert active_power(np.concatenate([tone, 0.1 * tone])) == pytest.approx(0.2525, rel=1e-2)  # -20 dB is a consonant
    assert active_power(np.concatenate([tone, 0.01 * tone])) == pytest.approx(0.5, rel=1e-2)  # -40 dB is a pause
    assert active_power(np.zeros(RATE)) == active_power(np.zeros(0)) == 0


@given(st.floats(-38, -16), st.integers(0, 1000))
@settings(max_examples=10)
def test_the_level_is_as_asked(level, seed):
    drawn = mixer(level=(level, level), room=0.5, band=0.5).mixture(np.random.default_rng(seed))
    peak = np.abs(drawn.noisy).max()
    wanted = pytest.approx(level, abs=0.01)
    assert decibels(active_power(drawn.clean)) == wanted or peak == pytest.approx(mixing.PEAK, rel=1e-5)


def test_the_same_generator_state_gives_the_same_batch():
    mix = Mixer(VOICES, NOISES, ROOMS, EVERYTHING)
    first = mix.draw(2, np.random.default_rng((7, 3)))
    mix.draw(1, np.random.default_rng())  # what was drawn before must not matter
    second = mix.draw(2, np.random.default_rng((7, 3)))
    other = mix.draw(2, np.random.default_rng((7, 4)))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.allclose(first[1], other[1])


def test_batches_hold_what_a_network_can_take():
    """Finite, within full scale, never silent: with every disturbance, as loud as it may get."""
    noisy, clean = mixer(noise=1, voice=0.5, room=0.5, band=0.5, pause=0.5, level=(-10, 0)).draw(
        40, np.random.default_rng(0)
    )
    assert noisy.shape == clean.shape == (40, RATE) and noisy.dtype == clean.dtype == np.float32
    assert np.isfinite(noisy).all() and np.isfinite(clean).all()
    assert np.abs(noisy).max() <= 1 and np.abs(clean).max() <= 1
    assert (np.abs(noisy).max(axis=1) > 0.99).any()  # the limit was put to use
    assert min(map(mean_square, clean)) > 1e-5


def test_scaling_down_keeps_the_snr():
    quiet, loud = (mixer(noise=1, level=(level, level)).mixture(np.random.default_rng(3)) for level in (-40, 0))
    assert np.abs(loud.noisy).max() == pytest.approx(mixing.PEAK, rel=1e-5)
    factor = loud.clean[1000] / quiet.clean[1000]
    assert np.allclose(loud.noise, factor * quiet.noise, rtol=1e-3, atol=1e-6)


def test_the_share_of_clean_input_is_what_the_probabilities_say():
    mix = mixer(noise=0.5, voice=0.2, room=0.3)
    noisy, clean = mix.draw(300, np.random.default_rng(0))
    share = np.mean([np.array_equal(a, b) for a, b in zip(noisy, clean, strict=True)])
    assert share == pytest.approx(0.5 * 0.8 * 0.7, abs=0.07)
    noisy, clean = mixer().draw(3, np.random.default_rng(0))
    assert np.array_equal(noisy, clean)


def test_a_dry_target_is_a_piece_of_a_recording():
    drawn = mixer(level=(-30, -30)).mixture(np.random.default_rng(1))
    recording = dict(VOICES)[drawn.speakers[0]].astype(np.float64)
    match = np.correlate(recording, drawn.clean.astype(np.float64), mode="valid")
    start = int(np.argmax(match))
    piece = recording[start : start + len(drawn.clean)]
    assert np.corrcoef(piece, drawn.clean)[0, 1] > 0.9999


def test_a_room_splits_the_voice_at_50_ms_and_delays_nothing():
    """The input is the dry voice of the same draw through the whole response, the target through its beginning."""
    for seed in range(5):
        dry = mixer(level=(-30, -30)).mixture(np.random.default_rng(seed)).clean
        drawn = Mixer(VOICES, [], ROOMS[:1], replace(DRY, room=1, level=(-30, -30))).mixture(
            np.random.default_rng(seed)
        )
        early = np.convolve(dry, ROOMS[0].early)[: len(dry)]
        whole = np.convolve(dry, ROOMS[0].whole)[: len(dry)]
        gain = np.linalg.norm(drawn.clean) / np.linalg.norm(early)
        assert np.allclose(drawn.clean, gain * early, atol=1e-5)
        assert np.allclose(drawn.noisy, gain * whole, atol=1e-5)
        assert lag(drawn.clean, dry) == lag(drawn.noisy, drawn.clean) == 0
        assert mean_square(drawn.late) > 0


@pytest.mark.parametrize("part", ["clean", "late", "voice", "noise"])
def test_a_band_limit_holds_for_every_part(part):
    """What the noisy speech has lost, the target has lost too, so that nothing must be invented."""
    limits = {"band": 1, "lowest": (200, 200), "highest": (3_400, 3_400)}
    drawn = mixer(noise=1, voice=1, room=1, tilt=(0, 0), **limits).mixture(np.random.default_rng(2))
    spectrum = np.abs(np.fft.rfft(getattr(drawn, part))) ** 2
    hertz = np.fft.rfftfreq(RATE, 1 / RATE)
    assert spectrum[hertz > 5_000].sum() < 1e-3 * spectrum.sum()
    assert spectrum[hertz < 60].sum() < 1e-2 * spectrum.sum()


def test_band_limits_pass_what_lies_within_and_delay_nothing():
    tones = np.stack([np.sin(2 * np.pi * f * np.arange(RATE) / RATE) for f in (100, 200, 1_000, 3_400, 6_800)])
    passed = shaping.band_limited(tones, 200, 3_400)
    gains = np.sqrt(np.mean(passed**2, axis=1) / np.mean(tones**2, axis=1))
    assert gains == pytest.approx([1 / np.sqrt(17), np.sqrt(0.5), 1, np.sqrt(0.5), 1 / 256], rel=0.01)
    assert np.allclose(passed, gains[:, None] * tones, atol=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_a_pause_takes_its_share_and_nothing_else(seed):
    full = mixer(silence=(0.4, 0.4)).mixture(np.random.default_rng(seed)).clean
    drawn = mixer(pause=1, silence=(0.4, 0.4)).mixture(np.random.default_rng(seed)).clean
    silent = np.convolve(drawn != 0, np.ones(64), mode="same") == 0
    assert 0.35 < silent.mean() < 0.45
    speaking = np.convolve(silent, np.ones(2 * mixing.FRAME), mode="same") < 0.5
    assert np.corrcoef(drawn[speaking], full[speaking])[0, 1] > 0.9999


def test_a_pause_never_takes_all_the_words():
    click = np.zeros(2 * RATE, np.float32)
    click[RATE : RATE + 1600] = np.random.default_rng(0).normal(size=1600) * 0.1
    mix = Mixer([("one", click)], [], [], replace(DRY, pause=1, silence=(0.9, 1.0)))
    _, clean = mix.draw(30, np.random.default_rng(0))
    assert min(np.abs(clip).max() for clip in clean) > 1e-3


def test_clips_are_taken_where_somebody_speaks():
    """A word in a minute of silence is found every time, and mostly all of it."""
    word = np.zeros(60 * RATE, np.float32)
    word[30 * RATE :][: RATE // 4] = np.random.default_rng(0).normal(size=RATE // 4) * 0.1
    _, clean = Mixer([("one", word)], [], [], DRY).draw(30, np.random.default_rng(0))
    powers = np.array([mean_square(clip) / active_power(clip) for clip in clean])
    assert (powers > 0.02).all() and np.mean(powers > 0.1) > 0.95


@pytest.mark.parametrize("length", [RATE // 3, RATE, 3 * RATE])
def test_recordings_of_any_length_are_used(length):
    random = np.random.default_rng(0)
    voice, noise = (random.normal(size=length).astype(np.float32) * 0.1 for _ in range(2))
    mix = Mixer([("one", voice)], [noise], [], replace(DRY, noise=1, snr=(0, 0), tilt=(0, 0)))
    drawn = mix.mixture(random)
    voiced = np.count_nonzero(np.abs(drawn.clean) > 0)
    assert voiced == pytest.approx(min(length, RATE), rel=0.01)
    assert mean_square(drawn.noise[-1000:]) == pytest.approx(mean_square(drawn.noise), rel=0.3)  # repeated to the end


def test_every_second_is_as_likely_as_every_other():
    long, short = (np.random.default_rng(n).normal(size=n * RATE).astype(np.float32) * 0.1 for n in (9, 1))
    mix = Mixer([("long", long), ("short", short)], [], [], DRY)
    random = np.random.default_rng(0)
    drawn = [mix.mixture(random).speakers[0] for _ in range(200)]
    assert drawn.count("long") == pytest.approx(180, abs=15)


def test_noise_is_tilted_by_decibels_per_octave():
    random = np.random.default_rng(0)
    noise = random.normal(size=8 * RATE)
    power = np.abs(np.fft.rfft(shaping.coloured(noise, -6.0))) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [power[(low <= hertz) & (hertz < 2 * low)].mean() for low in (500, 1_000, 2_000)]
    assert np.diff(decibels(np.array(octaves))) == pytest.approx([-6, -6], abs=0.5)


def test_synthetic_noises_differ_in_colour_only():
    assert [np.sqrt(mean_square(noise)) for noise in NOISES] == pytest.approx([0.1] * 3, rel=1e-4)
    steps = [mean_square(np.diff(noise)) for noise in NOISES]  # ever less of the high frequencies
    assert steps[0] > 2 * steps[1] > 4 * steps[2]


def test_the_samples_need_no_data(monkeypatch):
    monkeypatch.setenv("STEGOLAB_DATA", "/nowhere")
    mix = Mixer.from_data("samples", DRY)
    assert mix.speakers == set(data.sample_speech())
    noisy, _ = Mixer.from_data(config=EVERYTHING).draw(1, np.random.default_rng(0))
    assert noisy.shape == (1, RATE)


@pytest.fixture
def tiny_data(tmp_path, monkeypatch):
    """Two speakers per split, one of them without a name, and a noise."""
    rows = []
    for number, (split, kind, speaker) in enumerate(
        [
            *(("train", "speech", "ann"), ("train", "speech", ""), ("train", "noise", "")),
            *(("valid", "speech", "ben"), ("valid", "speech", "cas"), ("valid", "noise", "")),
        ]
    ):
        samples = np.random.default_rng(number).normal(size=2 * RATE).astype(np.float32) * 0.1
        write_wav(tmp_path / f"{number}.wav", Speech(samples, RATE))
        rows.append([f"{number}.wav", split, kind, speaker, "2.0", "tiny", "CC0-1.0"])
    with (tmp_path / "INDEX.csv").open("w", newline="") as file:
        csv.writer(file).writerows([data.COLUMNS, *rows])
    monkeypatch.setenv("STEGOLAB_DATA", str(tmp_path))
    asked = Mock(return_value=ROOMS)
    monkeypatch.setattr(mixing, "rooms", asked)
    return asked


def test_the_splits_share_no_speaker_and_no_room(tiny_data):
    train, valid = Mixer.from_data("train", DRY), Mixer.from_data("valid", DRY)
    assert train.speakers == {"tiny/ann", "tiny/"} and valid.speakers == {"tiny/ben", "tiny/cas"}
    one, other = (call.kwargs.get("seed", 0) for call in tiny_data.call_args_list)
    assert one != other
    assert train.draw(1, np.random.default_rng(0))[0].shape == (1, RATE)


@pytest.mark.parametrize("split", ["eval", "test"])
def test_nothing_is_trained_on_eval(tiny_data, split):
    with pytest.raises(BadSpec, match="not for training"):
        Mixer.from_data(split)


@pytest.mark.parametrize(
    ("voices", "noises", "rooms", "changes", "message"),
    [
        ([], NOISES, ROOMS, {}, "at least one recording"),
        (VOICES, [], ROOMS, {"noise": 0.5}, "at least one noise"),
        (VOICES, NOISES, [], {"room": 0.5}, "at least one room"),
        (VOICES[:1], NOISES, ROOMS, {"voice": 0.5}, "two speakers"),
        ([("ann", np.full(RATE, 1e-6, np.float32))], [], [], {}, "ann is silent"),
        ([("ann", np.ones(10, np.float32))], [], [], {}, "shorter than 20 ms"),
    ],
)
def test_what_cannot_be_mixed(voices, noises, rooms, changes, message):
    with pytest.raises(BadData, match=message):
        Mixer(voices, noises, rooms, replace(DRY, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": 0.1},
        {"turn": 1.5},
        {"second_noise": -1},
        {"second": (0, -5)},
        {"seconds": np.nan},
        {"noise": 1.5},
        {"room": -0.1},
        {"snr": (5, -5)},
        {"silence": (0, 2)},
    ],
)
def test_what_cannot_be_asked(changes):
    with pytest.raises(BadSpec, match=next(iter(changes))):
        MixConfig(**changes)
    MixConfig(seconds=0.5, noise=0, room=1, snr=(5, 5), silence=(0, 1))
