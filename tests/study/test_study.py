"""The study's table is honest: a row for every trial, failures named, the same rows for the same arguments."""

from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest

from stegolab import data, study
from stegolab.audio import read_audio
from stegolab.channel import spec
from stegolab.errors import BadSpec, NotTrained
from stegolab.images import from_array
from stegolab.message import codecs
from stegolab.study import sound, trial

from .pictures import measured


def test_every_trial_has_a_row_and_declared_attacks_are_survived(covers):
    rows = study.run(covers, ["file", "jpeg"], carriers=["lattice"])
    assert len(rows) == 2 * (len(study.ATTACKS["file"]) + len(study.ATTACKS["jpeg"]))
    assert all(row.exact and row.declared and row.outcome == study.EXACT for row in rows)
    assert {row.cover for row in rows} == set(covers)
    assert all(row.bits_per_pixel == row.payload_bits / row.pixels > 0 for row in rows)
    assert all(row.ber_after_ecc == 0 and 0 <= row.raw_ber < 0.2 and row.margin > 0 for row in rows)


def test_the_same_seed_gives_the_same_rows(covers):
    one, two, other = (study.run(covers, ["jpeg"], ["jpeg:60"], seed=seed) for seed in (1, 1, 2))
    assert untimed(one) == untimed(two)
    assert untimed(one) != untimed(other)


def untimed(rows):
    return list(map(repr, (row.untimed() for row in rows)))  # nan equals nan as text


def test_failures_are_named_never_silent(covers):
    rows = study.run(covers, ["file"], ["jpeg:30"])
    assert {(row.exact, row.declared) for row in rows} == {(False, False)}
    assert {row.outcome for row in rows} <= {"NoPayload", "Uncorrectable"}
    assert all(0.3 < row.raw_ber < 0.6 and isnan(row.ber_after_ecc) for row in rows)
    assert "0 of 2" in study.summary(rows)


def test_the_raw_error_rate_grows_with_compression_and_is_unknown_where_the_picture_moved(covers):
    rows = study.run(covers, ["jpeg"], ["jpeg:75", "jpeg:50", "jpeg:25", "crop:0.5"], carriers=["lattice"])
    mild, middle, harsh, moved = (row.raw_ber for row in rows[:4])
    assert mild < middle < harsh
    assert mild < 0.1 < harsh
    assert isnan(moved)


def test_the_true_error_rate_is_the_receivers_own_where_it_succeeds(covers):
    setting = trial.Setting(trial.Cover.of("a", covers["astronaut"]), None, "lattice", "jpeg", 0, False)
    [row] = trial.trials(setting, ("jpeg:60",))
    sent = trial._sent(setting)
    assert sent.raw_ber(spec.parse("jpeg:60")(sent.posted.picture.rgb)) == pytest.approx(row.raw_ber)


def test_a_wrong_message_is_a_silent_corruption(covers, monkeypatch):
    real = trial.receive

    def corrupting(*arguments):
        message, report = real(*arguments)
        return bytes([message[0] ^ 1]) + message[1:], report

    monkeypatch.setattr(trial, "receive", corrupting)
    rows = study.run(covers, ["jpeg"], ["none"], carriers=["lattice"])
    assert {(row.exact, row.outcome) for row in rows} == {(False, study.CORRUPT)}
    assert all(row.ber_after_ecc == 1 / row.payload_bits for row in rows)
    assert "silent corruptions: 2 " in study.summary(rows)


def test_a_cover_that_carries_nothing_is_a_row_too():
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)  # a resize to half leaves nothing of it
    [row] = study.run({"noise": from_array(noise)}, ["social"], ["none"])
    assert (row.exact, row.outcome, row.payload_bits) == (False, "CapacityExceeded", 0)


@pytest.fixture(scope="module")
def clips():
    return {name: read_audio(path) for name, path in list(data.sample_speech().items())[:2]}


def row_of(setting, attack):
    spoken = setting.clip.name if setting.clip else ""
    return trial.Trial(
        *(setting.cover.name, 1, spoken, "", setting.enhance, setting.carrier, setting.strength, attack, attack),
        *(True, True, "exact"),
    )


def test_every_clip_in_every_cover_or_in_turns(covers, clips, monkeypatch):
    monkeypatch.setattr(study, "trials", lambda setting, attacks: [row_of(setting, attack) for attack in attacks])
    for turns, expected in ((False, [*clips, *clips]), (True, list(clips))):
        rows = study.run(covers, ["file"], ["none"], clips, turns=turns)
        assert [row.speech for row in rows] == expected


def test_codec2_sounds_the_same_every_time(clips):
    message = codecs.encode(next(iter(clips.values())), "codec2:700")
    first = sound.decoded(message).samples
    sound.decoded.cache_clear()
    assert np.array_equal(sound.decoded(message).samples, first)
    assert len(codecs.decode(message).samples) == len(first)


def test_recovered_speech_is_judged_against_three_references(covers, clips, monkeypatch):
    monkeypatch.setattr(trial, "shipped", lambda: lambda speech: replace(speech, samples=speech.samples * 0.5))
    name, clip = next(iter(clips.items()))
    ok, lost = study.run({"a": covers["astronaut"]}, ["file"], ["none", "jpeg:30"], {name: clip}, enhance=True)
    assert ok.exact and ok.enhanced
    assert ok.si_sdr_codec > 100  # bit for bit what the codec makes of it
    assert ok.stoi_codec == pytest.approx(1)
    assert 0 < ok.stoi_original < 1
    assert ok.si_sdr_enhanced == pytest.approx(ok.si_sdr_original, abs=0.1)  # a level is no distortion
    assert all(
        isnan(getattr(lost, f"{score}_{of}")) for score in ("pesq", "stoi", "si_sdr") for of in ("original", "codec")
    )


def test_speech_is_not_enhanced_unless_it_can_be(covers, clips, monkeypatch):
    monkeypatch.setattr(study, "trained", lambda: False)
    [row] = study.run({"a": covers["astronaut"]}, ["file"], ["none"], dict(list(clips.items())[:1]))
    assert not row.enhanced
    assert isnan(row.pesq_enhanced)


def test_unknown_words_are_refused_before_anything_runs(covers):
    for strength, attacks, word in [("huge", [], "huge"), ("jpeg", ["jpog:5"], "jpog"), ("jpeg", "every", "every")]:
        with pytest.raises(BadSpec, match=word):
            study.run(covers, [strength], attacks)
    with pytest.raises(NotTrained):
        study.run(covers, ["file"], carriers=["inn"])


def test_what_is_remembered_is_not_computed_again(tmp_path, monkeypatch):
    first = measured(tmp_path / "journal.sqlite")
    seen = []
    monkeypatch.setattr(study, "trials", None)
    again = measured(tmp_path / "journal.sqlite", progress=lambda *counts: seen.append(counts))
    assert list(map(repr, again)) == list(map(repr, first))
    assert seen == [(16, 16)]


def test_another_version_of_the_program_remembers_nothing(tmp_path, monkeypatch):
    measured(tmp_path / "journal.sqlite")
    seen = []
    monkeypatch.setattr(study, "trials", lambda setting, attacks: [row_of(setting, attack) for attack in attacks])
    measured(tmp_path / "journal.sqlite", version="other", progress=lambda done, total: seen.append(done))
    assert seen[0] == 0


def test_rows_say_nan_where_nothing_was_measured():
    row = trial.Trial("c", 1, "", "", False, "lattice", "file", "none", "none", True, False, "NoPayload")
    assert all(getattr(row, c) is nan for c in ("psnr_db", "ssim", "lpips", "raw_ber", "margin", "pesq_original"))
