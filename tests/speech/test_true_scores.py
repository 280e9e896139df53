"""True scores: in [0, 1], the same from workers as from here, NaN one by one, and no dead worker stops anything."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from stegolab.errors import BadSpec
from stegolab.speech import scores
from stegolab.speech.true_scores import PATIENCE, PESQ_RANGE, TrueScores, in_units, normalised

from ..voice import speak


@pytest.fixture(scope="module")
def clips() -> tuple[np.ndarray, np.ndarray]:
    """Four clips of a second, the noisier the later."""
    clean = np.stack([speak(1.0, seed=seed).samples for seed in range(4)])
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    return clean, (clean + noise * np.array([[0], [0.01], [0.03], [0.1]])).astype(np.float32)


@pytest.fixture(scope="module")
def workers():
    with TrueScores(workers=1) as true:
        yield true


def test_they_are_pesq_and_stoi(clips):
    found = TrueScores()(*clips)
    assert found.shape == (4, 2) and found.dtype == np.float32
    for row, clean, estimate in zip(in_units(found), *clips, strict=True):
        expected = scores.pesq_wb(clean, estimate, 16_000), scores.stoi(clean, estimate, 16_000)
        np.testing.assert_allclose(row, expected, atol=0.01)


def test_a_perfect_estimate_has_the_high_score_and_noise_lowers_it(clips):
    found = TrueScores()(*clips)
    np.testing.assert_allclose(found[0], 1, atol=0.005)
    assert (np.diff(found, axis=0) < 0).all() and found.min() >= 0


def test_normalised_and_back():
    units = np.array([[PESQ_RANGE[0], 0], [2.84, 0.5], [PESQ_RANGE[1], 1], [np.nan, 0.25]], np.float32)
    normal = normalised(*units.T)
    np.testing.assert_allclose(normal, np.array([[0, 0], [0.5, 0.5], [1, 1], [np.nan, 0.25]]), atol=1e-6)
    np.testing.assert_allclose(in_units(normal), units, rtol=1e-6)
    assert normalised([0.9, 5.0], [-0.1, 1.1]).tolist() == [[0, 0], [1, 1]]


def spoilt(clips):
    """Two good clips between two that cannot be judged, one that only STOI refuses, and one that is not a number."""
    clean, estimate = (np.concatenate([waveforms[1:4]] * 2) for waveforms in clips)
    clean[0] = 0  # silent
    estimate[2] = 0
    clean[3, 6000:] = estimate[3, 6000:] = 0  # 0.4 s of speech: too little for STOI, enough for PESQ
    estimate[4, 100] = np.nan
    return clean, estimate


def test_what_has_no_score_is_nan_one_by_one(clips):
    found = TrueScores()(*spoilt(clips))
    assert np.isnan(found).tolist() == [[True] * 2, [False] * 2, [True] * 2, [False, True], [True] * 2, [False] * 2]
    good = TrueScores()(*clips)
    np.testing.assert_array_equal(found[[1, 5]], good[[2, 3]])


@pytest.mark.parametrize("samples", [0, 1, 1000])
def test_a_batch_that_is_too_short_has_no_scores(clips, samples):
    found = TrueScores()(*(waveforms[:, :samples] for waveforms in clips))
    assert found.shape == (4, 2) and np.isnan(found).all()


def test_an_empty_batch_has_an_empty_answer():
    assert TrueScores()(np.zeros((0, 16_000)), np.zeros((0, 16_000))).shape == (0, 2)


def test_workers_give_the_same_numbers(clips, workers):
    np.testing.assert_array_equal(workers(*spoilt(clips)), TrueScores()(*spoilt(clips)))


@pytest.mark.parametrize("mode", ["here", "workers"])
def test_what_was_submitted_counts_not_what_became_of_it(clips, workers, mode):
    true = workers if mode == "workers" else TrueScores()
    clean, estimate = (waveforms.copy() for waveforms in clips)
    first, second = true.submit(clean, estimate), true.submit(clean, clean)
    estimate[:] = clean
    np.testing.assert_allclose(second(), 1, atol=0.005)
    np.testing.assert_array_equal(first(), TrueScores()(*clips))


def send(sign: signal.Signals, true: TrueScores) -> None:
    assert true._pool is not None
    for pid in list(true._pool._processes):
        os.kill(pid, sign)


def test_a_dead_worker_costs_its_clips_and_nothing_else(clips):
    with TrueScores(workers=1) as true:
        true(*clips)
        send(signal.SIGSTOP, true)  # it will not be done before it dies
        pending = true.submit(*clips)
        send(signal.SIGKILL, true)
        with pytest.warns(RuntimeWarning, match="a new pool takes over"):
            lost = pending()
        assert lost.shape == (4, 2) and np.isnan(lost).all()
        np.testing.assert_array_equal(true(*clips), TrueScores()(*clips))


class Doomed(TrueScores):
    """Its workers die before they score anything."""

    def submit(self, clean, estimate):
        pending = super().submit(clean, estimate)
        if self._pool is not None:
            send(signal.SIGKILL, self)
        return pending


def test_where_no_worker_lives_the_scores_are_computed_here(clips):
    with Doomed(workers=1) as true:
        for attempt in range(PATIENCE):
            with pytest.warns(RuntimeWarning, match="in this process" if attempt == PATIENCE - 1 else "new pool"):
                assert np.isnan(true(*clips)).all()
        np.testing.assert_array_equal(true(*clips), TrueScores()(*clips))


def test_closing_ends_the_workers_and_loses_what_was_not_asked_for(clips):
    with TrueScores(workers=1) as true:
        pending = [true.submit(*clips) for _ in range(3)]
        assert true._pool is not None
        processes = list(true._pool._processes.values())
    assert not any(process.is_alive() for process in processes)
    assert np.isnan(pending[-1]()).all()


def test_workers_do_not_wait_for_torch():
    code = "import sys, stegolab.speech.true_scores; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_workers_are_counted_from_zero():
    with pytest.raises(BadSpec, match="-1 workers"):
        TrueScores(workers=-1)
