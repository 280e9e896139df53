"""The length of the header, shared by ``message``, which codes it, and ``carrier``, which puts it into a picture."""

HEADER_BITS = {1: 48, 2: 64}  # by format: bits of information, see ``message/frame``
HEADER_CODE_BITS = 240  # bits of its code word, before the carrier repeats it
