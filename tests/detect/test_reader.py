import numpy as np

from stegolab.carrier.interface import PRESENT
from stegolab.detect.pictures import Setting, embed
from stegolab.detect.reader import presence
from stegolab.images import luma
from tests.covers import larger

COVERS = [rgb[:256, :256] for rgb in larger().values()]


def planes(pictures):
    return [np.rint(luma(rgb)).astype(np.uint8) for rgb in pictures]


def test_who_has_the_program_knows_without_a_key():
    stegos = [embed(cover, Setting("lattice", "jpeg", 0.02))[0] for cover in COVERS]
    assert min(presence(planes(stegos), "lattice", "jpeg")) > PRESENT > max(presence(planes(COVERS), "lattice", "jpeg"))
    assert max(presence(planes(stegos), "lattice", "social")) < PRESENT  # to whom looks for something else
