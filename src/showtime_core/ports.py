"""What the core asks of the outside world: small protocols, one noun each."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from showtime_core.journal import Admission, Entry, Page
from showtime_core.reactions import Policy
from showtime_core.viewers import Identity


class Unit(Protocol):
    """One transaction under the channel's lock; it commits when its context is left without an error."""

    @property
    def admission(self) -> Admission:
        """The state, the time, and which of the entries are new."""

    async def write(self, page: Page) -> None:
        """Write all that follows from the entries. At most once in a unit."""


class UnitOfWork(Protocol):
    """The channel's journal and state, changed together or not at all."""

    def begin(self, entries: Sequence[Entry], policy: Policy) -> AbstractAsyncContextManager[Unit]:
        """Take the channel's lock and record the entries that are new.

        Raises Unavailable, on entering, inside or on leaving, if the database is away; then nothing is done
        or, when the answer to the commit was lost, all of it: the same entries again are duplicates then.
        """


class Authenticator(Protocol):
    """Who bears a token."""

    async def identify(self, token: str) -> Identity:
        """Tell whose token it is; raises NotAccepted, or Unavailable if nobody can tell now."""
