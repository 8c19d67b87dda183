"""Where a request comes from is what our own proxies say, and nobody else."""

from ipaddress import ip_network

import pytest

from showtime_app.web.middleware.client_address import client_network

TRUSTED = [ip_network("127.0.0.1"), ip_network("10.0.0.0/24")]


@pytest.mark.parametrize(
    ("lines", "network"),
    [
        ([], None),
        (["203.0.113.7"], "203.0.113.7"),
        (["1.1.1.1", "203.0.113.7"], "203.0.113.7"),
        (["1.1.1.1, 2.2.2.2", "203.0.113.7, 10.0.0.3"], "203.0.113.7"),
        (["203.0.113.7", "unknown"], None),
        (["203.0.113.7", ""], None),
        (["\xff"], None),
        (["2001:db8::1"], "2001:db8::"),
        (["203.0.113.7:40000"], "203.0.113.7"),
        (["1.1.1.1:80, [2001:db8::1]:40000 , 10.0.0.3:5001"], "2001:db8::"),
        (["[2001:db8:0:1::1]"], "2001:db8:0:1::"),
        (["[::ffff:203.0.113.7]:40000"], "203.0.113.7"),
        (["203.0.113.7:"], None),
        (["203.0.113.7:port"], None),
        (["[]:40000"], None),
        (["[2001:db8::1"], None),
    ],
)
def test_the_last_word_is_a_proxys(lines, network):
    """However many lines and names there are, what the client itself wrote stands before the proxy's word."""
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]
    scope = {"client": ("127.0.0.1", 5), "headers": headers}
    found = client_network(scope, TRUSTED)
    assert (found and str(found.network_address)) == network
