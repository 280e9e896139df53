"""With its key a template is found as surely as the public one; with another key there is nothing to find."""

import numpy as np
import pytest

from stegolab.carrier.sync import corner, search
from stegolab.carrier.sync.correlation import Scales
from stegolab.carrier.sync.geometry import Axes, Axis, turned
from stegolab.carrier.sync.template import Template
from stegolab.carrier.sync.view import View
from stegolab.channel import spec
from stegolab.data import sample_covers
from stegolab.images import luma
from stegolab.keystream import Keystream
from tests import covers

from .drawings import BOTH, KEYED, PUBLIC, marked

OTHER = Template.of(Keystream.keyed(bytes([7] * 32)))
ALIKE = 0.15  # of a score: the share by which one that is drawn with a key may differ from the public one, either way
ATTACKS = {"none": 1.0, "jpeg:50": 1.0, "resize:0.5": 0.5, "resize:0.75,jpeg:80": 0.75, "resize:1.5": 1.5}
_SIDE = 96  # of a window of a sample photograph


@pytest.mark.parametrize("cover", ["coffee", "chelsea"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_look_shows_both_alike(cover, attack):
    scores, at_corner = [], []
    for known in BOTH.values():
        view = View(luma(spec.parse(attack)(marked(covers.larger()[cover], known))))
        axis = Axis(ATTACKS[attack], 0.0)
        scores.append(search.look([known], view, Scales.equal(ATTACKS[attack]))[0].score)
        at_corner += corner.agreements([known], view, Axes(axis, axis))
    assert min(scores) > 10 and min(at_corner) > 7
    assert scores[1] == pytest.approx(scores[0], rel=ALIKE)
    assert at_corner[1] == pytest.approx(at_corner[0], rel=ALIKE)


@pytest.mark.parametrize(
    ("attack", "turn"),
    [
        ("crop:0.1,jpeg:75", 0),
        ("shift:7:-4,jpeg:60", 5),
        ("resize:0.63,jpeg:80", 0),
        ("crop:0.1,resize:0.8,jpeg:80", 6),
    ],
)
def test_the_same_geometry_is_found_for_both_and_which_of_them_it_was(attack, turn):
    found = []
    for known in BOTH.values():
        received = luma(turned(spec.parse(attack)(marked(covers.larger()["coffee"], known)), turn))
        which, aligned = next(search.search(received, [KEYED, PUBLIC]))
        _, alone = next(search.search(received, [known]))
        assert which == known
        assert aligned.geometry == alone.geometry
        np.testing.assert_array_equal(aligned.plane, alone.plane)
        found.append(aligned)
    one, other = found
    assert (one.shape, one.geometry.turn) == (other.shape, other.geometry.turn)
    for this, that in zip(one.geometry.axes, other.geometry.axes, strict=True):
        assert this.scale == pytest.approx(that.scale, rel=1e-3) and this.offset == pytest.approx(that.offset, abs=0.3)


def windows():
    """Parts of the sample photographs, more than a hundred."""
    for cover in sample_covers().values():
        rows, columns = (side // _SIDE for side in cover.shape[:2])
        for row, column in np.ndindex(rows, columns):
            yield np.ascontiguousarray(cover[row * _SIDE :, column * _SIDE :][:_SIDE, :_SIDE])


@pytest.mark.parametrize("tried", [OTHER, PUBLIC], ids=["another key", "no key"])
def test_without_its_key_a_template_shows_no_more_than_a_cover_does(tried):
    """The area under the ROC of what a look and the corner show: .5 where neither tells them apart."""
    shown = []
    for number, window in enumerate(windows()):
        own = Template(Keystream.keyed(number.to_bytes(32)))  # with one key for all, they all would show the same
        for picture in (window, marked(window, own)):
            view, as_it_was = View(luma(picture)), Axis(1.0, 0.0)
            (lock,) = search.look([tried], view, Scales.equal(1.0), (0,))
            shown.append((lock.score, *corner.agreements([tried], view, Axes(as_it_was, as_it_was))))
    scores = np.array(shown).reshape(-1, 2, 2)  # (windows, cover or stego, look or corner)
    assert len(scores) > 100
    for untouched, stego in scores.transpose(2, 1, 0):
        above = (stego[:, None] > untouched).mean() + (stego[:, None] == untouched).mean() / 2
        assert above == pytest.approx(0.5, abs=0.06)
