"""Intervals are Wilson's; the summary counts everything; the files hold what the rows hold."""

import csv
from dataclasses import replace

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from stegolab import study
from stegolab.study import wilson

ROW = study.Trial("c", 100, "", "random", False, "lattice", "jpeg", "jpeg", "jpeg:50", True, True, "exact", 8, 0.08)


@pytest.mark.parametrize(  # Newcombe 1998, Statistics in Medicine 17, table I, method 3; the last by hand: z²/(n + z²)
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 5000, 0, 0.000768),
    ],
)
def test_known_intervals(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_rate_mirrors_and_shrinks(pair):
    k, n = pair
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low))
    four_times = wilson(4 * k, 4 * n)
    assert four_times[1] - four_times[0] < high - low
    wider = wilson(k, n, 0.99)
    assert wider[0] <= low and wider[1] >= high


@given(
    st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from((0.8, 0.95, 0.99))
)
def test_intervals_are_those_of_scipy(pair, confidence):
    successes, trials = pair
    expected = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_no_trials_say_nothing():
    assert wilson(0, 0) == (0, 1)


def test_the_summary_counts_every_trial():
    lost = replace(ROW, exact=False, outcome="Uncorrectable")
    beyond = replace(lost, attack="jpeg:10", declared=False, outcome="NoPayload")
    text = study.summary([ROW, ROW, lost, beyond])
    assert "| jpeg | `jpeg:50` | 2 of 3 | 21 to 94 % |" in text
    assert "| jpeg | *`jpeg:10`* | 0 of 1 | 0 to 79 % |" in text
    assert "4 trials; failures: 1 NoPayload, 1 Uncorrectable; silent corruptions: 0 (" in text


def test_carriers_have_their_own_lines():
    text = study.summary([ROW, replace(ROW, carrier="inn")])
    assert "| lattice | jpeg | `jpeg:50` | 1 of 1 |" in text
    assert "| inn | jpeg | `jpeg:50` | 1 of 1 |" in text


def test_csv_and_parquet_hold_the_rows(tmp_path):
    rows = [ROW, replace(ROW, cover='with, "comma"', si_sdr_codec=float("inf"))]
    study.write_csv(tmp_path / "trials.csv", rows)
    study.write_parquet(tmp_path / "trials.parquet", rows)
    with (tmp_path / "trials.csv").open() as file:
        read = list(csv.DictReader(file))
    table = pandas.read_parquet(tmp_path / "trials.parquet")
    assert [row["cover"] for row in read] == list(table.cover) == [row.cover for row in rows]
    assert list(read[0]) == list(table.columns)
    assert list(table.declared) == [True, True]
    assert float(read[1]["si_sdr_codec"]) == table.si_sdr_codec[1] == float("inf")
    assert table.payload_bits.dtype == "int64"


def test_a_table_of_nothing_has_its_columns(tmp_path):
    study.write_parquet(tmp_path / "trials.parquet", [])
    assert "outcome" in pandas.read_parquet(tmp_path / "trials.parquet").columns
