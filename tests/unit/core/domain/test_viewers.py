"""Who viewers are, and what they may do."""

import pytest

from showtime_core.domain.viewers import Role, Viewer


def test_people_see_the_display_name_or_the_login_where_it_is_empty():
    """Twitch allows a display name to be empty, and a login never."""
    assert Viewer("1", "rewindrita", "RewindRita").name == "RewindRita"
    assert Viewer("1", "rewindrita", "").name == "rewindrita"


@pytest.mark.parametrize("blank", [" ", "\t", "\u200b", "\u3164", " \U000e0000 "], ids=ascii)
def test_a_name_has_no_edges_that_nobody_sees(blank):
    """Blanks and invisible letters around a name are no part of it, and a name of these alone is none."""
    assert Viewer("1", f"rewindrita{blank}", f"{blank}Rewind Rita{blank}") == Viewer(
        "1", "rewindrita", "Rewind Rita"
    )
    assert Viewer("1", "rewindrita", blank).name == "rewindrita"


def test_roles_are_spelled_as_auth_spells_them():
    """Tokens and the auth service name them in these words."""
    assert {role.value for role in Role} == {"viewer", "broadcaster"}
