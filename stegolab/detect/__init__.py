"""Steganalysis: how well an observer can tell which pictures hold a payload (notebook 08).

Three adversaries: hand-made features with an ensemble of linear discriminants (``features``, ``ensemble``), a network
that learns its own (``network``, trained by ``python -m stegolab.detect``), and one who simply runs this program's
receiver (``reader``).
``pictures`` makes the material for training and testing, ``roc`` computes how often they are wrong.
"""
