"""The feed: everything that the streams show, in one order, whichever instance a client is connected to."""

from attrs import frozen


@frozen
class FeedEntry:
    """One thing that the streams show."""

    id: int
    """Ascending in the order of commits."""
    stream: str
    """`alerts` or `state`."""
    payload: str
    """JSON, as clients receive it."""


@frozen
class FeedPosition:
    """How far the feed has come: its epoch, the latest id, and the state at that id, as JSON."""

    epoch: str
    """Ids of another epoch mean nothing: the database was made anew, or restored."""
    id: int
    """The newest entry."""
    snapshot: str
    """The state at this point: JSON, as clients receive it."""
