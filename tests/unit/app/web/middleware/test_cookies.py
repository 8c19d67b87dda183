"""What is read from the cookies of a browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_app.web.middleware.cookies import Cookies

TOKEN = "Zk3" * 14
COOKIES = Cookies(is_secure=True)
NAME = "__Host-showtime_session"


def read(*lines: bytes) -> str | None:
    return COOKIES.read({"headers": [(b"host", b"a"), *((b"cookie", line) for line in lines)]}, NAME)


@pytest.mark.parametrize(
    "lines",
    [
        [f"{NAME}={TOKEN}"],
        [f"theme=dark; {NAME}={TOKEN}; lang=en"],
        [f"theme=dark;{NAME}={TOKEN}"],
        ["theme=dark", f"{NAME}={TOKEN}"],  # HTTP/2 allows several lines
    ],
)
def test_a_cookie_is_found_among_others(lines):
    """What our cookie holds is found wherever it stands."""
    assert read(*(line.encode() for line in lines)) == TOKEN


@pytest.mark.parametrize("line", ["", "theme=dark", f"showtime_session={TOKEN}", f"x{NAME}={TOKEN}", TOKEN])
def test_a_cookie_of_another_name_is_not_ours(line):
    """Beyond loopback, a cookie without the prefix that browsers watch over counts as none."""
    assert read(line.encode()) is None


def test_of_two_cookies_of_one_name_neither_counts():
    """Where somebody has put a second cookie beside ours, nobody knows which is ours."""
    assert read(f"{NAME}={TOKEN}; {NAME}={'x' * 42}".encode()) == ""
    assert read(f"{NAME}={TOKEN}".encode(), f"{NAME}={TOKEN}".encode()) == ""


@given(st.binary(max_size=200))
def test_whatever_a_browser_sends_it_is_read(line):
    """No bytes are an error; only what looks like a token of ours is one."""
    found = read(NAME.encode() + b"=" + line)
    assert found is not None
    assert found == "" or (found.isascii() and len(found) >= 16)
