"""From weak attacks to strong ones: which attack a training step meets (notebook 05).

A network that meets JPEG 50 in its first step learns to hide nothing; one that meets only JPEG 95 learns to hide in
what JPEG 50 throws away. So the range of attacks widens during training. A curriculum is a few stages; between two of
them the weights of the attacks and the ranges of their parameters change linearly.

The step number is the only state. With ``generator = numpy.random.default_rng((seed, step))`` a resumed run meets the
attacks that an uninterrupted one would have met.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .. import show
from ..errors import BadSpec
from .spec import parse

if TYPE_CHECKING:
    import torch
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Draw:
    """A kind of attack, and how often it is drawn.

    ``spec`` is an attack specification with a replacement field, as :meth:`str.format` has them, for each parameter
    that is drawn; ``ranges`` holds their (low, high), drawn evenly: ``Draw("jpeg:{:.0f}", 0.5, ((50, 95),))``.
    """

    spec: str
    weight: float
    ranges: tuple[tuple[float, float], ...] = ()

    def at(self, places: tuple[float, ...]) -> str:
        """The specification with each parameter at the given position, 0 to 1, between low and high."""
        return self.spec.format(*(low + (high - low) * p for (low, high), p in zip(self.ranges, places, strict=True)))

    def towards(self, other: Draw, share: float) -> Draw:
        """This draw, moved the share ``share``, 0 to 1, of the way to another one with the same ``spec``."""
        moved = np.array(self.ranges) + share * (np.array(other.ranges) - np.array(self.ranges))
        ranges = tuple((float(low), float(high)) for low, high in moved)
        return Draw(self.spec, self.weight + share * (other.weight - self.weight), ranges)

    def check(self) -> None:
        """Raise BadSpec unless the weight is not negative and both ends of the ranges are attacks."""
        if not self.weight >= 0:
            raise BadSpec(f"the weight of {self.spec!r} must be 0 or more, not {self.weight}")
        try:
            for end in (0.0, 1.0):
                parse(self.at((end,) * len(self.ranges)))
        except (IndexError, KeyError, ValueError) as error:
            raise BadSpec(f"{self.spec!r} does not fit {len(self.ranges)} ranges: {error}") from error


@dataclass(frozen=True)
class Stage:
    """What is drawn at ``step``; the weights need not sum to one."""

    step: int
    draws: tuple[Draw, ...]


class Curriculum:
    """Attacks from weak to strong: ``curriculum.sample(step, generator)`` is an attack specification.

    Before the first stage its values hold, and after the last stage those of the last. A draw that is missing in one of
    two neighbouring stages has weight 0 there.

    Raises:
        BadSpec: no stages, steps that do not rise, a stage without weight, a spec twice, or one that does not parse.
    """

    def __init__(self, *stages: Stage) -> None:
        if not stages or any(a.step >= b.step for a, b in pairwise(stages)):
            raise BadSpec("a curriculum needs at least one stage, and rising steps")
        for stage in stages:
            for draw in stage.draws:
                draw.check()
            if len({draw.spec for draw in stage.draws}) < len(stage.draws) or not any(d.weight for d in stage.draws):
                raise BadSpec(f"stage {stage.step} needs each attack once, and one of them with a weight")
        self.stages = stages

    def at(self, step: int) -> tuple[Draw, ...]:
        """The distribution at ``step``: the draws with their ranges then, and weights that sum to one."""
        before = max((s for s in self.stages if s.step <= step), key=lambda s: s.step, default=self.stages[0])
        after = min((s for s in self.stages if s.step > step), key=lambda s: s.step, default=self.stages[-1])
        share = max(0.0, (step - before.step) / (after.step - before.step)) if after.step > before.step else 0.0
        old, new = ({draw.spec: draw for draw in stage.draws} for stage in (before, after))
        draws = []
        for spec in old | new:
            one, other = old.get(spec), new.get(spec)
            start = one or Draw(spec, 0.0, new[spec].ranges)
            draws.append(start.towards(other or Draw(spec, 0.0, start.ranges), share))
        total = sum(draw.weight for draw in draws)
        return tuple(Draw(d.spec, d.weight / total, d.ranges) for d in draws if d.weight > 0)

    def sample(self, step: int, generator: np.random.Generator | torch.Generator) -> str:
        """An attack specification drawn at ``step``; the same for a generator in the same state."""
        draws = self.at(step)
        first = _uniform(generator)
        index = int(np.searchsorted(np.cumsum([draw.weight for draw in draws]), first, side="right"))
        draw = draws[min(index, len(draws) - 1)]
        return str(parse(draw.at(tuple(_uniform(generator) for _ in draw.ranges))))

    def plot(self, steps: int = 0) -> Figure:
        """Draw the range of JPEG qualities and the mix of attacks against the step.

        Args:
            steps: where the axis ends; by default a fifth beyond the last stage.
        """
        import matplotlib
        from matplotlib.figure import Figure

        end = steps or max(1, self.stages[-1].step * 6 // 5)
        axis = sorted({*np.linspace(0, end, 101).astype(int).tolist(), *(s.step for s in self.stages if s.step <= end)})
        mixes = [self.at(step) for step in axis]
        with matplotlib.rc_context():
            show.style()
            drawn = Figure(figsize=(show.WIDTH, 5.5), layout="constrained")
            above, below = drawn.subplots(2, 1, sharex=True)
            _plot_quality(above, axis, mixes)
            _plot_mix(below, axis, mixes)
        return drawn


def default(strength: str, steps: int, ease: float = 0.2) -> Curriculum:
    """The curriculum for a strength, stretched to a training of ``steps``: jpeg or social.

    After the share ``ease`` of the steps the range is full, with most weight on the worst attacks that the strength
    must survive. A network that starts from nothing needs this. One that starts as a working lattice does not: mild
    attacks at first only shrink its steps, and it does not recover (ease=0).

    Raises:
        BadSpec: there is none for this strength.
    """
    if strength not in _DEFAULTS:
        raise BadSpec(f"there are curricula for {', '.join(_DEFAULTS)}, not {strength}")
    mild, full = _DEFAULTS[strength]
    stages = {0: mild, round(ease * steps): full}  # the later one wins
    return Curriculum(*(Stage(step, draws) for step, draws in stages.items()))


_SEED = (0, 2**32 - 1)
_ANYWHERE = (0.0, 1.0)

# what is drawn at first and later
_DEFAULTS: dict[str, tuple[tuple[Draw, ...], tuple[Draw, ...]]] = {
    "jpeg": (
        (Draw("none", 0.3), Draw("jpeg:{:.0f}:444", 0.4, ((85, 95),)), Draw("jpeg:{:.0f}", 0.3, ((80, 95),))),
        (
            Draw("none", 0.03),
            Draw("jpeg:{:.0f}:444", 0.17, ((50, 92),)),
            Draw("jpeg:{:.0f}", 0.35, ((50, 92),)),
            Draw("jpeg:50", 0.45),
        ),
    ),
    "social": (
        (
            Draw("none", 0.2),
            Draw("jpeg:{:.0f}", 0.4, ((70, 95),)),
            Draw("resize:{:.3f},jpeg:{:.0f}", 0.4, ((0.8, 0.95), (85, 95))),
        ),
        (
            Draw("jpeg:{:.0f}", 0.06, ((50, 90),)),
            Draw("resize:{:.3f},jpeg:{:.0f}", 0.08, ((0.5, 0.95), (75, 90))),
            Draw("resize:0.5,jpeg:75", 0.25),
            Draw("webp:{:.0f}", 0.08, ((75, 85),)),
            Draw("webp:75", 0.36),
            Draw("jpeg:{:.0f},jpeg:{:.0f}", 0.05, ((75, 90), (60, 80))),
            Draw("blur:{:.2f},jpeg:{:.0f}", 0.12, ((0.6, 1.0), (85, 95))),
        ),
    ),
}


def _uniform(generator: np.random.Generator | torch.Generator) -> float:
    """A number in [0, 1) from either kind of generator."""
    if isinstance(generator, np.random.Generator):
        return float(generator.random())
    import torch

    return float(torch.rand((), dtype=torch.float64, generator=generator, device=generator.device))


def _qualities(draw: Draw) -> list[float]:
    """The JPEG qualities at both ends of the ranges."""
    ends = (parse(draw.at((end,) * len(draw.ranges))) for end in (0.0, 1.0))
    return [float(attack.arguments[0]) for chain in ends for attack in chain.attacks if attack.name == "jpeg"]


def _label(draw: Draw) -> str:
    """The specification with each range in its field: ``resize:0.5 … 0.95,jpeg:75 … 95``."""
    fields = draw.spec
    for low, high in draw.ranges:
        start, end = fields.index("{"), fields.index("}")
        named = "any" if (low, high) in (_SEED, _ANYWHERE) else f"{low:g}…{high:g}"
        fields = fields[:start] + named + fields[end + 1 :]
    return fields


def _plot_quality(axes: Axes, axis: list[int], mixes: list[tuple[Draw, ...]]) -> None:
    compressed = [[(draw.weight, _qualities(draw)) for draw in mix if _qualities(draw)] for mix in mixes]
    lowest = [min((min(q) for _, q in mix), default=100) for mix in compressed]
    highest = [max((max(q) for _, q in mix), default=100) for mix in compressed]
    mean = [
        float(np.average([np.mean(q) for _, q in mix], weights=[weight for weight, _ in mix])) if mix else 100.0
        for mix in compressed
    ]
    axes.fill_between(axis, lowest, highest, alpha=0.3, linewidth=0, label="range")
    axes.plot(axis, mean, label="mean")
    axes.set(ylabel="JPEG quality", ylim=(min(lowest) - 10, 101))
    axes.legend(loc="lower left", ncols=2)


def _plot_mix(axes: Axes, axis: list[int], mixes: list[tuple[Draw, ...]]) -> None:
    weights = [{draw.spec: draw.weight for draw in mix} for mix in mixes]
    last = {draw.spec: _label(draw) for mix in mixes for draw in mix}  # the label of the last and widest ranges
    rows = [[mix.get(spec, 0.0) for mix in weights] for spec in last]
    colors = [show.PALETTE[i % len(show.PALETTE)] for i in range(len(rows))]
    for i, layer in enumerate(axes.stackplot(axis, rows, labels=list(last.values()), colors=colors, alpha=0.75)):
        layer.set_hatch("//" if i >= len(show.PALETTE) else "")
    axes.set(xlabel="step", ylabel="share of the steps", ylim=(0, 1), xlim=(axis[0], axis[-1]))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=8)
