"""The issuer of access tokens, on a laptop.

It replaces the auth service in `showtime dev`, never beside a database that is not showtime's own.
"""

import time

from attrs import field, frozen

from showtime_core.domain.viewers import Identity, Role, Viewer
from showtime_core.errors import NotAuthenticated

_ISSUER = "showtime dev"
_ALGORITHM = "HS256"
_CLAIMS = {"id": "twitch_user_id", "login": "twitch_user_login", "display_name": "twitch_display_name"}
"""What says who a viewer is."""
_LIFETIME_SECONDS = 30 * 24 * 3600


@frozen
class TokenIssuer:
    """Issues and verifies bearer tokens with a secret that never leaves the laptop."""

    secret: str = field(repr=False)
    """At least 32 characters."""

    def issue(self, viewer: Viewer, role: Role) -> str:
        """Make a token for a viewer, good for 30 days."""
        import jwt  # noqa: PLC0415 - it takes much memory and a tenth of a second, and is not needed to start

        now = int(time.time())
        who = {claim: getattr(viewer, name) for name, claim in _CLAIMS.items()}
        claims = {"iss": _ISSUER, "iat": now, "exp": now + _LIFETIME_SECONDS, **who, "role": role.value}
        return jwt.encode(claims, self.secret, _ALGORITHM)

    async def identify(self, token: str) -> Identity:
        """Tell whose token this is.

        Raises NotAccepted for a token that is expired, forged or not of this issuer.
        """
        import jwt  # noqa: PLC0415 - as above

        try:
            claims = jwt.decode(token, self.secret, [_ALGORITHM], issuer=_ISSUER)
            viewer = Viewer(**{name: claims[claim] for name, claim in _CLAIMS.items()})
            return Identity(viewer, Role(claims["role"]))
        except (jwt.InvalidTokenError, KeyError, ValueError) as reason:
            raise NotAuthenticated("access token was not accepted") from reason
