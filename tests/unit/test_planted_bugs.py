"""Bugs that are planted are found by what ships; `make soak` looks for all of them."""

import pytest

from support.planted import PLANTED, look_for, not_found, planted_text

QUICK = [each for each in PLANTED if each.is_quick]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_what_is_replaced_is_there_once(planted):
    """A bug that is planted stands in place of code that is there exactly once."""
    assert planted_text(planted)


@pytest.mark.process
@pytest.mark.long
def test_what_ships_finds_those_on_money_and_some(request):
    """What ships finds all on money that show in memory, and a tenth of the others, as the seed says."""
    turn = int(request.config.getoption("randomly_seed", default=0))
    money = [each for each in QUICK if each.money]
    others = [each for each in QUICK if not each.money]
    assert not_found(look_for(money + others[turn % 10 :: 10])) == ""
