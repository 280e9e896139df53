"""What holds for every test: the same examples each time, no windows, no widgets, a cache of its own."""

import os
import signal
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Set before anything is imported, and in the environment, because notebook kernels inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # there is a worker for each processor
os.environ["MPLBACKEND"] = "Agg"
os.environ["STEGOLAB_HEADLESS"] = "1"
_cache = tempfile.TemporaryDirectory(prefix="stegolab-tests-")  # emptied when the tests end
os.environ["STEGOLAB_CACHE"] = _cache.name
os.environ["IPYTHONDIR"] = str(Path(_cache.name) / "ipython")  # the user's IPython start-up files stay out of it

# A shell starts jobs in the background with Ctrl-C ignored, and the processes that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "stegolab", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stegolab")

# Files, and tests in files, that `make quick` leaves out: they train, run notebooks or a browser, make environments, or
# repeat a whole way through a picture for many covers and attacks.
SLOW = (
    *("test_data_scripts.py", "test_execution.py", "test_gallery.py", "test_gallery_anywhere.py", "test_lab.py"),
    *("test_gallery_in_browser.py", "test_gallery_signals.py", "test_kernels.py"),
    *("carrier/test_refine.py", "carrier/training/test_trainer.py"),
    *("detect/test_detectability.py", "detect/test_network.py"),
    *("related/audio_cnn/test_trainer.py", "related/hide_reveal/test_trainer.py", "related/test_comparison.py"),
    *("related/pixinwav/test_trainer.py", "related/wavinwav/test_trainer.py", "speech/test_metricgan.py"),
    *("speech/test_trainer.py", "study/test_resume.py"),
    *("channel/software/test_browser.py", "channel/software/test_chromium.py"),
    "channel/test_spec.py::test_any_text_is_a_chain_or_a_bad_spec",
    "message/test_frame.py::test_a_header_comes_back_at_its_threshold_as_often_as_if_the_scale_were_known",
    "message/test_frame.py::test_arbitrary_header",
    "message/test_frame.py::test_noise",
    "speech/test_scores.py::test_less_noise_is_a_better_score",
    "speech/test_scores.py::test_no_score_hears_the_sign",
    "speech/test_scores.py::test_the_level_does_not_matter",
    "test_audio.py::test_ten_minutes_are_read",
    "test_install.py::test_a_set_up",
    "test_install.py::test_an_environment",
    "test_install.py::test_another_hash",
    "test_install.py::test_cpu_builds",
    "test_reference.py::test_every_key_of_the_reports_has_its_row",
    "test_sender.py::test_a_full_message_comes_back_after_every_declared_attack",
    "test_sender.py::test_a_rehearsal_that_hopes_too_much_of_the_busiest_blocks_ends_with_all_of_them",
    "test_sender.py::test_hardly_any_cover_is_hopeless",
    "test_sender.py::test_short_messages_come_back_too",
    "test_sender.py::test_the_more_it_carries_the_more_blocks_change",
    "test_sender.py::test_what_capacity_promises_comes_back_from_every_kind_of_cover",
    "test_worked_examples.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker(pytest.mark.slow)
