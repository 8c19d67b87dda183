"""Nothing flashes, at sixty frames a second; and pages are open to everybody at a desk too."""

import pytest

from integration import test_pages as short

database = short.database
server = short.server


@pytest.mark.parametrize("kind", short.KINDS)
def test_nothing_flashes(chrome, server, kind, scale):
    """No kind of alert flashes, however closely one looks."""
    short.assert_nothing_flashes(chrome, server, kind, scale.frame_rate)


@pytest.mark.parametrize("path", short.PATHS)
def test_pages_are_open_at_a_desk(chrome, server, path):
    """What is so on a phone is so at a desk."""
    short.assert_is_open(chrome, server, path, short.DESK)
