"""From the picture alone, scale, place, turn and original size are found exactly; without a template, nothing.

The amount of work is limited and the same on every machine: looks and pixels are counted, never seconds.
"""

import doctest
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from stegolab import keystream
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import SOCIAL
from stegolab.carrier.sync import corner, correlation, registration, search
from stegolab.carrier.sync.correlation import Scales
from stegolab.carrier.sync.filters import Filters
from stegolab.carrier.sync.geometry import TURNS, Axes, Axis, Geometry, resized, turned
from stegolab.carrier.sync.view import View
from stegolab.channel import spec
from stegolab.header import HEADER_CODE_BITS
from stegolab.images import luma
from tests import covers

from .drawings import KEYED, PUBLIC

CARRIER = LatticeCarrier(SOCIAL, keystream.FORMAT_1)
HEADER = np.random.default_rng(1).integers(0, 2, HEADER_CODE_BITS, np.uint8)


def stego(cover):
    rng, slots = np.random.default_rng(2), CARRIER.body_slots(cover.shape)
    return CARRIER.embed(cover, HEADER, rng.integers(0, 2, slots, np.uint8), np.ones(slots, bool))


NOISE = np.random.default_rng(5).normal(128, 30, (512, 512, 1)).clip(0, 255).astype(np.uint8)
STEGO = {name: stego(cover) for name, cover in covers.larger().items()}
_FREQUENCY = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.fftfreq(512))
_DETAIL = np.fft.ifft2(np.fft.fft2(np.random.default_rng(5).normal(0, 1, (512, 512))) / _FREQUENCY.clip(1 / 32)).real
DETAIL = (128 + 45 * _DETAIL / _DETAIL.std()).clip(0, 255).astype(np.uint8)[..., None]
BUSY = {
    name: stego(np.ascontiguousarray(grey.repeat(3, axis=2))) for name, grey in (("noise", NOISE), ("detail", DETAIL))
}


def part(rgb, top=0, bottom=0, left=0, right=0):
    """The picture without this many pixels at each edge."""
    return np.ascontiguousarray(rgb[top : len(rgb) - bottom, left : rgb.shape[1] - right])


def views_of(plane):
    """All views in which a plane is searched."""
    return [View(plane), View(plane, 1), View(plane, 1, held=True)]


# What happened before the platform; what is left of the original: (top, left), (bottom, right) in its pixels.
CUTS = {
    "whole": {},
    "shifted by one": {"top": 1, "left": 3},
    "a block and a bit": {"top": 17, "left": 16, "right": 5},
    "a quarter gone": {"top": 31, "bottom": 20, "left": 40, "right": 25},
}


@pytest.mark.parametrize(
    ("cover", "cut", "attack"),
    [
        ("noise", "shifted by one", "jpeg:75"),
        ("detail", "a block and a bit", "resize:0.8,jpeg:80"),
        ("noise", "whole", "resize:0.6:box,jpeg:85"),
    ],
)
def test_in_very_busy_pictures_the_geometry_is_found_as_well(cover, cut, attack):
    """So busy a picture shows nothing between whole pixels, at half resolution, or at a scale that is nearly right.

    Nor does it if it is interpolated after a box filter.
    """
    before = part(BUSY[cover], **CUTS[cut])
    received = luma(spec.parse(attack)(before))
    _, aligned = next(search.search(received, [PUBLIC]))
    axes = aligned.geometry.vertical, aligned.geometry.horizontal
    edges = CUTS[cut].get("top", 0), CUTS[cut].get("left", 0)
    for axis, start, kept, have in zip(axes, edges, before.shape, received.shape, strict=False):
        assert axis.original(0) == pytest.approx(start, abs=0.01)
        assert axis.original(have) == pytest.approx(start + kept, abs=0.01)


@pytest.mark.parametrize(
    ("cut", "attack"),
    [
        ("whole", "resize:0.5"),
        ("shifted by one", "jpeg:75"),
        ("a block and a bit", "resize:0.75,jpeg:80"),
        ("a quarter gone", "jpeg:75"),
        ("a quarter gone", "resize:0.75,jpeg:80"),
    ],
)
def test_the_exact_geometry_is_found(cut, attack):
    before = part(STEGO["coffee"], **CUTS[cut])
    received = luma(spec.parse(attack)(before))
    _, aligned = next(search.search(received, [PUBLIC]))
    assert aligned.seen.shape == tuple(side // 16 for side in STEGO["coffee"].shape[:2])
    edges = CUTS[cut].get("top", 0), CUTS[cut].get("left", 0)
    axes = aligned.geometry.vertical, aligned.geometry.horizontal
    for axis, start, kept, have in zip(axes, edges, before.shape, received.shape, strict=False):
        assert axis.original(0) == pytest.approx(start, abs=0.01)
        assert axis.original(have) == pytest.approx(start + kept, abs=0.01)
    reading = CARRIER.read_aligned(aligned)
    assert np.mean((reading.header_llr > 0) == HEADER) > 0.9
    whole = [side // 16 * 16 for side in before.shape[:2]]
    assert aligned.seen.sum() >= (whole[0] // 16 - 1) * (whole[1] // 16 - 1)


@pytest.mark.parametrize("turn", [1, 4, 6])
def test_turns_and_flips_are_undone(turn):
    received = spec.parse("jpeg:80")(turned(part(STEGO["chelsea"], top=5, right=9), turn))
    _, aligned = next(search.search(luma(received), [PUBLIC]))
    upright = turned(turned(np.arange(6).reshape(2, 3), turn), aligned.geometry.turn)
    np.testing.assert_array_equal(upright, np.arange(6).reshape(2, 3))
    assert aligned.geometry.vertical == Axis(1.0, -5.0)
    assert np.mean((CARRIER.read_aligned(aligned).header_llr > 0) == HEADER) > 0.9


@pytest.mark.parametrize("turn", TURNS)
def test_one_look_tells_turn_and_place_even_if_the_two_scales_differ(turn):
    upright = resized(luma(part(STEGO["chelsea"], top=5, right=9)), (236, 309))
    scales = 236 / 295, 309 / 441
    plane = turned(upright, turn)
    at = Scales(*(scales[::-1] if plane.shape == (309, 236) else scales))
    (lock,) = search.look([PUBLIC], View(plane, 1), at)
    np.testing.assert_array_equal(turned(plane, lock.geometry.turn), upright)
    for axis, scale, start in zip((lock.geometry.vertical, lock.geometry.horizontal), scales, (5, 0), strict=True):
        assert axis.scale == scale
        assert axis.original(0) == pytest.approx(start, abs=1)


@pytest.mark.parametrize("factor", [0.4432, 1.2718])
def test_scales_that_no_platform_uses_are_found_by_the_sweep(factor):
    """Without a cut the size of the original is known to the pixel, sides that were rounded each its own way too."""
    received = luma(spec.parse(f"resize:{factor}")(STEGO["chelsea"]))
    _, aligned = next(search.search(received, [PUBLIC]))
    assert aligned.shape == STEGO["chelsea"].shape[:2]
    assert aligned.seen.all()


def test_a_crop_after_a_resize_is_at_no_whole_pixel_and_found_all_the_same():
    received = luma(part(spec.parse("resize:0.7")(STEGO["coffee"]), top=11, left=8))
    _, aligned = next(search.search(received, [PUBLIC]))
    assert aligned.geometry.vertical.original(0) == pytest.approx(11 / 0.7, abs=0.3)
    assert aligned.geometry.horizontal.original(0) == pytest.approx(8 / 0.7, abs=0.3)
    assert np.mean((CARRIER.read_aligned(aligned).header_llr > 0) == HEADER) > 0.9


def test_the_example_in_one_dimension_says_what_it_says():
    found = doctest.testmod(search)
    assert found.attempted >= 8 and found.failed == 0


def test_without_a_template_nothing_is_found():
    assert list(search.search(luma(covers.every()["camera"]), [PUBLIC])) == []


@pytest.mark.parametrize("cover", [covers.larger()["coffee"], NOISE.repeat(3, axis=2)], ids=["coffee", "noise"])
def test_chance_stays_below_what_is_taken_for_certain(cover):
    looks = zip(views_of(luma(cover)) * 8, map(Scales.equal, np.geomspace(0.4, 2, 24)), strict=True)
    scores = [lock.score for look in looks for lock in search.look([PUBLIC], *look)]
    assert min(scores) > 3
    assert max(scores) < search.CERTAIN


@pytest.mark.parametrize("cover", [covers.larger()["coffee"], NOISE.repeat(3, axis=2)], ids=["coffee", "noise"])
def test_chance_at_the_corner_stays_below_what_is_followed(cover):
    scales = [Axes(Axis(scale, 0.0), Axis(scale, 0.0)) for scale in corner.scales_between(0.4, 2.0)]
    assert len(scales) == 644 and scales[0].vertical.scale == pytest.approx(1, abs=corner.STEP)
    for view in views_of(luma(cover)):
        scores = [
            corner.agreements([PUBLIC], view, axes)[0] for axes in scales if axes.vertical.scale < 1 or not view.held
        ]
        assert 2 < max(scores) < 0.9 * corner.CERTAIN


@pytest.mark.parametrize("cover", ["noise", "detail", "coffee", "chelsea"])
@pytest.mark.parametrize("width", [232, 317, 411, 448, 530])
def test_a_picture_that_was_only_rescaled_is_found_at_any_size(cover, width):
    """However busy the picture is, with each side rounded separately."""
    stego = {**STEGO, **BUSY}[cover]
    size = round(stego.shape[0] * width / stego.shape[1]), width
    received = luma(np.asarray(Image.fromarray(stego).resize(size[::-1], Image.Resampling.BICUBIC)))
    _, aligned = next(search.search(received, [PUBLIC]))
    assert aligned.shape == stego.shape[:2] and aligned.seen.all()
    for axis, have, was in zip(aligned.geometry.axes, size, stego.shape[:2], strict=True):
        assert (axis.scale, axis.offset) == (pytest.approx(have / was, rel=1e-9), pytest.approx(0, abs=1e-9))


@pytest.mark.parametrize(("cover", "ratio", "attack"), [("noise", 1.25, "none"), ("chelsea", 1.5, "jpeg:85")])
def test_a_screenshot_of_a_page_is_searched_within_its_margins(cover, ratio, attack):
    shown = spec.parse(f"resize:{ratio}:bilinear")({**STEGO, **BUSY}[cover])
    page = np.pad(shown, ((90, 31), (57, 260), (0, 0)), constant_values=250)
    _, aligned = next(search.search(luma(spec.parse(attack)(page)), [PUBLIC]))
    assert aligned.shape == {**STEGO, **BUSY}[cover].shape[:2] and aligned.seen.all()
    assert [axis.offset for axis in aligned.geometry.axes] == [0, 0]


def test_the_work_of_a_search_is_limited(monkeypatch):
    """A scale that only the sweep finds is found after the same number of hypotheses on every machine."""
    received, tried, hypotheses = luma(spec.parse("resize:1.2718")(STEGO["chelsea"])), [], search._hypotheses
    monkeypatch.setattr(search, "_hypotheses", lambda plane: (tried.append(h) or h for h in hypotheses(plane)))  # type: ignore[func-returns-value]
    next(search.search(received, [PUBLIC]))
    assert 12 < len(tried) < search.LOOKS
    tried.clear()
    assert list(search.search(received, [PUBLIC], looks=12)) == []
    assert len(tried) == 12


@pytest.mark.parametrize(
    "shape", [(1, 1), (16, 4000), (37, 41), (512, 512), (511, 769), (736, 1000), (3000, 4000), (9999, 10_001)]
)
def test_every_hypothesis_is_looked_at_whatever_the_size_of_the_picture(shape, monkeypatch):
    plane = np.broadcast_to(np.float32(0), shape)
    count = sum(1 for _ in search._hypotheses(plane))
    with monkeypatch.context() as patch:
        patch.setattr(search, "without_margins", lambda plane: plane)
        in_margins = sum(1 for _ in search._hypotheses(plane))
    assert 1300 < count < in_margins <= search.LOOKS


@pytest.fixture
def work(monkeypatch):
    """Multiplications of the filters that read pixels, and transforms: on both a search spends its time."""
    read, product = Filters.along_rows, correlation._product
    done: Counter[str] = Counter()

    def counting_read(self, plane):
        done["multiplications"] += self.taps.size * plane.shape[1]
        return read(self, plane)

    def counting_product(*args):
        total = product(*args)
        done["transforms"] += total.shape[1] * total.shape[2]
        return total

    monkeypatch.setattr(Filters, "along_rows", counting_read)
    monkeypatch.setattr(correlation, "_product", counting_product)
    return done


@pytest.mark.parametrize("shape", [(866, 1155), (3000, 4000)])
def test_a_search_in_vain_is_a_bounded_amount_of_work_whatever_the_size_of_the_picture(shape, work):
    """Only windows are read, and a small part for each lock; and a second template costs its transforms only."""
    noise = np.random.default_rng(4).normal(0, 4, shape).astype(np.float32)
    plane = resized(luma(covers.larger()["coffee"]), shape) + noise
    assert list(search.search(plane, [PUBLIC])) == []
    assert 1e9 < work["multiplications"] < 6e9 and 1e5 < work["transforms"] < 1.2e5
    alone = work.copy()
    work.clear()
    assert list(search.search(plane, [PUBLIC, KEYED])) == []
    assert work["multiplications"] < 1.05 * alone["multiplications"]
    assert work["transforms"] == 2 * alone["transforms"]


@pytest.mark.parametrize("turn", [0, 5])
def test_a_lock_that_chance_made_is_given_up_on_a_small_part_of_a_large_picture(turn, work):
    plane = np.random.default_rng(3).normal(128, 20, (4000, 6000)).astype(np.float32)
    for view in views_of(plane):
        work.clear()
        assert list(registration.align(PUBLIC, view, Geometry(turn, Axis(0.5, -3.0), Axis(0.5, -7.0)))) == []
        assert work["multiplications"] < 8e6 < plane.size


def test_a_clock_that_runs_fifty_times_as_fast_changes_nothing(tmp_path):
    """The search on a core that is fifty times as slow: the result must not depend on it."""
    np.save(tmp_path / "received.npy", luma(spec.parse("resize:0.97")(STEGO["chelsea"])))  # only the sweep finds it
    code = f"""
import time
for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
    setattr(time, name, lambda clock=getattr(time, name): 50 * clock())
import numpy
from stegolab.carrier.sync.search import search
from stegolab.carrier.sync.template import Template
from stegolab.keystream import FORMAT_1
_, aligned = next(search(numpy.load({str(tmp_path / "received.npy")!r}), [Template.of(FORMAT_1)]))
print(aligned.shape, aligned.seen.all())
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert found == f"{STEGO['chelsea'].shape[:2]} True"


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 40), (16, 2000), (40, 33)])
def test_tiny_pictures_are_searched_without_a_crash(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert list(search.search(luma(noise), [PUBLIC], looks=40)) == []
    for view in views_of(luma(noise)):
        for scale in (0.4, 1.0, 2.0):
            locks = search.look([PUBLIC], view, Scales.equal(scale))
            assert bool(locks) == (min(noise.shape[:2]) >= 32 * scale)
            assert not any(aligned for lock in locks for aligned in registration.align(PUBLIC, view, lock.geometry))
