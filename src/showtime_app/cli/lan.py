"""The phone at `showtime dev`: this machine's address in its network, and what pairs a phone with it."""

from __future__ import annotations

import io
import ipaddress
import secrets
import socket

from showtime_core.errors import Refused, Unavailable

_ANYWHERE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737): the way there is looked up, and nothing is sent."""
_CODE_BYTES = 12
"""Chance of a pairing code: 96 bits."""
_WIDE = 2
_PAIR = """

  Phone     {url}

{code}
  Scan it within ten minutes: it signs in one phone, once. Whoever is in this network reaches this service,
  and reads what the phone sends: the network is to be one that you trust.
"""


def lan_address() -> str:
    """Tell the address of this machine in its network; raises Unavailable where it has none.

    Raises Refused for an address that the whole Internet reaches.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError as reason:
            raise Unavailable(
                f"this machine is in no network ({reason.strerror}): connect it, or leave out --lan"
            ) from reason
        return check_lan_address(str(probe.getsockname()[0]))


def check_lan_address(address: str) -> str:
    """Give an address as it is; raises Refused for one that the whole Internet reaches."""
    if ipaddress.ip_address(address).is_global:
        raise Refused(f"{address} is reached from the whole Internet, where dev must not be: leave out --lan")
    return address


def draw_pairing_code() -> str:
    """Draw a code that pairs one phone."""
    return secrets.token_urlsafe(_CODE_BYTES)


def pairing_text(url: str, code: str) -> str:
    """Say how a phone is paired: by a QR code with the code behind the `#`, which no browser sends."""
    import segno

    address, drawn = f"{url}/console#pair={code}", io.StringIO()
    segno.make(address, micro=False, error="l").terminal(drawn, border=_WIDE, compact=True)
    return _PAIR.format(url=address, code=drawn.getvalue())
