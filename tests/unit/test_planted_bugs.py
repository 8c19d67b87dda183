"""Bugs that are planted are found by what ships; `make soak` looks for all of them."""

import pytest

from support.planted import PLANTED, look_for, not_found, planted_text


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_what_is_replaced_is_there_once(planted):
    """A bug that is planted stands in place of code that is there exactly once."""
    assert planted_text(planted)


@pytest.mark.process
def test_what_ships_finds_each_that_moves_points():
    """A bug that would give or take points is found, within 200 examples."""
    assert not_found(look_for([each for each in PLANTED if each.money])) == ""


@pytest.mark.process
def test_what_ships_finds_a_tenth_of_the_others(request):
    """A tenth of the others is found, another one with each seed that `make test` prints."""
    others = [each for each in PLANTED if not each.money and each.is_quick]
    turn = int(request.config.getoption("randomly_seed", default=0))
    assert not_found(look_for(others[turn % 10 :: 10])) == ""
