"""Everything that can go wrong, as a tree.

    ShowtimeError
    ├── Refused              final: the same request will fail again
    │   ├── NotAuthenticated who asks is not known
    │   ├── NotAllowed       who asks is known, and may not
    │   ├── NotFound         there is nothing of this name
    │   ├── NotEnoughPoints  the viewer cannot pay
    │   ├── LimitReached     there are too many already
    │   │   └── AlreadyUnderWay  somebody else does it now
    │   ├── NotPending       a reservation was accepted or rejected before
    │   ├── ShowingOver      an overlay has not, or no longer, what it speaks of
    │   └── ContentRefused   the painter will not paint this
    ├── Unavailable          nothing was done; try again later
    └── Ambiguous            it may have been done; look before trying again
        └── Unforeseen       a fault of ours, which would come again

The web application turns these into answers in one place; nothing in the core knows of HTTP.
"""

from datetime import timedelta


class ShowtimeError(Exception):
    """Something that showtime was asked to do was not done."""


class Refused(ShowtimeError):  # noqa: N818 - the tree reads as outcomes
    """The request is refused for good; repeating it changes nothing."""


class NotAuthenticated(Refused):
    """The credentials are not accepted: nobody knows who asks."""


class NotAllowed(Refused):
    """The credentials are accepted, but do not permit this."""


class NotFound(Refused):
    """There is nothing of this name."""


class NotEnoughPoints(Refused):
    """The viewer has fewer points than this costs."""


class LimitReached(Refused):
    """There are too many already; `limit` names which, `retry_after` how long it lasts, if that is known."""

    def __init__(self, reason: str, limit: str, retry_after: timedelta | None) -> None:
        """Say why, for people."""
        super().__init__(reason)
        self.limit = limit
        self.retry_after = retry_after


class AlreadyUnderWay(LimitReached):
    """It is being done already, and only one may do it at a time."""


class NotPending(Refused):
    """The reservation was accepted or rejected before; only looking at the transaction tells which."""


class ShowingOver(Refused):
    """The showing is not this overlay's to keep or to acknowledge, or not now; the reason says why."""


class ContentRefused(Refused):
    """The painter refuses what it was asked for; the message is for the viewer."""


class Unavailable(ShowtimeError):  # noqa: N818 - the tree reads as outcomes
    """Something outside is away; nothing was done, and trying again later may succeed."""


class Ambiguous(ShowtimeError):  # noqa: N818 - the tree reads as outcomes
    """An answer was lost: it may have been done. Look before trying again."""


class Unforeseen(Ambiguous):
    """Something failed in a way that nobody thought of, before it was done or after."""
