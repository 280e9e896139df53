"""The length of the header, shared by ``message``, which codes it, and ``carrier``, which puts it into a picture."""

HEADER_BITS = 48  # bits of information, see ``message/frame``
HEADER_CODE_BITS = 240  # bits of its code word, at LDPC's mother rate 1/5, before the carrier repeats it
