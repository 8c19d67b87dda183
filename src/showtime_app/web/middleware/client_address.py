"""Who is at the other end: the client's address, also where proxies stand between."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from litestar.types import Scope

Network = IPv4Network | IPv6Network

_WITH_PORT = re.compile(r"(?:\[([^]]*)]|([0-9.]+))(?::[0-9]{1,5})?")
"""An address as a URL has it (RFC 3986, 3.2.2 and 3.2.3): IPv6 in brackets, and a port after it, or none."""
_IPV6_PREFIX = 64
"""What one household or one server is given; within it, addresses cost nothing."""


def client_network(scope: Scope, trusted: Sequence[Network]) -> Network | None:
    """Tell from where a request comes; None if none but proxies of ours are known.

    Each proxy adds to `X-Forwarded-For` whom it heard from, at its end: what stands there is believed as far
    as the proxies that we trust have written it.
    """
    peer = scope["client"][0] if scope["client"] else ""
    lines = (value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")
    forwarded = ",".join(lines).split(",")  # a proxy may add a line of its own, below the client's
    for text in (peer, *reversed(forwarded)):
        address = _read_address(text)
        if address is None:
            return None
        if not any(address in network for network in trusted):
            prefix = address.max_prefixlen if address.version == 4 else _IPV6_PREFIX  # noqa: PLR2004 - IPv4
            return ip_network((address, prefix), strict=False)
    return None


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, with or without the port that some proxies write; None if it is none."""
    text = text.strip()
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((with_port[1] or with_port[2] or "") if with_port else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
