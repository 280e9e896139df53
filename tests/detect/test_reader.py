"""Detection by the receiver itself: who has the key is sure, and who has only the program learns nothing."""

import numpy as np

from stegolab.carrier.interface import DETECTED
from stegolab.detect.pictures import Setting, embed, keyed, luma_plane
from stegolab.detect.reader import detection_scores
from stegolab.keystream import FORMAT_1, PUBLIC, Keystream
from stegolab.pipeline import carrier_for
from tests.covers import larger

COVERS = [rgb[:256, :256] for rgb in larger().values()]
JPEG, SOCIAL = carrier_for("jpeg", "lattice"), carrier_for("social", "lattice")


def test_who_has_the_key_knows_even_without_a_body():
    covers = list(map(luma_plane, COVERS))
    for payload in (0.02, 0):
        stegos = [luma_plane(embed(cover, Setting("lattice", "jpeg", payload))[0]) for cover in COVERS]
        assert min(detection_scores(stegos, keyed(JPEG))) > DETECTED > max(detection_scores(covers, keyed(JPEG)))
        assert max(detection_scores(stegos, keyed(SOCIAL))) < DETECTED  # to whom looks for something else
        assert np.isfinite(detection_scores(stegos, keyed(SOCIAL))).all()


def test_who_has_only_the_program_does_not():
    stegos = [luma_plane(embed(cover, Setting("lattice", "jpeg", 1.0))[0]) for cover in COVERS]
    for keystream in (FORMAT_1, PUBLIC, Keystream.keyed(b"another key".ljust(32))):
        assert max(detection_scores(stegos, JPEG.keyed(keystream))) < DETECTED
