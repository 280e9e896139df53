"""Every slot is the header's, the template's or the body's; the header is everywhere, evenly, at every frequency."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.carrier.layout import Layout
from stegolab.carrier.strengths import FILE, JPEG, SOCIAL, STRENGTHS
from stegolab.carrier.sync import template
from stegolab.errors import BadSpec
from stegolab.header import HEADER_CODE_BITS
from stegolab.keystream import FORMAT_1, Keystream
from stegolab.message import frame

strengths = st.sampled_from(list(STRENGTHS.values()))
sides = st.integers(16, 700)
EVERY = pytest.mark.parametrize("strength", STRENGTHS.values(), ids=STRENGTHS)
WORD = np.arange(HEADER_CODE_BITS, dtype=np.uint8) % 2
SIZES = [(256, 256), (300, 451), (512, 512), (640, 480), (1200, 1600)]


@EVERY
def test_the_layout_has_a_place_for_every_bit_of_the_code_word_that_the_frame_makes(strength):
    bits = np.unique(Layout.of(strength, (512, 512)).header_bit)
    assert bits.tolist() == list(range(len(frame.Header(10, 0).code_word())))


@given(strengths, sides, sides)
def test_header_template_and_body_share_out_all_slots(strength, height, width):
    layout = Layout.of(strength, (height, width, 3))
    count = layout.rows * layout.columns * len(strength.frequencies)
    assert layout.slots == count
    assert sorted([*layout.header_slots, *layout.template_slots, *layout.body_slots]) == list(range(count))
    assert layout.header_bit.shape == layout.header_slots.shape
    assert layout.template_bit.shape == layout.template_slots.shape
    assert np.all(np.diff(layout.body_slots) > 0)


@EVERY
@pytest.mark.parametrize("shape", SIZES)
def test_every_header_bit_is_repeated_evenly(strength, shape):
    repeats = np.bincount(Layout.of(strength, shape).header_bit, minlength=HEADER_CODE_BITS)
    assert repeats.min() >= 3
    assert repeats.max() <= repeats.min() * 1.5 + 2


@EVERY
@pytest.mark.parametrize("shape", SIZES)
def test_every_frequency_gets_pilots(strength, shape):
    """The header's, or many more of the template's."""
    layout, count = Layout.of(strength, shape), len(strength.frequencies)
    pilots, known = (np.bincount(s % count, minlength=count) for s in (layout.header_slots, layout.template_slots))
    assert np.all((pilots == 0) == (known > 0))
    pilots = pilots[pilots > 0]
    assert np.all(known[known > 0] > pilots.mean())
    fair = pilots.sum() / len(pilots)
    assert abs(pilots - fair).max() <= 4 * fair**0.5  # drawn


@EVERY
def test_the_repeats_of_a_bit_are_at_several_places_and_frequencies(strength):
    layout = Layout.of(strength, (1200, 1600))
    block, frequency = np.divmod(layout.header_slots, len(strength.frequencies))
    for bit in (0, 100, 239):
        mine = layout.header_bit == bit
        assert len(set(frequency[mine])) >= min(mine.sum(), len(strength.frequencies)) / 3
        assert np.ptp(block[mine] // layout.columns) > layout.rows / 2
        assert np.ptp(block[mine] % layout.columns) > layout.columns / 2


@EVERY
def test_large_pictures_have_a_sparse_header(strength):
    assert Layout.of(strength, (256, 256)).stride == 1
    layout = Layout.of(strength, (2048, 2048))
    assert layout.stride > 1
    assert len(layout.header_slots) == layout.rows * layout.columns // layout.stride
    assert len(layout.header_slots) + len(layout.template_slots) >= 2048


@EVERY
def test_small_pictures_repeat_the_header_within_a_block(strength):
    """At 128 pixels there are 64 to 256 blocks, and the header's code word has 240 bits."""
    layout = Layout.of(strength, (128, 128))
    assert np.bincount(layout.header_bit, minlength=HEADER_CODE_BITS).min() >= 1
    assert len(layout.header_slots) <= 0.4 * layout.slots


@pytest.mark.parametrize("shape", SIZES)
def test_the_template_stands_where_it_does_in_any_picture(shape):
    layout = Layout.of(SOCIAL, shape)
    said = np.zeros(layout.slots, int)
    said[layout.template_slots] = 2 * layout.template_bit.astype(int) - 1
    grid = said.reshape(layout.rows, layout.columns, -1)
    across, down = (SOCIAL.frequencies.index(f) for f in template.FREQUENCIES)
    signs = np.sign(template.Template.of(FORMAT_1).points(layout.rows, layout.columns))
    np.testing.assert_array_equal(grid[..., [across, down]].transpose(2, 0, 1), signs)
    assert np.count_nonzero(said) == len(layout.template_slots)
    assert not layout.dither(WORD).reshape(-1)[layout.template_slots].any()


@pytest.mark.parametrize("strength", [FILE, JPEG])
def test_strengths_that_promise_no_resize_have_no_template(strength):
    assert len(Layout.of(strength, (512, 512)).template_slots) == 0


@EVERY
def test_dithers_are_uniform_within_a_step(strength):
    layout = Layout.of(strength, (64 * strength.block, 40 * strength.block))
    dither = layout.dither(WORD)
    assert dither.shape == (64, 40, len(strength.frequencies))
    share = (dither / strength.step).reshape(-1)
    share = np.delete(share, layout.template_slots)
    assert -0.5 <= share.min() < -0.49 and 0.49 < share.max() <= 0.5
    assert abs(share.mean()) < 0.01
    assert abs(np.corrcoef(dither[:32].ravel(), dither[32:].ravel())[0, 1]) < 0.05


@EVERY
def test_what_the_header_is_drawn_from_is_the_key_and_the_body_needs_the_header_too(strength):
    shape, keyed = (512, 512), Keystream.keyed(bytes(32))
    mine, other = Layout.of(strength, shape, keyed), Layout.of(strength, shape, Keystream.keyed(b"k" * 32))
    assert not np.array_equal(mine.header_slots, other.header_slots)
    assert not np.allclose(mine.header_dither, other.header_dither)
    for layout, alike in ((other, False), (mine, True)):
        first, second = mine.dither(WORD).reshape(-1), layout.dither(1 - WORD).reshape(-1)
        assert np.array_equal(first[mine.header_slots], second[mine.header_slots]) == alike
        body = np.intersect1d(mine.body_slots, layout.body_slots)
        assert abs(np.corrcoef(first[body], second[body])[0, 1]) < 0.05


def test_the_layout_of_format_1_never_changes():
    """An old picture must open with a new version."""
    jpeg, social = Layout.of(JPEG, (2000, 3000), FORMAT_1), Layout.of(SOCIAL, (201, 333), FORMAT_1)
    assert (jpeg.stride, jpeg.depth, social.stride, social.depth) == (8, 1, 1, 4)
    assert jpeg.header_slots[[0, 1, 2, 300, -1]].tolist() == [0, 81, 162, 24089, 937485]
    assert social.header_slots[[0, 1, 2, 300, -1]].tolist() == [2, 3, 4, 1518, 4783]
    assert jpeg.header_bit[[1, 239, 240]].tolist() == [1, 27, 28]
    assert social.header_bit[[1, 239, 240]].tolist() == [1, 239, 0]
    dither = jpeg.dither(WORD)
    np.testing.assert_allclose(dither[0, 0, :3], [5.202523, 5.806309, -5.565366], atol=1e-4)
    np.testing.assert_array_equal(dither, jpeg.dither(1 - WORD))
    np.testing.assert_array_equal(dither[:32], dither[32:64])


def test_the_layout_of_format_2_never_changes():
    keyed = Keystream.keyed(bytes(range(32)))
    jpeg, social = Layout.of(JPEG, (2000, 3000), keyed), Layout.of(SOCIAL, (201, 333), keyed)
    assert jpeg.header_slots[[0, 1, 2, 300, -1]].tolist() == [6, 80, 164, 24084, 937485]
    assert social.header_slots[[0, 1, 2, 300, -1]].tolist() == [10, 11, 12, 1511, 4785]
    np.testing.assert_allclose(jpeg.header_dither[:3], [12.56014, 5.49337, 7.97907], atol=1e-4)
    np.testing.assert_allclose(jpeg.dither(WORD)[0, 1, :3], [5.54388, -7.25366, -13.44743], atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (7, 400), (15, 15), (0, 0)])
def test_a_picture_without_a_whole_block_has_no_slots(shape):
    layout = Layout.of(SOCIAL, shape)
    assert layout.slots == len(layout.header_slots) == len(layout.body_slots) == layout.dither(WORD).size == 0


@EVERY
def test_every_frequency_has_a_step_and_none_is_the_mean(strength):
    assert len(strength.steps) == len(strength.frequencies) == len(set(strength.frequencies))
    assert (0, 0) not in strength.frequencies
    assert max(max(pair) for pair in strength.frequencies) < strength.block
    assert min(strength.steps) > 0
    assert 0.5 < strength.compensation <= 1


def test_strengths_are_chosen_by_name():
    from stegolab.carrier.strengths import strength

    assert [strength(name) for name in ("file", "jpeg", "social")] == [FILE, JPEG, SOCIAL]
    with pytest.raises(BadSpec, match="file, jpeg, social"):
        strength("strong")


@pytest.mark.parametrize("strength", STRENGTHS.values(), ids=STRENGTHS)
@pytest.mark.parametrize("shape", [(8, 8), (200, 333), (1000, 1400)])
def test_the_dither_of_the_header_is_that_of_its_slots(strength, shape):
    layout = Layout.of(strength, shape)
    np.testing.assert_array_equal(layout.header_dither, layout.dither(WORD).reshape(-1)[layout.header_slots])
