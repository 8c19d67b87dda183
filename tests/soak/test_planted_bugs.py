"""What ships finds the bugs that are planted: each of them."""

import pytest

from support.planted import PLANTED, look_for


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_what_ships_finds_it(planted, tmp_path):
    """A machine of the harness fails on the code with the bug, by an assertion, within 200 examples."""
    found = look_for(planted, tmp_path)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "1 failed" in found.stdout
