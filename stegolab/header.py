"""How long the header is: what ``message``, which codes it, and ``carrier``, which puts it into a picture, agree on."""

HEADER_BITS = 48  # of information: see ``message/frame``
HEADER_CODE_BITS = 240  # of its code word, at LDPC's mother rate 1/5, before the carrier repeats it
