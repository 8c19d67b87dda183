"""Where hosts sign in, in memory."""

from collections.abc import Mapping
from urllib.parse import urlencode

from attrs import define

from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound, Refused, Unavailable


@define
class MemoryIdentityProvider:
    """Gives each code to one user, once; see `showtime_core.ports.IdentityProvider`."""

    users: Mapping[str, Viewer]
    """Login → user."""
    codes: dict[str, Viewer]
    """Code → who has signed in."""
    is_away: bool = False

    def authorization_url(self, state: str) -> str:
        """Give the URL at which somebody signs in."""
        return f"https://twitch.example?{urlencode({'state': state})}"

    async def identify(self, code: str) -> Viewer:
        """Tell whom a code stands for."""
        self._answer()
        if code not in self.codes:
            raise Refused("Twitch refuses the code")
        return self.codes.pop(code)

    async def find_user(self, login: str) -> Viewer:
        """Find a user."""
        self._answer()
        if login.lower() not in self.users:
            raise NotFound(f"Twitch knows no user {login}")
        return self.users[login.lower()]

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable("Twitch cannot be reached")
