"""What statements cost, whatever the statistics say."""

import pytest

from integration import test_plans as short

database_of_ours = short.database_of_ours


@pytest.fixture(params=short.STATISTICS)
def statistics(request):
    """What the planner knows: nothing, the truth, and what was true once."""
    return request.param


test_a_credit_costs_the_same_however_many_are_due = short.test_a_credit_costs_the_same_however_many_are_due
test_what_waits_for_later_costs_nothing_now = short.test_what_waits_for_later_costs_nothing_now
test_to_look_for_what_is_left_behind_costs_the_same_however_many_are_due = (
    short.test_to_look_for_what_is_left_behind_costs_the_same_however_many_are_due
)
test_a_month_that_is_paid_costs_the_same_however_many_others_have_paid = (
    short.test_a_month_that_is_paid_costs_the_same_however_many_others_have_paid
)
