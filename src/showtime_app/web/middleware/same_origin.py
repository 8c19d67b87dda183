"""Which pages may change something by the cookie of a browser: those that come from here (against CSRF).

A browser sends the cookie with requests that pages of other sites make, too. With a change it says from which
origin the page came: `Origin` (Fetch Standard, 3.2), or at least `Sec-Fetch-Site` (Fetch Metadata, 2.3).
"""

import ipaddress
from urllib.parse import urlsplit

from attrs import frozen
from litestar.types import Scope

from showtime_app.web.asgi import header
from showtime_core.errors import NotAllowed

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")


@frozen
class SameOrigin:
    """Tells whether a request comes from a page of ours."""

    public_origin: str
    """The origin at which hosts sign in; empty: they sign in on a laptop, at whatever address it has."""

    def require(self, scope: Scope) -> None:
        """Raise NotAllowed for a change that comes from elsewhere, or does not say where it comes from."""
        if scope.get("method") in _SAFE:
            return
        origin, site = header(scope, b"origin"), header(scope, b"sec-fetch-site")
        if not origin and not site:
            raise NotAllowed("a change by a cookie must say where it comes from: Origin is missing")
        if (origin and origin not in self._ours(scope)) or (not origin and site != "same-origin"):
            raise NotAllowed(
                "a change by a cookie must come from a page of this service; this one comes from elsewhere"
            )

    def _ours(self, scope: Scope) -> set[str]:
        if self.public_origin:
            return {self.public_origin}
        # A name may lead here that somebody else has registered (DNS rebinding); an address cannot.
        host = header(scope, b"host")
        return {f"http://{host}"} if _is_address(_name_of(host)) else set()


def origin_of(url: str) -> str:
    """Give the origin of a URL as a browser writes it (RFC 6454, 6.2)."""
    parts = urlsplit(url.lower())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    is_usual = parts.port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{parts.port}"


def is_on_this_machine(scope: Scope) -> bool:
    """Tell whether a request comes from this machine and was meant for it, with no proxy in between."""
    client = scope["client"][0] if scope["client"] else ""
    name = _name_of(header(scope, b"host"))
    is_forwarded = any(header(scope, forwarded) for forwarded in _FORWARDED)
    return not is_forwarded and _is_loopback(client) and (name == "localhost" or _is_loopback(name))


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return name != "localhost" and _is_address(name) and ipaddress.ip_address(name).is_loopback
