"""A tick goes on for as long as its block runs, and no longer."""

import threading

import pytest

from stegolab import progress


def test_it_ticks_while_the_block_runs_and_ends_with_it():
    threads, ticks, three = threading.active_count(), [], threading.Event()

    def tick():
        ticks.append(threading.current_thread())
        if len(ticks) >= 3:
            three.set()

    with pytest.raises(ZeroDivisionError), progress.every(0.001, tick):
        assert three.wait(600)
        assert threading.active_count() == threads + 1
        _ = 1 / 0
    assert threading.active_count() == threads
    assert threading.current_thread() not in ticks
