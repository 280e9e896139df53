"""The learning rate of each step, and the names that options once had."""

import math

import pytest

from stegolab.training.config import RunConfig, cosine


def test_the_rate_rises_then_falls_along_half_a_cosine():
    config = RunConfig(steps=1000, learning_rate=2.0)
    assert cosine(0, config) == 0
    assert cosine(100, config, warmup=100) == pytest.approx(2.0 * (0.02 + 0.49 * (1 + math.cos(0.1 * math.pi))))
    assert cosine(1000, config) == cosine(5000, config) == pytest.approx(0.04)
    rates = [cosine(step, config) for step in range(200, 1001)]
    assert rates == sorted(rates, reverse=True)
