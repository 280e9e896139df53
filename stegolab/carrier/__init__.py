"""Bits <-> image: where in the picture the bits go, and how the receiver weighs what it reads there."""
