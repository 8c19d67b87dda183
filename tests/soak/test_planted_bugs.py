"""What ships finds the bugs that are planted: each of them."""

import pytest

from support.planted import PLANTED, look_for, not_found


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_what_ships_finds_it(planted):
    """What ships fails on the code with the bug, within 200 examples and a minute of CPU."""
    assert not_found(look_for([planted])) == ""
