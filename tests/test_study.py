"""The study's table is honest: rows for every trial, failures named, the same rows for the same seed."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from stegolab import data, study
from stegolab.audio import read_audio
from stegolab.errors import BadSpec
from stegolab.images import from_array


@pytest.fixture(scope="module")
def covers():
    samples = data.sample_covers()
    return {name: from_array(np.ascontiguousarray(samples[name][:256, :320])) for name in ("astronaut", "coffee")}


def test_every_trial_has_a_row_and_declared_attacks_are_survived(covers):
    rows = study.run(covers, ["file", "jpeg"])
    assert len(rows) == 2 * (len(study.ATTACKS["file"]) + len(study.ATTACKS["jpeg"]))
    assert all(row.exact and not row.error for row in rows)
    assert {row.cover for row in rows} == set(covers)
    assert all(row.bits_per_pixel == row.payload_bits / row.pixels > 0 for row in rows)


def test_the_same_seed_gives_the_same_rows(covers):
    one, two, other = (study.run(covers, ["jpeg"], ["jpeg:60"], seed=seed) for seed in (1, 1, 2))
    assert untimed(one) == untimed(two)
    assert untimed(one) != untimed(other)


def untimed(rows):
    return [replace(row, hide_seconds=0.0, reveal_seconds=0.0) for row in rows]


def test_failures_are_named_never_silent(covers):
    rows = study.run(covers, ["file"], ["jpeg:30"])
    assert {row.exact for row in rows} == {False}
    assert {row.error for row in rows} <= {"NoPayload", "Uncorrectable"}
    assert "0 of 2" in study.summary(rows)


def test_a_cover_that_carries_nothing_is_a_row_too():
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)  # a resize to half leaves nothing of it
    [row] = study.run({"noise": from_array(noise)}, ["social"], ["none"])
    assert (row.exact, row.error, row.payload_bits) == (False, "CapacityExceeded", 0)


def test_speech_takes_turns(covers):
    clips = {name: read_audio(path) for name, path in data.sample_speech().items()}
    rows = study.run(covers, ["file"], ["none"], clips)
    assert [row.speech for row in rows] == list(clips)[:2]
    assert all(row.exact and row.codec != "random" for row in rows)


def test_the_csv_holds_what_the_rows_hold(covers, tmp_path):
    rows = study.run(covers, ["jpeg"], ["jpeg:75"])
    study.write_csv(tmp_path / "trials.csv", rows)
    with (tmp_path / "trials.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [row["cover"] for row in read] == [row.cover for row in rows]
    assert [int(row["payload_bits"]) for row in read] == [row.payload_bits for row in rows]


def test_unknown_strengths_and_attacks_are_refused_before_anything_runs(covers):
    with pytest.raises(BadSpec, match="huge"):
        study.run(covers, ["huge"])
    with pytest.raises(BadSpec, match="jpog"):
        study.run(covers, ["jpeg"], ["jpog:5"])
