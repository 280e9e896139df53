"""The template is the same in pictures of any size; the signs for a size are distinguished from those for any other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.carrier.strengths import STRENGTHS
from stegolab.carrier.sync import template

counts = st.integers(1, 90)


@given(counts, counts, counts, counts)
def test_pictures_of_any_two_sizes_share_what_says_the_place(rows, columns, more, wider):
    one, other = template.signs(rows, columns), template.signs(more, wider)
    place = template.position_signs()
    r, c = min(rows, more), min(columns, wider)
    period = template.PERIOD
    for row in range(0, r, 7):
        for column in range(0, c, 7):
            said = place[:, row % period, column % period]
            for signs in (one, other):
                assert np.all((said == 0) | (signs[:, row, column] == said))


def test_at_most_one_symbol_a_block_and_three_blocks_in_four_have_one():
    signs = template.signs(64, 96)
    assert set(np.unique(signs)) == {-1, 0, 1}
    assert np.count_nonzero(signs, axis=0).max() == 1
    assert np.count_nonzero(signs) == 64 * 96 * 3 // 4
    assert abs(signs.sum()) < 4 * np.sqrt(np.count_nonzero(signs))


def test_no_other_place_within_the_period_agrees_and_neither_does_any_other_attitude():
    signs = template.position_signs().astype(float)
    known = np.count_nonzero(signs)
    spectrum = np.fft.fft2(signs)
    sums = np.fft.ifft2(np.abs(spectrum) ** 2).real.sum(axis=0)
    assert sums[0, 0] == pytest.approx(known)
    sums[0, 0] = 0
    assert np.abs(sums).max() < 6 * np.sqrt(known)
    flipped = np.stack([-signs[0, :, ::-1], signs[1, :, ::-1]])
    assert np.abs(np.fft.ifft2(spectrum.conj() * np.fft.fft2(flipped)).real.sum(axis=0)).max() < 6 * np.sqrt(known)


@pytest.mark.parametrize("axis", [0, 1])
def test_sizes_and_periods_are_told_apart(axis):
    """However far from the corner: a picture of 400 x 600 blocks, read with any other count or a period away."""
    row, column = np.indices((30, 40))
    here = template.count_places(axis, row, column)
    row, column = row[here], column[here]
    count = np.arange(20, 700)[:, None]
    said = [
        template.count_signs(axis, row + 32 * down, column + 32 * right, count).astype(int)
        for down in range(4)
        for right in range(4)
    ]
    every = np.concatenate(said)
    agreement = every @ template.count_signs(axis, row, column, 400).astype(int)
    assert np.count_nonzero(agreement == len(row)) == 1
    assert np.sort(np.abs(agreement))[-2] < 5.5 * np.sqrt(len(row))


def test_moves_make_the_template_and_are_no_larger_than_half_a_step():
    x = np.random.default_rng(0).normal(0, 100, (2, 20, 30)).astype(np.float32)
    moves, signs = template.moves(x), template.signs(20, 30)
    assert np.abs(moves).max() <= template.STEP / 2
    assert not moves[signs == 0].any()
    said = np.sin(2 * np.pi * (x + moves) / template.STEP)
    assert np.all((said * signs)[signs != 0] > 0.9)


def test_every_strength_with_a_template_has_its_frequencies():
    for strength in STRENGTHS.values():
        if strength.rescaled:
            assert set(template.FREQUENCIES) <= set(strength.frequencies)
            assert strength.block == template.BLOCK


def test_the_template_never_changes():
    """An old picture must open with a new version."""
    signs = template.signs(40, 50)
    assert signs[0, 0, :8].tolist() == [1, 1, 1, 0, 1, 1, 1, 0]
    assert signs[1, 1, :8].tolist() == [-1, -1, 0, -1, -1, -1, 0, -1]
    assert signs[1, 38, 40:48].tolist() == [0, 0, 0, 0, 0, 0, 0, 0]
