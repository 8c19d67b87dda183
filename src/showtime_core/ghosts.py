"""Ghosts: a viewer names something, and its ghostly image appears over the tape."""

import re

MAX_SUBJECT_CHARACTERS = 120

# Spelt out rather than compared in lower case: letters such as Ⱥ and İ change their length when lowered, and
# a position found in the one text is wrong in the other.
_REQUEST = re.compile(r"[Gg][Hh][Oo][Ss][Tt] [Oo][Ff]\s(.*)", re.DOTALL)


def find_subject(message: str) -> str | None:
    """Find what a message asks a ghost of: what follows "ghost of ", at most 120 characters of it.

    None if it asks for none, or names nothing. A longer subject is cut, for its viewer has already cheered.
    """
    found = _REQUEST.search(message)
    subject = found[1].strip()[:MAX_SUBJECT_CHARACTERS].strip() if found else ""
    return subject or None
