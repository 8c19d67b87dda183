"""Who viewers are, and what they may do."""

from showtime_core.domain.viewers import Role, Viewer


def test_people_see_the_display_name_or_the_login_where_it_is_empty():
    """Twitch allows a display name to be empty, and a login never."""
    assert Viewer("1", "rewindrita", "RewindRita").name == "RewindRita"
    assert Viewer("1", "rewindrita", "").name == "rewindrita"


def test_roles_are_spelled_as_auth_spells_them():
    """Tokens and the auth service name them in these words."""
    assert {role.value for role in Role} == {"viewer", "broadcaster"}
