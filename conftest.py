"""For all of pytest: notebooks are compared with their stored outputs as numbers."""

pytest_plugins = ["tests.stored_results"]
