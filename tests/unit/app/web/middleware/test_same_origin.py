"""From which pages a change by a cookie is taken."""

import pytest

from showtime_app.web.middleware.same_origin import SameOrigin, origin_of
from showtime_core.errors import NotAllowed


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://goldenvcr.com/api/showtime/session/callback", "https://goldenvcr.com"),
        ("https://GoldenVCR.com:443/session/callback", "https://goldenvcr.com"),
        ("https://goldenvcr.com:8443/session/callback", "https://goldenvcr.com:8443"),
        ("http://localhost:80/session/callback", "http://localhost"),
        ("http://localhost:443/session/callback", "http://localhost:443"),
        ("http://[::1]:5001/session/callback", "http://[::1]:5001"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url, origin):
    """Scheme, host in lower case, and a port that is not the usual one."""
    assert origin_of(url) == origin


def is_taken(same_origin: SameOrigin, method: str, **headers: str) -> bool:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    try:
        same_origin.require({"method": method, "headers": lines})
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "ANY"])
def test_whatever_is_not_known_to_read_is_a_change(method):
    """Every method but those that change nothing must say where it comes from."""
    ours = SameOrigin("https://goldenvcr.com")
    assert not is_taken(ours, method, origin="https://evil.example")
    assert not is_taken(ours, method)
    assert is_taken(ours, method, origin="https://goldenvcr.com")
    assert is_taken(ours, "GET", origin="https://evil.example")


@pytest.mark.parametrize(
    "host",
    ["goldenvcr.com", "127.0.0.1.example", "localhost.example", "", ":5001", "[::1", "a b", "0x7f000001"],
)
def test_a_name_is_not_the_machine(host):
    """On a laptop no page counts as ours that was reached by a name which somebody may have registered."""
    assert not is_taken(SameOrigin(""), "POST", origin=f"http://{host}", host=host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:5001", "localhost:5001", "localhost", "192.168.1.20:5001", "[fd00::2]:5001"]
)
def test_an_address_is_the_machine(host):
    """On a laptop the page that was asked for by an address is ours, and by another one is not."""
    assert is_taken(SameOrigin(""), "POST", origin=f"http://{host}", host=host)
    assert not is_taken(SameOrigin(""), "POST", origin="http://127.0.0.9:1", host=host)
