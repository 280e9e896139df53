"""Steganalysis: how well somebody who looks at pictures tells which of them hold a payload (notebook 08).

Three adversaries: hand-made features with an ensemble of linear discriminants (``features``, ``ensemble``), a network
that learns its own (``network``, trained by ``python -m stegolab.detect``), and one who simply runs this program's
receiver (``reader``).
``pictures`` makes what they learn from and are tried on, ``roc`` says how often they are wrong.
"""
