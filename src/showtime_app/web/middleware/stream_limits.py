"""Limits on open streams: in all, and for each client address.

How many they are is a setting (`config`); what is kept for one that reads slowly is limited in `hub`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import define, field, frozen
from litestar.types import Scope

from showtime_app.web.middleware.client_address import Network, client_network


@frozen
class StreamLimits:
    """How many streams may be open at once."""

    in_all: int
    per_address: int
    """For one IPv4 address, or for one IPv6 network: the first 64 bits of the address."""
    trusted_proxies: Sequence[Network]
    """Whose word counts on where a request comes from."""


@define
class StreamSlots:
    """The open streams of this instance, counted in all and for each client address."""

    limits: StreamLimits
    _taken: int = 0
    _by_client: Counter[Network | None] = field(factory=Counter)

    @contextmanager
    def acquire(self, scope: Scope) -> Iterator[str | None]:
        """Take a slot for a while; gives the name of the limit that is reached, or None."""
        client = client_network(scope, self.limits.trusted_proxies)
        if self._taken >= self.limits.in_all:
            yield "all"
        elif client and self._by_client[client] >= self.limits.per_address:
            yield "address"
        else:
            self._taken += 1
            self._by_client[client] += 1
            try:
                yield None
            finally:
                self._taken -= 1
                self._by_client[client] -= 1
                if not self._by_client[client]:
                    del self._by_client[client]
