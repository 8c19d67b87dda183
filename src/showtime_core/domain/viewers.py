"""The people of the channel: viewers, and what they may do."""

from enum import StrEnum

from attrs import field, frozen

from showtime_core.texts import trim

ANONYMOUS_NAME = "Anonymous"
"""What people see of somebody who does not want to be named."""


@frozen
class Viewer:
    """A Twitch user, as events and tokens name them; invisible letters at the edges of names are removed."""

    id: str
    """Twitch's user id: stable for life, unlike the names."""
    login: str = field(converter=trim)
    """The name in URLs: lower case, may change."""
    display_name: str = field(converter=trim)
    """The name as the viewer writes it; Twitch allows it to be empty."""

    @property
    def name(self) -> str:
        """What people see: the display name, or the login where that is empty."""
        return self.display_name or self.login


class Role(StrEnum):
    """What the bearer of a token may do; a broadcaster may do all that a viewer may."""

    VIEWER = "viewer"
    BROADCASTER = "broadcaster"


@frozen
class Identity:
    """Who asks, and in which role."""

    viewer: Viewer
    role: Role
