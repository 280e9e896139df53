"""Every error of the toolkit: one class per cause, each message telling the reader what to do next.

All derive from :class:`StegolabError`, so a caller can catch the family; the command line prints the
message on one line and exits with code 1.
"""

from __future__ import annotations


class StegolabError(Exception):
    """Base of every declared error."""


class BadAudio(StegolabError):
    """The sound file is unreadable, empty, silent or too short, or holds values that are not numbers."""


class BadImage(StegolabError):
    """The picture is unreadable, truncated, too small, too large, or of a kind that cannot carry a payload."""


class BadKey(StegolabError):
    """The passphrase or key file is missing or malformed, or the key service did not answer."""


class BadSpec(StegolabError):
    """A parameter or an attack specification is malformed; the message names the offending part."""


class BadData(StegolabError):
    """A data set is missing, incomplete, or does not match its checksum."""


class CannotWrite(StegolabError):
    """The output cannot be written: no permission, no such folder, or the disk is full."""


class NotTrained(StegolabError):
    """The learned model that was asked for has no weights in this version."""


class MissingExtra(StegolabError, ModuleNotFoundError):
    """An optional library is not installed; the message names the extra that installs it."""


class MissingSoftware(StegolabError):
    """A program or library is not installed that an attack runs; the message says how to install it."""


class CapacityExceeded(StegolabError):
    """The message is larger than the cover carries.

    The message of the error says how many seconds fit and how large a cover is needed.
    """


class NoPayload(StegolabError):
    """Nothing was found in the picture: it has no payload, or another key, or too much of it was changed.

    Without the right key a payload is noise, so nobody can say which of these it is.
    """


class UnsupportedVersion(StegolabError):
    """The payload was written by a newer version of the format."""


class Truncated(StegolabError):
    """The payload is shorter than its header declares."""


class Uncorrectable(StegolabError):
    """The header was read but more bits are damaged than the code can repair."""


class OtherWeights(StegolabError):
    """The payload was embedded by networks with other weights than those of this receiver."""


class AuthenticationFailed(StegolabError):
    """The payload was tampered with; in pictures of format 1 the key may also be the wrong one."""


class NotEncrypted(StegolabError):
    """A key was given, but the payload is not encrypted: anyone could have put it there."""


class WeakPassphraseWarning(UserWarning):
    """The passphrase is so short or so simple that it can be guessed at once."""


class KeyFileWarning(UserWarning):
    """Others on this machine may read the key file."""


class NotebookFailed(StegolabError):
    """A notebook did not execute completely, or wrote no new results."""
