import numpy as np

from stegolab.carrier.interface import DETECTED
from stegolab.detect.pictures import Setting, embed, luma_plane
from stegolab.detect.reader import detection_scores
from stegolab.pipeline import carrier_for
from tests.covers import larger

COVERS = [rgb[:256, :256] for rgb in larger().values()]
JPEG, SOCIAL = carrier_for("jpeg", "lattice"), carrier_for("social", "lattice")


def test_who_has_the_program_knows_without_a_key_and_without_a_body():
    covers = list(map(luma_plane, COVERS))
    for payload in (0.02, 0):
        stegos = [luma_plane(embed(cover, Setting("lattice", "jpeg", payload))[0]) for cover in COVERS]
        assert min(detection_scores(stegos, JPEG)) > DETECTED > max(detection_scores(covers, JPEG))
        assert max(detection_scores(stegos, SOCIAL)) < DETECTED  # to whom looks for something else
        assert np.isfinite(detection_scores(stegos, SOCIAL)).all()
