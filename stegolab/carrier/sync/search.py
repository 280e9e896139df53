"""Finding a picture's geometry from nothing but the picture: the coarse search for the template (notebook 08).

At the right scale and place the symbols of the template agree with what is known of them. In one dimension, with three
blocks that the sender made say +, - and -, each by a slow wave of a quarter of the template's step of 39:

>>> import numpy as np
>>> from stegolab.carrier.blockdct import basis
>>> signs, wave = np.array([1, -1, -1]), basis(16)[1]
>>> original = 128 + np.concatenate([sign * 39 / 4 * wave for sign in signs])  # (48,)

On the way it was shrunk to half, and then lost its first three pixels, which were six of the original's. So a place x
of the original is now at 0.5 * x - 3:

>>> received = original.reshape(24, 2).mean(axis=1)[3:]  # (21,)

The receiver knows the signs and nothing else. It assumes a scale and an offset, reads the original's pixels there, asks
each block what it says, from -1 to 1, and adds up what agrees with the sign that it should have:

>>> def agreement(scale, offset):
...     places = scale * (np.arange(48) + 0.5) + offset  # of the centres of the original's pixels
...     blocks = np.interp(places - 0.5, np.arange(21), received).reshape(3, 16)
...     return float(signs @ np.sin(2 * np.pi / 39 * (blocks @ wave)))

Of all scales and offsets that it tries, the right ones agree best, though half of the first block is gone:

>>> tried = [(scale, offset) for scale in (0.4, 0.45, 0.5, 0.55, 0.6) for offset in range(-8, 9)]
>>> max(tried, key=lambda guess: agreement(*guess))
(0.5, -3)
>>> [round(agreement(0.5, offset), 2) for offset in (-4, -3, -2)]
[2.29, 2.81, 2.5]

That is the search. The registration goes on from there: the parabola through these three has its top at -2.87, where
the received picture would begin 5.7 pixels into the original; rounded to whole pixels, 6, it is exact. Three blocks say
so little that a wrong guess comes close (2.71); a window of a real picture has five hundred that do.

Most pictures were rescaled and nothing else: then the offset is 0, and only scales are tried, at the ``corner``. For
all others a look (``correlation``) tells the place and the turn at one scale at once, and again what is left to try are
scales. Every one is tried on a window small enough that a scale a little off is still right in all of it. A very busy
picture shows the template only where the scale is right to a fraction of a pixel. So pictures are also looked at in
full resolution, at exactly the scales that sizes in whole pixels allow, and, to undo a box filter, with each received
pixel repeated for all the original pixels that went into it instead of interpolated.

A search ends when its work is done, never when a time is up: so many looks at a window and so many registrations, in a
fixed order, whatever the picture's size and however slow the machine. So every machine finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from math import ceil, exp, floor, log

from ... import progress
from . import corner, template
from .correlation import PERIOD_PIXELS, Peak, Scales, highest_peaks
from .geometry import ROTATIONS, TURNS, Axes, Axis, Geometry, Plane
from .margins import without_margins
from .registration import Aligned, align
from .template import Template
from .view import View

# Hypotheses tried in one search, at most. A picture gives rise to 1,400, and to 650 more if it has margins, whatever
# its size; so this is a limit that tests hold the lists below to: each costs the same everywhere, and a longer list
# makes every search in vain slower by as much.
LOOKS = 2200
# Standard deviations from which a lock of a look is followed at once. Chance reaches 5.7 in a whole search: lower, and
# time goes into registrations of nothing; higher, and what is found now is found only after all scales have been tried.
CERTAIN = 6.0
# Received over original: the scales that strength `social` is declared for, and below half a little more. A wider range
# takes more looks; outside of it too little of the template is left.
_LEAST_SCALE, _LARGEST_SCALE = 0.4, 2.0
# Of the logarithm of the scale, between the looks of the sweep. The right scale is then a quarter of a per cent off, at
# most, which is a third of a pixel on average over the window: half the step would double the looks, twice the step
# would blur the template's symbols at the window's edge.
_SCALE_STEP = 0.005
# What platforms and people scale by, likeliest first: found in the first dozen looks instead of after hundreds.
_COMMON = (1 / 2, 3 / 4, 2 / 3, 2.0, 0.8, 0.6, 0.9, 0.7, 0.4, 1.25, 1.5)
# Round factors of twentieths, for very busy pictures that were cut as well: they only show at the exact scale.
_SELDOM = tuple(k / 20 for k in range(8, 40) if k / 20 not in (1.0, *_COMMON))
# Registrations of the best locks that were not certain, of each template. More of them find fainter ones; each reads a
# window a hundred times before it gives up, and tests bound the work that all of them take.
_DOUBTFUL_FOLLOWED = 4
# Registrations of certain locks, of each template. One or two is what a picture gives; a template that shows at more
# scales than this shows at none, and the limit keeps a crafted picture from making the search long.
_CERTAIN_FOLLOWED = 16
# Steps of scale, in each direction, that a certain lock may climb: a tenth of the scale. A smooth picture shows the
# template beside its scale too, but not farther.
_UPHILL = 20
# Of the logarithm of the scale: a lock at the corner that is nearer to one that was followed already is the same one.
_SAME = 0.012


@dataclass(frozen=True)
class Hypothesis:
    """What is tried: how to look at the picture (``view``), and how large it is, in terms of the original (``scales``).

    ``turns``: those that are looked at; none if it was not cut or turned, only rescaled: then ``corner`` tells.
    """

    view: View
    scales: Scales
    turns: tuple[int, ...] = tuple(TURNS)

    def locks(self, templates: Sequence[Template]) -> list[Lock]:
        """Where each template shows best under this hypothesis; none where too little would be left."""
        if self.turns:
            return look(templates, self.view, self.scales, self.turns)
        axes = Axes(Axis(self.scales.height, 0.0), Axis(self.scales.width, 0.0))
        scores = corner.agreements(templates, self.view, axes)
        return [Lock(score, Geometry(0, *axes)) for score in scores]

    def climbed(self, known: Template, lock: Lock) -> Geometry:
        """The geometry of a lock that is certain, at a scale that is as good as it can be told here."""
        if self.turns:
            return _uphill(known, self.view, lock).geometry
        return Geometry(0, *corner.refined(known, self.view, self.scales.height))


@dataclass(frozen=True)
class Lock:
    """A place where the template shows: ``geometry`` to a few pixels of the original, modulo the period.

    ``score``: in standard deviations of what chance gives.
    """

    score: float
    geometry: Geometry


@dataclass
class _Pursuit:
    """What a search knows of one template: which locks were followed, and which could be. Each has its own limits."""

    known: Template
    doubtful: list[tuple[View, Lock]] = field(default_factory=list)
    at_corner: list[tuple[View, float]] = field(default_factory=list)  # scales that were followed
    certain: int = 0

    def follow(self, tried: Hypothesis, lock: Lock) -> Iterator[Aligned]:
        """Follow a lock if it is certain; remember it if it is doubtful."""
        if not tried.turns:
            scale = tried.scales.height
            if lock.score < corner.CERTAIN or any(
                view is tried.view and abs(log(scale / other)) < _SAME for view, other in self.at_corner
            ):
                return
            geometry = tried.climbed(self.known, lock)
            self.at_corner += [(tried.view, scale), (tried.view, geometry.vertical.scale)]
        elif lock.score > CERTAIN:
            geometry = tried.climbed(self.known, lock)
        else:
            self.doubtful.append((tried.view, lock))
            return
        if self.certain < _CERTAIN_FOLLOWED:
            self.certain += 1
            yield from align(self.known, tried.view, geometry)

    def best_doubtful(self) -> Iterator[Aligned]:
        """Follow the best of those that were not certain."""
        for view, lock in sorted(self.doubtful, key=lambda found: -found[1].score)[:_DOUBTFUL_FOLLOWED]:
            yield from align(self.known, view, lock.geometry)


def search(plane: Plane, templates: Sequence[Template], looks: int = LOOKS) -> Iterator[tuple[Template, Aligned]]:
    """A received luma plane laid back onto the original, wherever one of ``templates`` shows, and which one it is.

    Nothing where none does. What is found of one does not depend on the others.

    ``looks``: how many of the hypotheses are tried, the likeliest first. It is all the work that grows with nothing
    else: each reads a window of a fixed size, and ``registration`` gives up on a small part of the picture.
    """
    pursuits = [_Pursuit(known) for known in dict.fromkeys(templates)]
    every = [pursuit.known for pursuit in pursuits]
    for tried in progress.steps(islice(_hypotheses(plane), looks), looks, "looking for another size"):
        for pursuit, lock in zip(pursuits, tried.locks(every), strict=False):
            for aligned in pursuit.follow(tried, lock):
                yield pursuit.known, aligned
    for pursuit in pursuits:
        for aligned in pursuit.best_doubtful():
            yield pursuit.known, aligned


def look(templates: Sequence[Template], view: View, scales: Scales, turns: Sequence[int] = TURNS) -> list[Lock]:
    """For each template the best place and turn at some scales; none if fewer than two blocks a side would be left."""
    height, width = view.plane.shape[0] / scales.height, view.plane.shape[1] / scales.width  # in the original's pixels
    if min(height, width) < 2 * template.BLOCK:
        return []
    return [_lock(peak, scales, height, width) for peak in highest_peaks(templates, view, scales, turns)]


def _lock(peak: Peak, scales: Scales, height: float, width: float) -> Lock:
    """A ``peak`` of a picture as large as ``height`` and ``width`` pixels of the original."""
    along_height = scales.height, height, peak.top
    along_width = scales.width, width, peak.left
    sides = (along_width, along_height) if peak.turn & 4 else (along_height, along_width)  # once it is transposed
    vertical, horizontal = (
        _axis(scale, -start - side if flipped else start)  # a flip makes the end the beginning
        for (scale, side, start), flipped in zip(sides, (peak.turn & 2, peak.turn & 1), strict=True)
    )
    return Lock(peak.score, Geometry(peak.turn, vertical, horizontal))


def _axis(scale: float, first: float) -> Axis:
    """The axis of a picture whose received part begins at pixel ``first`` of the original, give or take a period.

    Of all the periods the one that has the original begin no more than half a block after what was received.
    """
    half = template.BLOCK // 2
    return Axis(scale, -scale * ((first + half) % PERIOD_PIXELS - half))


def _hypotheses(plane: Plane) -> Iterator[Hypothesis]:
    """What is tried, the likeliest first: the size is as it was, it was only rescaled, it was cut and rescaled.

    Before all that, if there are margins: what is within them, at any scale.
    """
    half, full, held = View(plane), View(plane, 1), View(plane, 1, held=True)
    fine = corner.scales_between(_LEAST_SCALE, _LARGEST_SCALE)
    inner = without_margins(plane)
    if inner is not None:
        within = View(inner, 1)
        yield from (Hypothesis(within, Scales.equal(scale), ()) for scale in (1.0, *_COMMON, *fine))
    yield Hypothesis(full, Scales.equal(1.0))
    yield from (Hypothesis(full, Scales.equal(scale), ()) for scale in (*_COMMON, *fine))
    yield from (Hypothesis(held, Scales.equal(scale), ()) for scale in fine if scale < 1)
    yield from (Hypothesis(half, Scales.equal(scale)) for scale in _COMMON)
    for factor in _COMMON:
        views = (full, held) if factor < 1 else (full,)
        yield from (Hypothesis(view, exact, (0,)) for view, exact in product(views, _exact_scales(plane, factor)))
    yield from (Hypothesis(half, Scales.equal(scale), ROTATIONS) for scale in _swept_scales())
    for factor in _SELDOM:
        yield from (Hypothesis(full, exact, (0,)) for exact in _exact_scales(plane, factor))


def _exact_scales(plane: Plane, factor: float) -> Iterator[Scales]:
    """Those of every original that this factor, rounded to whole pixels, makes as large as ``plane``."""
    sizes = (range(ceil((have - 0.5) / factor), floor((have + 0.5) / factor) + 1) for have in plane.shape)
    for height, width in product(*sizes):
        yield Scales(plane.shape[0] / height, plane.shape[1] / width)


def _swept_scales() -> list[float]:
    """Every scale of the range, a step apart, from the middle outwards."""
    count = int(log(_LARGEST_SCALE / _LEAST_SCALE) / _SCALE_STEP)
    scales = (_LEAST_SCALE * exp(_SCALE_STEP * k) for k in range(count + 1))
    return sorted(scales, key=lambda scale: abs(log(scale)))


def _uphill(known: Template, view: View, lock: Lock) -> Lock:
    """The best lock on the way uphill from scale to scale, both sides alike, first to larger and then to smaller."""
    for direction in (1, -1):
        factor = exp(direction * _SCALE_STEP)
        for _ in range(_UPHILL):
            vertical, horizontal = lock.geometry.axes
            if lock.geometry.turn & 4:  # a look is at the picture before it is turned
                vertical, horizontal = horizontal, vertical
            beside = look([known], view, Scales(vertical.scale * factor, horizontal.scale * factor))
            if not beside or beside[0].score <= lock.score:
                break
            lock = beside[0]
    return lock
