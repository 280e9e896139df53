"""The template is the same in pictures of any size; the symbols for a size are distinguished from those for any other.

So it is with the one that everybody knows, and with one that only a key gives.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.carrier.strengths import STRENGTHS
from stegolab.carrier.sync import template
from stegolab.carrier.sync.template import Template
from stegolab.keystream import FORMAT_1, PUBLIC, Keystream

from . import drawings

EITHER = pytest.mark.parametrize("known", drawings.BOTH.values(), ids=drawings.BOTH)
counts = st.integers(1, 90)


def on_circle(known):
    """(2, PERIOD, PERIOD): the symbols that tell a place as complex numbers, 0 where there is none."""
    turns = known.phases / 256
    return np.where(template.position_places(), np.exp(2j * np.pi * turns), 0)


@given(st.sampled_from(sorted(drawings.BOTH)), counts, counts, counts, counts)
def test_pictures_of_any_two_sizes_share_what_says_the_place(name, rows, columns, more, wider):
    known = drawings.BOTH[name]
    one, other = known.points(rows, columns), known.points(more, wider)
    here, place = template.position_places(), known.points(template.PERIOD, template.PERIOD)
    r, c = min(rows, more), min(columns, wider)
    period = template.PERIOD
    for row in range(0, r, 7):
        for column in range(0, c, 7):
            at = here[:, row % period, column % period]
            said = place[at, row % period, column % period]
            for points in (one, other):
                assert (points[at, row, column] == said).all()


@EITHER
def test_at_most_one_symbol_a_block_and_three_blocks_in_four_have_one(known):
    places, points = template.places(64, 96), known.points(64, 96)
    assert np.count_nonzero(places, axis=0).max() == 1
    assert np.count_nonzero(places) == 64 * 96 * 3 // 4
    assert not points[~places].any()
    assert abs(points.sum()) < 4 * np.sqrt(np.square(points).sum())


def test_in_format_1_symbols_are_a_quarter_of_the_step_above_or_below_zero():
    points = drawings.PUBLIC.points(64, 96)
    assert set(np.unique(points)) == {-template.STEP / 4, 0, template.STEP / 4}


def test_the_symbols_of_a_key_are_anywhere_within_the_step():
    """So coefficients with them are as those of any other picture to whoever does not know the key."""
    period, half = template.PERIOD, template.STEP / 2
    keys = [Template(Keystream.keyed(bytes([k] * 32))) for k in range(20)]
    said = np.concatenate([known.points(period, period)[template.places(period, period)] for known in keys])
    assert -half <= said.min() < said.max() < half
    expected = said.size / 16
    assert np.abs(np.histogram(said, 16, (-half, half))[0] - expected).max() < 4 * np.sqrt(expected)
    for harmonic in (1, 2):  # a lattice that everybody knows would show as a mean away from zero
        turns = np.exp(2j * np.pi * harmonic * said / template.STEP)
        assert np.abs(turns.mean()) < 3 / np.sqrt(said.size)


def test_every_key_has_its_own_and_all_that_is_public_share_one():
    other = Template.of(Keystream.keyed(bytes(32)))
    assert Template.of(PUBLIC) is Template.of(FORMAT_1) is drawings.PUBLIC
    assert Template.of(Keystream.keyed(bytes(range(32)))) == drawings.KEYED != other
    known = np.count_nonzero(template.position_places())
    for one in (drawings.PUBLIC, drawings.KEYED):
        assert np.abs((on_circle(one).conj() * on_circle(other)).sum()) < 3 * np.sqrt(known)


@EITHER
def test_no_other_place_within_the_period_agrees_and_neither_does_any_other_attitude(known):
    symbols = on_circle(known)
    count = np.count_nonzero(symbols)
    spectrum = np.fft.fft2(symbols)
    sums = np.fft.ifft2(np.abs(spectrum) ** 2).real.sum(axis=0)
    assert sums[0, 0] == pytest.approx(count)
    sums[0, 0] = 0
    assert np.abs(sums).max() < 6 * np.sqrt(count)
    flipped = np.stack([symbols[0, :, ::-1].conj(), symbols[1, :, ::-1]])
    assert np.abs(np.fft.ifft2(spectrum.conj() * np.fft.fft2(flipped)).real.sum(axis=0)).max() < 6 * np.sqrt(count)


@EITHER
@pytest.mark.parametrize("axis", [0, 1])
def test_sizes_and_periods_are_told_apart(axis, known):
    """However far from the corner: a picture of 400 x 600 blocks, read with any other count or a period away."""
    row, column = np.indices((30, 40))
    here = template.count_places(axis, row, column)
    row, column = row[here], column[here]
    count = np.arange(20, 700)[:, None]
    angles = known.count_phases(axis, row, column, 400) * np.float32(2 * np.pi / 256)
    agreement = np.concatenate(
        [
            known.sums(known.count_phases(axis, row + 32 * down, column + 32 * right, count), angles)
            for down in range(4)
            for right in range(4)
        ]
    )
    assert np.count_nonzero(agreement > 0.99 * len(row)) == 1
    assert np.sort(np.abs(agreement))[-2] < 5.5 * np.sqrt(len(row))


@EITHER
def test_moves_make_the_template_and_are_no_larger_than_half_a_step(known):
    x = np.random.default_rng(0).normal(0, 100, (2, 20, 30)).astype(np.float32)
    moves, places = known.moves(x), template.places(20, 30)
    assert np.abs(moves).max() <= template.STEP / 2
    assert not moves[~places].any()
    off = 2 * np.pi * (x + moves - known.points(20, 30)) / template.STEP
    assert np.all(np.cos(off)[places] > 0.9)


@EITHER
def test_agreement_is_the_sum_over_its_own_deviation_of_what_the_symbols_say(known):
    rng = np.random.default_rng(1)
    angles, row, column = rng.uniform(-9, 9, (11, 14)).astype(np.float32), 29, 70
    rows, columns = np.indices((11, 14))
    every = on_circle(known)[np.arange(template.PERIOD) % 2, np.arange(template.PERIOD)]  # each row's frequency
    symbols = every[(rows + row) % template.PERIOD, (columns + column) % template.PERIOD]
    said = (symbols.conj() * np.exp(1j * angles)).real
    assert known.agreement(angles, row, column) == pytest.approx(said.sum() / np.sqrt(np.square(said).sum()), rel=1e-4)


def test_every_strength_with_a_template_has_its_frequencies():
    for strength in STRENGTHS.values():
        if strength.rescaled:
            assert set(template.FREQUENCIES) <= set(strength.frequencies)
            assert strength.block == template.BLOCK


def test_the_template_never_changes():
    """An old picture must open with a new version."""
    signs = np.sign(drawings.PUBLIC.points(40, 50))
    assert signs[0, 0, :8].tolist() == [1, 1, 1, 0, 1, 1, 1, 0]
    assert signs[1, 1, :8].tolist() == [-1, -1, 0, -1, -1, -1, 0, -1]
    assert signs[1, 38, 40:48].tolist() == [0, 0, 0, 0, 0, 0, 0, 0]
    assert drawings.KEYED.phases[0, 0, :8].tolist() == [-69, 0, 8, 0, -65, 0, 25, 0]
    assert (drawings.KEYED.points(40, 50)[1, 1, :4] / template.STEP * 256).tolist() == [86, -122, 0, -123]
