"""The replay buffer: the newest are kept, draws are seeded, a restored buffer continues as if nothing had happened."""

import io

import numpy as np
import pytest
import torch

from stegolab.errors import BadSpec
from stegolab.speech.replay import ReplayBuffer

N = 160


def clips(*numbers: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Triples that contain their number three times."""
    number = torch.tensor(numbers, dtype=torch.float32)[:, None]
    return (number / 64).expand(-1, N), (-number / 64).expand(-1, N), (number / 64).expand(-1, 2)


def numbers(buffer: ReplayBuffer, count: int = 99, seed: int = 0) -> list[int]:
    clean, enhanced, scores = buffer.draw(count, np.random.default_rng(seed))
    assert (clean == -enhanced).all() and (clean[:, :2] == scores).all()
    assert clean.dtype == enhanced.dtype == scores.dtype == torch.float32
    return [round(64 * float(c[0])) for c in clean]


def test_an_empty_buffer_draws_nothing():
    buffer = ReplayBuffer(N, 4)
    assert len(buffer) == 0 and numbers(buffer) == []
    assert torch.cat([torch.ones(2, N), buffer.draw(3, np.random.default_rng(0))[0]]).shape == (2, N)


@pytest.mark.parametrize("batches", [[(1, 2, 3, 4, 5, 6)], [(1, 2, 3), (4, 5, 6)], [(n,) for n in range(1, 7)]])
def test_the_newest_are_kept(batches):
    buffer = ReplayBuffer(N, 4)
    for batch in batches:
        buffer.add(*clips(*batch))
    assert len(buffer) == 4
    assert sorted(numbers(buffer)) == [3, 4, 5, 6]


def test_draws_are_seeded_without_repetition_and_reach_everything():
    buffer = ReplayBuffer(N, 8)
    buffer.add(*clips(*range(8)))
    assert numbers(buffer, 3, seed=1) == numbers(buffer, 3, seed=1)
    draws = [tuple(numbers(buffer, 3, seed)) for seed in range(40)]
    assert all(len(set(draw)) == 3 for draw in draws)
    assert len(set(draws)) > 20 and {n for draw in draws for n in draw} == set(range(8))


def test_what_is_drawn_and_given_is_no_view():
    buffer = ReplayBuffer(N, 2)
    clean, enhanced, scores = (t.clone() for t in clips(1, 2))
    buffer.add(clean, enhanced, scores)
    for tensor in (clean, enhanced, scores, *buffer.draw(2, np.random.default_rng(0))):
        tensor.zero_()
    assert sorted(numbers(buffer)) == [1, 2]


def test_no_graph_is_kept():
    buffer = ReplayBuffer(N, 2)
    clean, enhanced, scores = clips(1)
    buffer.add(clean, enhanced.clone().requires_grad_() * 1, scores)
    assert not any(tensor.requires_grad for tensor in buffer.draw(1, np.random.default_rng(0)))


def test_quiet_clips_keep_their_precision():
    quiet = 1e-3 * torch.randn(1, N, generator=torch.Generator().manual_seed(0))
    buffer = ReplayBuffer(N, 1)
    buffer.add(quiet, quiet, torch.zeros(1, 2))
    error = buffer.draw(1, np.random.default_rng(0))[0] - quiet
    assert 10 * torch.log10(quiet.square().mean() / error.square().mean()) > 60


@pytest.mark.parametrize("added", [0, 3, 4, 6])
def test_a_restored_buffer_continues_as_if_nothing_had_happened(added):
    buffer = ReplayBuffer(N, 4)
    for n in range(added):
        buffer.add(*clips(n))
    file = io.BytesIO()
    torch.save(buffer.state(), file)
    file.seek(0)
    restored = ReplayBuffer(N, 4)
    restored.load(torch.load(file, weights_only=True))
    for later in (buffer, restored):
        later.add(*clips(10))
    assert len(buffer) == len(restored)
    for seed in range(3):
        assert numbers(buffer, 2, seed) == numbers(restored, 2, seed)
    for later in (buffer, restored):
        later.add(*clips(11, 12, 13))
    assert sorted(numbers(buffer)) == sorted(numbers(restored)) == [10, 11, 12, 13]


def test_a_state_does_not_change_with_the_buffer():
    buffer = ReplayBuffer(N, 2)
    buffer.add(*clips(1))
    state = buffer.state()
    buffer.add(*clips(2, 3))
    restored = ReplayBuffer(N, 2)
    restored.load(state)
    assert numbers(restored) == [1]


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadSpec, match="give 1 or more"):
        ReplayBuffer(N, 0)
    buffer = ReplayBuffer(N, 2)
    buffer.add(*clips(1))
    clean, enhanced, scores = clips(2)
    for wrong in (
        (clean[:, 1:], enhanced[:, 1:], scores),
        (clean, enhanced[:, 1:], scores),
        (clean, enhanced, scores[:0]),
    ):
        with pytest.raises(BadSpec, match="160 samples"):
            buffer.add(*wrong)
    assert numbers(buffer) == [1]
    with pytest.raises(BadSpec, match="3 x 160 samples cannot continue one of 2 x 160"):
        ReplayBuffer(N, 3).load(buffer.state())
