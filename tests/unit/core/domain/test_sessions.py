"""Who may do what by a session, and where a sign-in may lead."""

import pytest

from showtime_core.domain.sessions import HostRole, Permission, check_own_path, host_role, permissions
from showtime_core.errors import Refused
from showtime_core.testing.contracts.sessions import HOST, MODERATOR


def test_a_moderator_may_less_than_the_broadcaster():
    """The broadcaster may everything; a moderator runs the show, and decides nothing for good."""
    assert set(permissions(HostRole.BROADCASTER)) == set(Permission)
    assert set(permissions(HostRole.MODERATOR)) == {"show", "ghosts", "tapes", "tests", "handled"}


@pytest.mark.parametrize(
    ("viewer", "is_named", "role"),
    [
        (HOST, False, HostRole.BROADCASTER),
        (HOST, True, HostRole.BROADCASTER),
        (MODERATOR, True, HostRole.MODERATOR),
        (MODERATOR, False, None),
    ],
)
def test_who_signs_in_as_what(viewer, is_named, role):
    """The channel's own user is the broadcaster, who is named a moderator, and anybody else nobody."""
    assert host_role(viewer, "GoldenVCR", is_named=is_named) is role


@pytest.mark.parametrize(
    "path", ["/", "/console", "/console?kinds=follow#tape", "/a/b%2Fc", "/console//x", "/" + "a" * 199]
)
def test_a_sign_in_leads_to_a_path_of_ours(path):
    """A path of this service is kept to the letter."""
    assert check_own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "console",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tevil.example",
        "\t//evil.example",
        "/console\r\nset-cookie: a=b",
        "/console\n",
        "/é",
        "/a\0",
        "/a\\b",
        "/" + "a" * 200,
    ],
)
def test_a_sign_in_leads_nowhere_else(path):
    """What a browser may take for another host, or for more than a path, is refused."""
    with pytest.raises(Refused, match="to must be a path of this service"):
        check_own_path(path)
