"""The cookies: of a session, and of a sign-in that is under way."""

import re

from attrs import frozen
from litestar.datastructures import Cookie
from litestar.types import Scope

from showtime_core.domain.sessions import CODE_TIME, LONGEST_SESSION

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
"""How everything looks that we put into a cookie."""


@frozen
class Cookies:
    """Reads and writes the cookies of a browser; no script sees them, nor does another site send them."""

    is_secure: bool
    """Whether they travel by HTTPS alone, to this host alone: browsers see to that by the prefix of the name
    (RFC 6265bis, 4.1.3.2). Only a laptop does without."""

    @property
    def session(self) -> str:
        """The name of the cookie of a session."""
        return self._name("showtime_session")

    @property
    def sign_in(self) -> str:
        """The name of the cookie of a sign-in that is under way."""
        return self._name("showtime_sign_in")

    def read(self, scope: Scope, name: str) -> str | None:
        """Give what the cookie of this name holds; None if there is none.

        Empty for what cannot be ours, and for two of one name, of which one was put there by somebody else.
        """
        lines = b";".join(value for key, value in scope["headers"] if key == b"cookie").decode("latin-1")
        pairs = (pair.partition("=") for pair in lines.split(";"))
        found = [value.strip() for key, _, value in pairs if key.strip() == name]
        if not found:
            return None
        return found[0] if len(found) == 1 and _TOKEN.fullmatch(found[0]) else ""

    def of_session(self, token: str) -> Cookie:
        """Make the cookie of a session; the server knows when it ends."""
        return self._cookie(self.session, token, LONGEST_SESSION.total_seconds())

    def of_sign_in(self, browser: str) -> Cookie:
        """Make the cookie by which the browser is known again that comes back from Twitch."""
        return self._cookie(self.sign_in, browser, CODE_TIME.total_seconds())

    def removed(self, name: str) -> Cookie:
        """Make what removes a cookie."""
        return self._cookie(name, "", 0)

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self.is_secure else name

    def _cookie(self, name: str, value: str, seconds: float) -> Cookie:
        return Cookie(
            name,
            value=value,
            max_age=int(seconds),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )
