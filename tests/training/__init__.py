"""What the tests of every trainer need, and two laws that hold for each: seeded, and resumed to the bit."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor


def cpu() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def run(trained: Any, train: Any, steps: int) -> list[dict[str, float]]:
    """What the trainer logs in its next steps."""
    return [trained.advance(train) for _ in range(steps)]


def weights(of: Any) -> dict[str, Tensor]:
    """A copy of the weights of a trainer or learner."""
    return {name: value.clone() for name, value in of.plain.state_dict().items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def assert_seeded(make: Callable[[int], Any], train: Any, steps: int = 3) -> None:
    """All that is random is drawn from seed and step; ``make`` takes the seed."""
    logs = [run(make(seed), train, steps) for seed in (0, 0, 1)]
    assert logs[0] == logs[1] != logs[2]
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002  # whoever else draws changes nothing
    assert run(make(0), train, steps) == logs[0]


def assert_resumes(make: Callable[[], Any], train: Any, steps: int, folder: Path) -> tuple[Any, Any]:
    """A run resumed after ``steps`` is the uninterrupted one of twice as many, bit for bit; returns both."""
    whole, first, resumed = make(), make(), make()
    log = run(whole, train, 2 * steps)
    assert run(first, train, steps) == log[:steps]
    torch.save(first.state(), folder / "checkpoint.pt")
    resumed.load(torch.load(folder / "checkpoint.pt", weights_only=True))
    assert run(resumed, train, steps) == log[steps:]
    assert resumed.step == whole.step == 2 * steps
    assert same(weights(resumed), weights(whole))
    assert same(resumed.learner.averaged, whole.learner.averaged)
    return resumed, whole
