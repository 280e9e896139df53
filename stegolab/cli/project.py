"""The verb for people who work on the project itself: keep documents up to date with published results."""

from __future__ import annotations

import argparse
import os

from ..errors import BadData


def results(options: argparse.Namespace) -> None:
    """Write the figures of ``results/*.json`` into README and docs, or with ``--check`` only compare them."""
    from .. import documents

    every = documents.all_documents()
    if options.check:
        names = [os.path.relpath(path) for path, _ in documents.outdated(every)]
        if names:
            raise BadData(f"not up to date with results/: {', '.join(names)}; bring them up to date: stegolab results")
        print(f"{len(every)} documents are up to date")
        return
    written = documents.update(every)
    for path in written:
        print(os.path.relpath(path))
    print(f"{len(written)} of {len(every)} documents changed")
