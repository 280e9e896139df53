"""Small covers, and the study that other processes run over them."""

import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np

from stegolab import data, study
from stegolab.images import from_array
from stegolab.study.engine import serial

ATTACKS = ("none", "jpeg:80", "jpeg:60", "jpeg:70:444")


def sample(name, rows=128, columns=192):
    return from_array(np.ascontiguousarray(data.sample_covers()[name][100 : 100 + rows, 100 : 100 + columns]))


def measured(journal=None, engine=serial, version="this", **options):
    """The version is fixed, so that editing the package during a test does not count as another program."""
    pictures = {f"{name} {top}": from_array(np.roll(sample(name).rgb, top, axis=0)) for name in NAMES for top in (0, 8)}
    with patch.object(study, "version", lambda: version):
        return study.run(pictures, ["jpeg"], ATTACKS, engine=engine, journal=journal, **options)


def text(rows):
    """The rows without their times."""
    return [repr(row.untimed()) for row in rows]


NAMES = ("astronaut", "coffee")

if __name__ == "__main__":  # run by a test that kills it
    measured(Path(sys.argv[1]), progress=lambda done, total: print(done, flush=True))
