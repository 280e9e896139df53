"""Pictures with a template and nothing else."""

import numpy as np

from stegolab.carrier import blockdct
from stegolab.carrier.sync import template
from stegolab.carrier.sync.template import Template
from stegolab.images import luma
from stegolab.keystream import FORMAT_1, Keystream

PUBLIC = Template.of(FORMAT_1)
KEYED = Template.of(Keystream.keyed(bytes(range(32))))
BOTH = {"public": PUBLIC, "keyed": KEYED}


def drawn(rows, columns, known=PUBLIC):
    """On grey."""
    coefficients = np.zeros((rows, columns, 16, 16), np.float32)
    for frequency, points in zip(template.FREQUENCIES, known.points(rows, columns), strict=True):
        coefficients[..., *frequency] = points
    return blockdct.inverse(coefficients) + 128


def marked(cover, known=PUBLIC):
    """In a photograph."""
    plane = luma(cover)
    x = blockdct.analyse(plane, template.BLOCK, template.FREQUENCIES)  # (rows, columns, 2)
    moves = np.moveaxis(known.moves(np.moveaxis(x, 2, 0)), 0, 2)  # (rows, columns, 2)
    change = blockdct.synthesise(moves, template.BLOCK, template.FREQUENCIES, plane.shape)  # (H, W)
    return np.clip(np.rint(cover + change[..., None]), 0, 255).astype(np.uint8)
