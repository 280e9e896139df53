"""Bits <-> image: where in the picture the bits go, and how sure the receiver is of each bit that it reads."""
