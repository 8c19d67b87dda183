"""The pages of nights at a desk."""

import pytest

from integration import test_night_afterwards as short

chrome = short.chrome
place = short.place


@pytest.mark.parametrize("path", ["nights", "nights?night={night}"])
def test_the_pages_are_open_at_a_desk(chrome, place, path):
    """What is so on a phone is so at a desk."""
    short.test_the_pages_are_open_to_everybody(chrome, place, path, 1280)


def test_a_night_is_looked_at_from_a_desk(chrome, place):
    """What a night shows on a phone it shows at a desk."""
    short.test_a_night_is_looked_at(chrome, place, 1280)
