"""What holds for every test: the same examples each time, no windows, no widgets, a cache of its own."""

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

# Set before anything is imported, and in the environment, because notebook kernels inherit it.
os.environ["MPLBACKEND"] = "Agg"
os.environ["STEGOLAB_HEADLESS"] = "1"
_cache = tempfile.TemporaryDirectory(prefix="stegolab-tests-")  # emptied when the tests end
os.environ["STEGOLAB_CACHE"] = _cache.name
os.environ["IPYTHONDIR"] = str(Path(_cache.name) / "ipython")  # the user's IPython start-up files stay out of it

settings.register_profile(
    "stegolab", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stegolab")
